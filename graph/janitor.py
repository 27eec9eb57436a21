"""The janitor: clears away what processes that died left behind."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neveridle.agents.checkpoints import Checkpoints
from neveridle.board import AttemptState, Board, Phase, TaskState
from neveridle.board.aging import DAY
from neveridle.board.attempt import Attempt, thread_of
from neveridle.errors import NotFound, StateCorrupted
from neveridle.tools.sandbox.orphans import end_orphans
from neveridle.tools.workspace import Workspaces

if TYPE_CHECKING:
    from neveridle.tools.workspace import BranchInfo

OVER = (TaskState.COMPLETED, TaskState.CANCELLED, TaskState.FAILED)
ENDED = (AttemptState.COMPLETED, AttemptState.HANDED_OFF, AttemptState.CANCELLED)
"""Attempts that no other goes on with, nor with any before them."""
NAME = re.compile(r"(\d+)[-:](\d+)")
PROVEN = (Phase.VERIFIED, Phase.DELIVERED, Phase.REFLECTED)
"""Work that passed its checks waits for delivery only, and is not thrown away for its age."""


@dataclass(frozen=True, slots=True)
class Leftovers:
    """What attempts left behind that ended long ago.

    Attributes:
        attempts: those that have a clone or a thread which nobody went on with.
        branches: those of tasks that failed or were cancelled.
    """

    attempts: list[Attempt]
    branches: list[BranchInfo]


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
        for task, fences in (await self._left()).items():
            with suppress(StateCorrupted):  # whoever claims it sets that right, and says so
                await self.clear(task, fences)
        if self._merges:
            await self._branches()

    async def _left(self) -> dict[int, set[int]]:
        """The attempts that have a clone or a thread: fences by task."""
        names = [*await self._workspaces.keys(), *await self._checkpoints.threads()]
        left: dict[int, set[int]] = {}
        for found in (NAME.fullmatch(name) for name in sorted(names)):
            if found is not None:
                left.setdefault(int(found[1]), set()).add(int(found[2]))
        return left

    async def aged(self, days: float) -> Leftovers:
        """What attempts left behind that ended more than ``days`` days ago; 0: nothing.

        Another attempt could still have gone on with it. It will begin anew, which costs
        the work that was not delivered; work that passed its checks stays.
        """
        found = Leftovers([], [])
        if days <= 0:
            return found
        before = await self._board.clock.now() - days * DAY
        for task, fences in (await self._left()).items():
            found.attempts.extend(
                one
                for one in await self._board.attempts.of(task)
                if one.fence in fences and one.state is not AttemptState.ACTIVE
                and one.phase not in PROVEN
                and one.ended_at is not None and one.ended_at < before
            )  # fmt: skip
        for branch in await self._workspaces.branches():
            if await self._was_given_up(branch, before):
                found.branches.append(branch)
        return found

    async def _was_given_up(self, branch: BranchInfo, before: float) -> bool:
        number = re.match(rf"{re.escape(self._prefix)}(\d+)-", branch.name)
        if number is None:
            return False
        try:
            task = await self._board.tasks.get(int(number[1]))
        except NotFound:
            return False
        if task.state not in (TaskState.CANCELLED, TaskState.FAILED):
            return False
        attempts = await self._board.attempts.of(task.id)
        return (
            (task.completed_at or task.updated_at) < before
            and (branch.name, branch.commit) in {(one.branch, one.commit) for one in attempts}
            and not any(one.phase in PROVEN[1:] for one in attempts)
        )

    async def remove(self, found: Leftovers) -> None:
        """Remove what ``aged`` found."""
        for one in found.attempts:
            await self._workspaces.remove(f"{one.task_id}-{one.fence}")
            await self._checkpoints.drop(one.thread)
        for branch in found.branches:
            await self._workspaces.delete_branch(branch.name, expect=branch.commit)

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
        attempts = await self._board.attempts.of(task)
        # A task that was handed over is not over, but what led to that is: whoever died while
        # clearing up had others' clones to remove besides its own.
        ended = max((one.fence for one in attempts if one.state in ENDED), default=0)
        gone = {
            one.fence
            for one in attempts
            if one.state is not AttemptState.ACTIVE and (over or one.fence <= ended)
        }
        if over and fences is not None:  # and of claims that a crash of the server undid
            gone |= fences - {one.fence for one in attempts}
        for fence in sorted(gone if fences is None else gone & fences):
            await self._workspaces.remove(f"{task}-{fence}")
            await self._checkpoints.drop(thread_of(task, fence))

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
