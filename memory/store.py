"""The board as memory sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from neveridle.board.memory_row import Change, MemoryRow, NewMemory, Signals
from neveridle.board.selection import Selection
from neveridle.board.turns import Told


class Leases(Protocol):
    """Who does something that one process at a time may do, and up to where it was done."""

    async def token(self, source: str) -> str:
        """What was said when it was last done; empty: it never was."""
        ...

    async def hold(self, source: str, holder: str, *, seconds: float) -> bool:
        """Become the one who does it; False: somebody else is at it."""
        ...

    async def release(self, source: str, holder: str, *, token: str | None = None) -> None:
        """Stop being the one who does it."""
        ...


class MemoryStore(Protocol):
    """The rows of memory: the truth that every index is built from.

    ``neveridle.board.memories.Memories`` implements it; what each does is said there.
    """

    async def add(self, new: Sequence[NewMemory]) -> list[int]:
        """Store memories durably, in one transaction; their ids."""
        ...

    async def get(self, ids: Sequence[int]) -> list[MemoryRow]:
        """The rows with these ids, in their order; ids without a row are left out."""
        ...

    async def newest(
        self, limit: int, *, before: int | None = None, agent: str | None = None
    ) -> list[MemoryRow]:
        """At most ``limit`` live rows, highest id first."""
        ...

    async def revision(self) -> int:
        """The number of the last change."""
        ...

    async def follows(self, after: int) -> bool:
        """Whether changes after this revision tell everything; False: begin anew at 0."""
        ...

    async def changes(self, after: int, limit: int) -> list[Change]:
        """At most ``limit`` rows that changed after a revision, in the order they did."""
        ...

    async def tokens(self, ids: Sequence[int]) -> dict[int, bytes]:
        """The quantized token vectors of these rows."""
        ...

    async def without_vectors(self, model: str, limit: int) -> list[MemoryRow]:
        """At most ``limit`` live rows without vectors of this model, oldest first."""
        ...

    async def put_signals(self, signals: Mapping[int, Signals]) -> None:
        """Store what recall computes with, in place of what there was."""
        ...

    async def forget(self, ids: Sequence[int]) -> list[int]:
        """Erase memories for ever; the ids that were there."""
        ...

    async def keep_within(self, agent: str, limit: int, *, added: int = 1) -> list[int]:
        """Forget the least valuable of what an agent has beyond a limit; their ids."""
        ...

    async def now(self) -> float:
        """The board's time."""
        ...

    async def told(self, episode: int, given: Sequence[Told]) -> list[int | None]:
        """For each turn, the id of the memory it is in this episode; None: it is new."""
        ...

    async def add_turns(self, episode: int, turns: Sequence[NewMemory]) -> list[int]:
        """Store the turns of an episode that are new; the ids of all."""
        ...

    async def add_unknown(self, new: Sequence[NewMemory]) -> list[tuple[int, bool]]:
        """Store those memories that are not there yet; of all, the id and whether it is new."""
        ...

    async def known(self, new: Sequence[NewMemory]) -> list[int | None]:
        """For each memory, the id of the one that is there already; None: it is new."""
        ...

    async def select(
        self, which: Selection, limit: int, *, after: int | None = None, newest: bool = False
    ) -> list[MemoryRow]:
        """At most ``limit`` of the memories that are meant, by rising ids."""
        ...

    async def episode_keys(self, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Key and title of episodes, by their ids."""
        ...

    async def begin_episode(
        self, *, agent: str, key: str, title: str = "", source: str = "", at: float | None = None
    ) -> int:
        """The id of an agent's episode of this key."""
        ...

    def syncs(self) -> Leases:
        """Where processes agree on who feeds an index of these rows."""
        ...
