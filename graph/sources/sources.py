"""One sync per team: what the outside sources say, mirrored on the board."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from neveridle.agents.roster import Roster
from neveridle.board import Board, Source
from neveridle.board.syncs import MirrorEntry
from neveridle.errors import RateLimited, RoadmapInvalid, ServiceUnavailable
from neveridle.graph.sources.outside import OutsideSync
from neveridle.graph.sources.roadmap_source import roadmap_entries
from neveridle.graph.sources.tracker import AnyTracker, BoardTracker, OutsideTracker, ticket_task

if TYPE_CHECKING:
    from neveridle.tools.workspace import Workspaces

HOLD = 60.0
"""Seconds for which one process may be at a sync before another may begin it again."""
AGAIN = 60.0
"""Seconds until an outside tracker, or a source that could not be read, is looked at again."""


class Sources:
    """Keeps the board's mirror of roadmap and tracker fresh.

    Ticks only ask whether it is stale, which costs nothing.

    Args:
        board: the board.
        workspaces: the repository the roadmap is read from.
        tracker: the backlog's tracker.
        roster: whose names and skills tasks are addressed to.
        roadmap: the roadmap's path in the repository; empty: none.
        holder: who syncs, as a name on the board.
        tell: whom to tell of a source that cannot be read, and which one it is.
        full: seconds between two looks at all that an outside tracker has open.
        tickets: whether items of the roadmap have tickets there.
    """

    def __init__(
        self,
        board: Board,
        workspaces: Workspaces,
        tracker: AnyTracker,
        roster: Roster,
        *,
        roadmap: str,
        holder: str,
        tell: Callable[[Exception, str], Awaitable[None]],
        full: float = 3600.0,
        tickets: bool = False,
    ) -> None:
        self._board = board
        self._workspaces = workspaces
        self._tracker = tracker
        self._roster = roster
        self._roadmap = roadmap
        self._holder = holder
        self._tell = tell
        self._head = ""
        self._again_at: float | None = None
        self._wait = AGAIN
        self._gate = asyncio.Lock()
        self.outside: OutsideSync | None = None
        if isinstance(tracker, OutsideTracker):
            self.outside = OutsideSync(board, tracker, holder=holder, full=full, roadmap=tickets)
        self.stale = True

    @property
    def head(self) -> str:
        """The target branch's commit, as last seen; empty: never looked."""
        return self._head

    def glance(self, now: float) -> bool:
        """Notice, without starting a process or asking anybody, that it is time to look again.

        Args:
            now: the board's time.
        """
        hint = self._workspaces.head_hint()
        if hint is not None and hint != self._head:
            self.stale = True
        if self._again_at is not None and now >= self._again_at:
            self.stale = True
        return self.stale

    async def hear(self) -> None:
        """Ask the board whether a webhook told of a change; nothing where there is no tracker."""
        if self.outside is not None and await self.outside.nudged():
            self.stale = True

    async def refresh(self) -> None:
        """Read the sources again as far as they changed; nothing happens where none is stale.

        A source that cannot be read is told of, and looked at again a minute later; the
        others are read all the same, and what the board knows of it stays usable.
        """
        async with self._gate:  # whoever comes meanwhile looks at the board after this
            if not self.stale:
                return
            self.stale = False
            try:
                good = [await self._attempt(Source.ROADMAP), await self._attempt(Source.BACKLOG)]
                polled = not isinstance(self._tracker, BoardTracker)
                self._again_at = None
                if polled or not all(good):
                    wait = self._wait if all(good) else AGAIN
                    self._again_at = await self._board.clock.now() + wait
            except BaseException:  # not read to the end: stale again, then raised on
                self.stale = True
                raise

    async def _attempt(self, source: Source) -> bool:
        """Sync one source; False: it could not be done, and is to be tried again."""
        try:
            if source is Source.ROADMAP:
                self._head = await self._workspaces.head()
                return await self._sync(source, await self._roadmap_token())
            if self.outside is not None:
                self._wait = await self.outside.look()
                return True
            assert not isinstance(self._tracker, OutsideTracker)
            seen = await self._board.syncs.token(source)
            return await self._sync(source, await self._tracker.changed(seen))
        except (ServiceUnavailable, RateLimited):
            return False  # its breaker says so once, for everybody; the mirror stays usable
        except Exception as error:  # noqa: BLE001 - one broken source must not stop the others
            await self._tell(error, f"sync {source}")
            return False

    async def _roadmap_token(self) -> str | None:
        if not self._roadmap:
            return None
        seen = await self._board.syncs.token(Source.ROADMAP)
        # Whose an item is, and who could do it, depends on who there is.
        team = [(agent.name, agent.role, agent.skills) for agent in self._roster]
        token = f"{self._roadmap}@{self._head}@{sha256(repr(team).encode()).hexdigest()[:12]}"
        return None if token == seen else token

    async def _sync(self, source: Source, token: str | None) -> bool:
        if token is None:
            return True
        if not await self._board.syncs.hold(source, self._holder, seconds=HOLD):
            return False  # another process is at it, or died over it
        done = None
        try:
            await self._board.syncs.mirror(source, await self._entries(source))
            done = token
        finally:
            await self._board.syncs.release(source, self._holder, token=done)
        return True

    async def _entries(self, source: Source) -> Sequence[MirrorEntry]:
        if source is Source.ROADMAP:
            text = await self._workspaces.read_at(self._head, self._roadmap)
            if text is None:
                return []
            if "\ufffd" in text:
                line = text[: text.index("\ufffd")].count("\n") + 1
                msg = f"{self._roadmap}:{line}: holds bytes that are not UTF-8."
                raise RoadmapInvalid(msg, remedy="Save it as UTF-8; until then it is not read.")
            # In a thread: a roadmap of a thousand lines must not hold up the heartbeats.
            return await asyncio.to_thread(roadmap_entries, text, self._roadmap, self._roster)
        assert not isinstance(self._tracker, OutsideTracker)
        return [
            MirrorEntry(
                ref=f"{self._tracker.name}:{ticket.ref}",
                open=ticket.open,
                data=ticket.data,
                task=ticket_task(ticket, self._tracker.name),
                after=tuple(f"{self._tracker.name}:{ref}" for ref in ticket.after),
            )
            for ticket in await self._tracker.tickets()
        ]
