"""One sync per team: what the outside sources say, mirrored on the board."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neveridle.agents.roster import Roster
from neveridle.board import Board, Source
from neveridle.board.syncs import MirrorEntry
from neveridle.graph.sources.roadmap_source import roadmap_entries
from neveridle.graph.sources.tracker import Tracker, ticket_task

if TYPE_CHECKING:
    from neveridle.tools.workspace import Workspaces

HOLD = 60.0
"""Seconds for which one process may be at a sync before another may begin it again."""


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
    """

    def __init__(
        self,
        board: Board,
        workspaces: Workspaces,
        tracker: Tracker,
        roster: Roster,
        *,
        roadmap: str,
        holder: str,
    ) -> None:
        self._board = board
        self._workspaces = workspaces
        self._tracker = tracker
        self._roster = roster
        self._roadmap = roadmap
        self._holder = holder
        self._head = ""
        self.stale = True

    @property
    def head(self) -> str:
        """The target branch's commit, as last seen; empty: never looked."""
        return self._head

    def glance(self) -> bool:
        """Notice, without starting a process, that the target branch has moved."""
        hint = self._workspaces.head_hint()
        if hint is not None and hint != self._head:
            self.stale = True
        return self.stale

    async def refresh(self) -> None:
        """Read the sources again as far as they changed; harmless when they did not."""
        self.stale = False
        self._head = await self._workspaces.head()
        await self._sync(Source.ROADMAP, await self._roadmap_token())
        seen = await self._board.syncs.token(Source.BACKLOG)
        await self._sync(Source.BACKLOG, await self._tracker.changed(seen))

    async def _roadmap_token(self) -> str | None:
        if not self._roadmap:
            return None
        seen = await self._board.syncs.token(Source.ROADMAP)
        token = f"{self._roadmap}@{self._head}"
        return None if token == seen else token

    async def _sync(self, source: Source, token: str | None) -> None:
        if token is None:
            return
        if not await self._board.syncs.hold(source, self._holder, seconds=HOLD):
            return
        done = None
        try:
            await self._board.syncs.mirror(source, await self._entries(source))
            done = token
        finally:
            await self._board.syncs.release(source, self._holder, token=done)

    async def _entries(self, source: Source) -> Sequence[MirrorEntry]:
        if source is Source.ROADMAP:
            text = await self._workspaces.read_at(self._head, self._roadmap)
            return [] if text is None else roadmap_entries(text, self._roadmap, self._roster)
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
