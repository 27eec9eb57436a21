"""The improvement rung: looking for opportunities, without a model, and under a cap."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neveridle.agents.roster import Roster
from neveridle.board import Board, NewTask, Source
from neveridle.board.proposals import NewProposal
from neveridle.settings import Settings

if TYPE_CHECKING:
    from neveridle.graph.sources.improvement import Proposal
    from neveridle.graph.sources.sources import Sources
    from neveridle.tools.sandbox import CommandResult, Sandbox
    from neveridle.tools.workspace import BranchInfo, Workspace, Workspaces

SOURCE = str(Source.IMPROVEMENT)
HOLD = 1800.0
"""Seconds for which one process may be looking before another may begin again."""
AGAIN = 600.0
"""Seconds until somebody looks again where looking failed."""
CLONE = "look-"
DAY = 86_400.0
LIMIT = 100


class _Checkout:
    def __init__(self, workspace: Workspace, sandbox: Sandbox, workspaces: Workspaces) -> None:
        self.tree = workspace.tree
        self._sandbox = sandbox
        self._workspaces = workspaces

    async def run(self, command: str) -> CommandResult:
        return await self._sandbox.run(command, tree=self.tree)

    async def branches(self) -> Sequence[BranchInfo]:
        return await self._workspaces.branches()


class Improvement:
    """Looks at each commit of the target branch once a day at most, for the whole team.

    Args:
        board: the board.
        workspaces: the repository.
        sandbox: where linters and tests run.
        sources: who knows the target branch's commit.
        roster: whose skills a proposal may ask for.
        settings: which finders, how many, and from which value on.
        holder: who looks, as a name on the board.
    """

    def __init__(
        self,
        board: Board,
        workspaces: Workspaces,
        sandbox: Sandbox,
        sources: Sources,
        roster: Roster,
        settings: Settings,
        *,
        holder: str,
    ) -> None:
        self._board = board
        self._workspaces = workspaces
        self._sandbox = sandbox
        self._sources = sources
        self._roster = roster
        self._settings = settings
        self._holder = holder
        self._looked = ""
        self._day = -1
        self._again_at = 0.0
        self._looking = asyncio.Lock()

    async def look(self, *, again: bool = False) -> bool:
        """Look for opportunities where there is a new commit; whether tasks came of it.

        Costs nothing where this commit has been looked at.

        Args:
            again: look at the board whether a new day began, even at the same commit.
        """
        settings = self._settings.improvement
        if not settings.enabled or not settings.daily_cap or self._looking.locked():
            return False
        if self._looked and self._looked == self._sources.head and not again:
            return False
        async with self._looking:
            if not self._sources.head:
                await self._sources.refresh()
            head = self._sources.head
            if not head or (self._again_at and await self._board.clock.now() < self._again_at):
                return False
            day = int(await self._board.clock.now() // DAY)
            if (head, day) == (self._looked, self._day):
                return False  # asked every other second by who rests: nothing to read for that
            left = settings.daily_cap - await self._board.proposals.made_today()
            token = f"{head}@{day}:{settings.daily_cap}"
            if left <= 0 or await self._board.syncs.token(SOURCE) == token:
                self._looked, self._day = head, day
                return False
            if not await self._board.syncs.hold(SOURCE, self._holder, seconds=HOLD):
                return False
            done = None
            self._again_at = await self._board.clock.now() + AGAIN
            try:
                found = await self._find(head)
                done = token
            finally:
                await self._board.syncs.release(SOURCE, self._holder, token=done)
            self._looked, self._day, self._again_at = head, day, 0.0
            new = [_proposal(one, self._roster) for one in found]
            return bool(await self._board.proposals.add_all(new, daily_cap=settings.daily_cap))

    async def tidy(self) -> None:
        """Remove the clones of those who died while they looked."""
        left = [key for key in await self._workspaces.keys() if key.startswith(CLONE)]
        if not left or not await self._board.syncs.hold(SOURCE, self._holder, seconds=HOLD):
            return
        try:
            for key in left:
                await self._workspaces.remove(key)
        finally:
            await self._board.syncs.release(SOURCE, self._holder)

    async def _find(self, head: str) -> list[Proposal]:
        from neveridle.graph.sources.improvement import FinderContext, find_improvements

        settings = self._settings.improvement
        key = f"{CLONE}{self._holder}"
        prefix = self._settings.delivery.branch_prefix
        workspace = await self._workspaces.create(key, branch=f"{prefix}look", start=head)
        try:
            context = FinderContext(
                checkout=_Checkout(workspace, self._sandbox, self._workspaces),
                checks={**self._settings.checks, **settings.checks},
                lint=settings.lint or self._settings.checks.get("lint", ""),
                stale_days=settings.stale_days,
                now=await self._board.clock.now(),
                target_branch=self._workspaces.branch,
                own_prefix=prefix,
            )
            result = await find_improvements(
                context,
                settings.finders,
                threshold=settings.threshold,
                known=await self._board.proposals.known(),
                limit=LIMIT,
            )
        finally:
            await self._workspaces.remove(key)
        data = {"found": len(result.proposals), "problems": [str(p)[:300] for p in result.problems]}
        await self._board.events.append("improvement.looked", data)
        return list(result.proposals)


def _proposal(one: Proposal, roster: Roster) -> NewProposal:
    # A skill that nobody has would leave the task lying for ever.
    skills = one.skills if any(set(one.skills) <= set(agent.skills) for agent in roster) else ()
    return NewProposal(
        fingerprint=one.fingerprint,
        finder=one.finder,
        value=one.value,
        reason=one.reason,
        task=NewTask(
            source=Source.IMPROVEMENT,
            ref=f"improvement:{one.fingerprint}",
            title=one.title,
            description=f"{one.description}\n\nWhy: {one.reason}",
            skills=skills,
            needs_change=one.needs_change,
        ),
    )
