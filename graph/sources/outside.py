"""The sync of a tracker that is a service: one process of the team looks, and seldom."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from neveridle.board import Board, Source
from neveridle.board.syncs import MirrorEntry
from neveridle.graph.sources.tracker import OutsideTracker, Reading, Ticket, ticket_task

SOURCE: Final = str(Source.BACKLOG)
HOLD: Final = 300.0
"""Seconds for which one process may be at a look before another may begin it again."""
GAP: Final = 5.0
"""Seconds between two looks at least, however often webhooks say that something changed."""
JITTER: Final = 0.2
"""Share of the interval by which looks are spread."""
ITEM: Final = re.compile(r"Roadmap item `[0-9a-f]{12}`")
"""Stands in the tickets that were made for items of the roadmap."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How far the tracker has been read.

    Attributes:
        cursor: where the next look goes on.
        began: when the last look began, by the board's clock.
        whole: when the last look at everything began.
        tracker: which tracker that was.
    """

    cursor: str = ""
    began: float = 0.0
    whole: float = 0.0
    tracker: str = ""

    @classmethod
    def of(cls, token: str) -> Seen:
        """From the token on the board; nothing was seen where it is none of ours."""
        try:
            return cls(**json.loads(token))
        except (ValueError, TypeError):
            return cls()

    @property
    def token(self) -> str:
        """As it is kept on the board."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__})


class OutsideSync:
    """Keeps the mirror of a tracker; the team's processes take turns by the board.

    Args:
        board: the board.
        tracker: the tracker.
        holder: who looks, as a name on the board.
        full: seconds between two looks at all that is open.
        roadmap: whether tickets of roadmap items are left to the roadmap.
        chance: random numbers from 0 to 1.
    """

    def __init__(
        self,
        board: Board,
        tracker: OutsideTracker,
        *,
        holder: str,
        full: float,
        roadmap: bool = False,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._board = board
        self.tracker = tracker
        self._holder = holder
        self._full = full
        self._roadmap = roadmap
        self._chance = chance
        self._heard: float | None = None

    async def nudged(self) -> bool:
        """Whether somebody said since we last asked, as by a webhook, that something changed."""
        at = await self._board.syncs.nudged_at(SOURCE)
        if at is None or at == self._heard:
            return False
        self._heard = at
        return at >= Seen.of(await self._board.syncs.token(SOURCE)).began

    async def look(self) -> float:
        """Look at what changed, if it is time and nobody else does; seconds until it is again.

        Raises:
            ServiceError: the tracker cannot be asked.
        """
        board, now = self._board, await self._board.clock.now()
        seen = Seen.of(await board.syncs.token(SOURCE))
        if seen.tracker != self.tracker.name:
            seen = Seen()
        every = self.tracker.interval()
        at = await board.syncs.nudged_at(SOURCE)
        every = GAP if at is not None and at >= seen.began else every
        if seen.began and now < seen.began + every:
            return seen.began + every - now
        if not await board.syncs.hold(SOURCE, self._holder, seconds=HOLD):
            return every
        done: str | None = None
        try:
            whole = not seen.cursor or now >= seen.whole + self._full
            reading = await self.tracker.read(seen.cursor, whole=whole)
            await self._take_over(reading, now)
            looked = now if reading.whole else seen.whole
            done = Seen(reading.cursor, now, looked, self.tracker.name).token
        finally:
            await board.syncs.release(SOURCE, self._holder, token=done)
        return self.tracker.interval() * (1.0 + JITTER * self._chance())

    async def _take_over(self, reading: Reading, now: float) -> None:
        stored = await self._board.syncs.entries(SOURCE)
        known = {} if reading.whole else _known(stored, self.tracker.name)
        new = {one.ref: replace(one, read_at=now) for one in reading.tickets}
        changed = [one for one in new.values() if _differs(known.get(one.ref), one)]
        if not changed and not reading.whole:
            return
        tickets = {**known, **{one.ref: one for one in changed}}
        over = {ref for ref, one in tickets.items() if one.over}
        left = [one for ref, one in tickets.items() if ref not in over]
        await self._board.syncs.mirror(
            SOURCE, entries_of(left, self.tracker.name, over, roadmap=self._roadmap)
        )


def entries_of(
    tickets: list[Ticket], tracker: str, over: set[str], *, roadmap: bool = False
) -> list[MirrorEntry]:
    """What tickets are in the board's mirror, those they wait for among them.

    Args:
        tickets: those that are not over.
        tracker: the tracker's name.
        over: refs of those that are over, which nothing waits for.
        roadmap: whether those of roadmap items never become tasks of the backlog.
    """
    refs = {one.ref for one in tickets}
    found = [
        _entry(one, tracker, over, shut=roadmap and ITEM.search(one.description) is not None)
        for one in tickets
    ]
    others = {ref for one in tickets for ref in one.after} - refs - over
    for ref in sorted(others):  # of another team, say: whether they are over is said by who waits
        stub = Ticket(ref=ref, title=ref, open=False)
        task = ticket_task(stub, tracker)
        found.append(MirrorEntry(f"{tracker}:{ref}", open=False, data={}, task=task, over=False))
    return found


def _entry(ticket: Ticket, tracker: str, over: set[str], *, shut: bool) -> MirrorEntry:
    data = {
        **ticket.data,
        "ticket": ticket.stored(),
        "ours": ticket.ours,
        "taken_by": ticket.taken_by,
    }
    task = ticket_task(ticket, tracker)
    if not ticket.ours:  # it cannot be taken while nobody can be asked whose it is
        task = ticket_task(ticket, tracker, needs=tracker)
    return MirrorEntry(
        ref=f"{tracker}:{ticket.ref}",
        open=ticket.open and not shut,
        data=data,
        task=task,
        after=tuple(f"{tracker}:{ref}" for ref in ticket.after if ref not in over),
        over=False,
    )


def _known(stored: Mapping[str, Mapping[str, Any]], tracker: str) -> dict[str, Ticket]:
    return {
        ref.removeprefix(f"{tracker}:"): Ticket.restored(data["ticket"])
        for ref, data in stored.items()
        if ref.startswith(f"{tracker}:") and isinstance(data.get("ticket"), dict)
    }


def _differs(known: Ticket | None, new: Ticket) -> bool:
    """Whether the mirror has to change: what is over and not in it stays out of it."""
    if known is None:
        return not new.over
    return replace(known, read_at=0.0).stored() != replace(new, read_at=0.0).stored()
