"""The two ways into the database, as the rest of the board sees them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from neveridle.board.attempt import Claim
    from neveridle.board.breaker_store import BreakerStore
    from neveridle.board.budget_paths import BudgetPaths
    from neveridle.board.control import Control
    from neveridle.board.memory_paths import MemoryPaths
    from neveridle.board.outage import SweepRule
    from neveridle.board.permits import PermitPaths
    from neveridle.board.runnable import Runnable

T = TypeVar("T")


class HotPaths(Protocol):
    """What happens often: each is one statement or transaction, in one hop."""

    async def now(self) -> float:
        """The board's time."""
        ...

    async def clock(self) -> tuple[float, bool]:
        """The board's time, and whether it is scripted."""
        ...

    async def version(self) -> int:
        """A number that rises whenever something becomes runnable."""
        ...

    async def peek(self, agent: str, skills: str, source: str) -> int | None:
        """The id of the best runnable task of a rung, without taking it."""
        ...

    async def claim(
        self, *, agent: str, run: str, skills: str, source: str, lease: float
    ) -> Claim | None:
        """Take the best runnable task of a rung, if there is one."""
        ...

    async def renew(self, runs: Sequence[str], lease: float) -> set[tuple[int, int]]:
        """One heartbeat for all runs of a process; the attempts they still own."""
        ...

    async def complete(self, *, task: int, fence: int, run: str) -> list[int] | None:
        """End an attempt as completed; the ids of the tasks this makes runnable.

        None: nothing was done, as a sync point awaits it; see ``complete_within``.
        """
        ...

    def complete_within(
        self,
        connection: Connection,
        *,
        task: int,
        fence: int,
        run: str,
    ) -> list[int]:
        """The same inside an ordinary transaction, whoever awaits it."""
        ...

    async def event(
        self,
        kind: str,
        *,
        agent: str | None,
        run: str | None,
        task: int | None,
        fence: int | None,
        data: dict[str, Any],
    ) -> None:
        """Append one event."""
        ...

    async def runnable(self, sources: Sequence[str], limit: int) -> list[Runnable]:
        """What could be claimed now: of each source, in this order, at most so many."""
        ...

    async def next_due(self) -> float | None:
        """When time alone will next make something runnable."""
        ...

    async def sweep(self, rule: SweepRule) -> list[tuple[int, int]]:
        """Return expired attempts' tasks, and tasks whose wait is over."""
        ...

    async def points_due(self) -> tuple[bool, bool]:
        """Two things in one look, for each sweep.

        Whether a sync point's deadline has come, or a task that it awaits has stopped; and
        whether a call of a model is lost, see ``Budgets.book_lost``.
        """
        ...

    async def status(self) -> dict[str, Any]:
        """The numbers behind ``neveridle status``."""
        ...

    async def stamp(self) -> tuple[float, int, int]:
        """The board's time, its version, and the newest event: what tells of changes."""
        ...

    async def glance(self, kinds: Sequence[str]) -> dict[str, Any]:
        """What ``neveridle status`` shows besides; events only of some kinds."""
        ...

    async def controls(self) -> list[Control]:
        """What people said of agents, by agent and mode."""
        ...


class Changes(Protocol):
    """Waits, for all of a process, until something may have become runnable."""

    async def wait(self, poll: float) -> None:
        """Return when something may have become runnable; now and then without a reason.

        Args:
            poll: real seconds between two looks, where the database has to be looked at.
        """
        ...

    def nudge(self) -> None:
        """Let ``wait`` return at once, now or when it is next called."""
        ...

    async def close(self) -> None:
        """Let go of what waiting needs; may be called twice."""
        ...


class Database(Protocol):
    """A database that can hold a board."""

    @property
    def hot(self) -> HotPaths:
        """The hot paths."""
        ...

    @property
    def breakers(self) -> BreakerStore:
        """Where the breakers of services are."""
        ...

    @property
    def memories(self) -> MemoryPaths:
        """What memory asks often."""
        ...

    @property
    def budgets(self) -> BudgetPaths:
        """What is asked around each call of a model."""
        ...

    @property
    def permits(self) -> PermitPaths:
        """Who may call what is capped."""
        ...

    async def open(self, *, create: bool) -> None:
        """Connect; bring the schema up to date."""
        ...

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run ordinary queries that change nothing."""
        ...

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run ordinary statements in one durable transaction."""
        ...

    def changes(self) -> Changes:
        """How this database tells that something became runnable; one for each process."""
        ...

    async def close(self) -> None:
        """Disconnect."""
        ...
