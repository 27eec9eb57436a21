"""The janitor: clears away what processes that died left behind."""

from __future__ import annotations

import asyncio
import re

from neveridle.agents.checkpoints import Checkpoints
from neveridle.board import AttemptState, Board, TaskState
from neveridle.board.attempt import thread_of
from neveridle.errors import NotFound
from neveridle.tools.sandbox.orphans import end_orphans
from neveridle.tools.workspace import Workspaces

OVER = (TaskState.COMPLETED, TaskState.CANCELLED, TaskState.FAILED)
ENDED = (AttemptState.COMPLETED, AttemptState.HANDED_OFF, AttemptState.CANCELLED)
"""Attempts that no other goes on with."""
NAME = re.compile(r"(\d+)[-:](\d+)")


class Janitor:
    """Removes clones, threads and branches of work that is over, and commands of the dead.

    Whoever ends an attempt clears up after it; this is for those who were killed in between,
    and for tasks that were cancelled while somebody worked on them.

    Args:
        board: what is over.
        workspaces: the clones, and the repository with the branches.
        checkpoints: the threads.
        prefix: what the names of the team's branches begin with.
        merges: whether work is merged; else a branch is what was delivered.
    """

    def __init__(
        self,
        board: Board,
        workspaces: Workspaces,
        checkpoints: Checkpoints,
        *,
        prefix: str,
        merges: bool,
    ) -> None:
        self._board = board
        self._workspaces = workspaces
        self._checkpoints = checkpoints
        self._prefix = prefix
        self._merges = merges

    async def sweep(self) -> None:
        """Look at everything there is; done when a team is opened."""
        await asyncio.to_thread(end_orphans)
        names = [*await self._workspaces.keys(), *await self._checkpoints.threads()]
        found = [NAME.fullmatch(name) for name in names]
        for task in sorted({int(match[1]) for match in found if match}):
            await self.clear(task, {int(m[2]) for m in found if m and int(m[1]) == task})
        if self._merges:
            await self._branches()

    async def clear(self, task: int, fences: set[int] | None = None) -> None:
        """Remove clones and threads of a task that nobody goes on with.

        Args:
            task: the task.
            fences: which of its attempts; None: all.
        """
        try:
            over = (await self._board.tasks.get(task)).state in OVER
        except NotFound:
            return  # of another board in the same home
        for one in await self._board.attempts.of(task):
            if fences is not None and one.fence not in fences:
                continue
            if one.state in ENDED or (over and one.state is not AttemptState.ACTIVE):
                await self._workspaces.remove(f"{task}-{one.fence}")
                await self._checkpoints.drop(thread_of(task, one.fence))

    async def _branches(self) -> None:
        for branch in await self._workspaces.branches():
            number = re.match(rf"{re.escape(self._prefix)}(\d+)-", branch.name)
            if number is None or not branch.merged:
                continue
            try:
                task = await self._board.tasks.get(int(number[1]))
            except NotFound:
                continue
            ours = {(one.branch, one.commit) for one in await self._board.attempts.of(task.id)}
            if task.state is TaskState.COMPLETED and (branch.name, branch.commit) in ours:
                await self._workspaces.delete_branch(branch.name, expect=branch.commit)
