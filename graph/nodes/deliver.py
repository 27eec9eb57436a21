"""Deliver work that passed: as a branch, merged, or as a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neveridle.board import Phase
from neveridle.errors import (
    MergeConflict,
    RepositoryUnusable,
    ServiceError,
    StateConflict,
    WorkRefused,
)
from neveridle.graph.desk import Job
from neveridle.graph.gates import ask_to_merge
from neveridle.graph.nodes.chain import root_base
from neveridle.graph.nodes.clones import open_workspace
from neveridle.graph.nodes.roadmap_mark import mark_roadmap
from neveridle.graph.nodes.verify import run_checks
from neveridle.graph.state import TickState
from neveridle.graph.team import Team

if TYPE_CHECKING:
    from neveridle.tools.workspace import Workspace

PATCH = 20_000
"""Bytes kept of work that could not be merged."""
ROUNDS = 8
"""How often a merge begins again because somebody else merged first."""


async def deliver(team: Team, state: TickState) -> TickState:
    """Publish the branch or merge it; both can be repeated without doing anything twice."""
    job = team.desk.of(state)
    if team.forge is not None:
        from neveridle.graph.delivery.pull_request import PullRequestDelivery

        return await PullRequestDelivery(team, job, team.forge).run()
    commit = job.attempt.commit
    # What was handed over is delivered by the last of the chain, changed by it or not.
    if commit != job.attempt.base or job.task.continues is not None:
        if await team.workspaces.is_merged(commit):
            await _tell_merged(team, job, await team.workspaces.head())
        elif team.settings.delivery.mode == "merge":
            await team.tickets.still_ours(job)
            asked = await ask_to_merge(team, job, commit)
            if asked is not None:
                return asked
            await merge(team, job, await open_workspace(team, job))
        else:
            await team.tickets.still_ours(job)
            await publish(team, job, await open_workspace(team, job))
    merged = team.settings.delivery.mode == "merge"  # else a person looks at it first
    await team.tickets.say(job, "done" if merged else "review")
    job.attempt = await team.board.attempts.record(job.attempt, phase=Phase.DELIVERED)
    return {"phase": str(Phase.DELIVERED)}


async def publish(team: Team, job: Job, workspace: Workspace) -> None:
    """Leave the work as a branch of the repository.

    Raises:
        LeaseLost: the task has another owner.
        RepositoryUnusable: a branch of this name is there that is not ours.
    """
    try:
        async with team.fencing.outside(job):
            await team.board.attempts.check(job.attempt)
            await workspace.publish_branch()
    except StateConflict as error:
        remedy = f"{error.remedy} Then `neveridle tasks retry {job.task.id}`.".lstrip()
        raise RepositoryUnusable(error.message, remedy=remedy) from error
    await _tell(team, job, "branch.published", {"branch": workspace.branch})


async def merge(team: Team, job: Job, workspace: Workspace) -> None:
    """Bring the work onto the target branch, once the checks pass on the merged tree.

    The branch moves only from a commit that does not hold this work yet, so it is merged
    once, whoever else was given the task and whoever of them does it.

    Raises:
        LeaseLost: the task has another owner.
        MergeConflict: it does not fit what others merged.
        ServiceError: others merge faster than the checks run; later will do.
        WorkRefused: the merged tree does not pass the checks.
        RepositoryUnusable: uncommitted changes of a person are in the way.
    """
    tip = job.attempt.commit
    for _ in range(ROUNDS):
        head = await team.workspaces.head()
        if await team.workspaces.is_merged(tip):  # by whoever took the task over meanwhile
            await _tell_merged(team, job, head)
            return
        await workspace.reset(tip)  # what an earlier round, or a killed process, left
        moved = not await workspace.contains(head)
        if moved or team.settings.delivery.merge_style == "commit":
            await _join(team, job, workspace, head)
        if moved:
            await _check_merged(team, job, workspace, head)
        async with team.fencing.outside(job):
            await team.board.attempts.check(job.attempt)
            result = await workspace.fast_forward_target(expect=head)
        if result.result == "done":
            await _tell_merged(team, job, result.commit)
            return
        if result.result == "dirty":
            files = ", ".join(result.files[:10])
            msg = f"Uncommitted changes in {team.workspaces.repository} are in the way: {files}."
            again = f"Commit or stash them, then `neveridle tasks retry {job.task.id}`."
            raise RepositoryUnusable(msg, remedy=again)
    msg = f"{team.workspaces.branch} moved {ROUNDS} times while this work was being merged."
    raise ServiceError(msg)


async def _join(team: Team, job: Job, workspace: Workspace, head: str) -> None:
    """Make the merge commit, as if the work were merged into the target.

    The roadmap's marks are ours, and are made anew on the target's version: two
    finished items next to each other are no conflict.
    """
    author, email = job.attempt.agent, team.email_of(job.attempt.agent)
    title = f"Merge task {job.task.id}: {job.task.title}"
    roadmap = team.settings.team.roadmap
    for again in (False, True):
        result = await workspace.merge(
            head, message=title, author=author, email=email, always=True, other_first=True
        )
        if result.ok:
            if again:
                await mark_roadmap(team, job, workspace, "done")
            return
        if again or result.conflicts != [roadmap]:
            await _keep_patch(team, job, workspace)
            break
        await workspace.checkout_paths(head, [roadmap])
        await workspace.commit(f"Take over {roadmap}", author=author, email=email)
    paths = ", ".join(result.conflicts[:20])
    msg = f"The work conflicts with what was merged meanwhile, in: {paths}."
    raise MergeConflict(msg)


async def _keep_patch(team: Team, job: Job, workspace: Workspace) -> None:
    """Note what the work was: who does it again begins at the target branch, without it."""
    patch = await workspace.diff(await root_base(team, job), limit=PATCH)
    evidence = {**(job.attempt.evidence or {}), "patch": patch}
    job.attempt = await team.board.attempts.record(job.attempt, evidence=evidence)


async def _check_merged(team: Team, job: Job, workspace: Workspace, head: str) -> None:
    """Run the checks on the merged tree, which nobody has seen before."""
    evidence: dict[str, Any] = {"checks": {}}
    checks = await team.checks.at(head)
    checks |= {f"acceptance {n}": c for n, c in enumerate(job.task.acceptance, start=1)}
    wrong = await run_checks(team, workspace, checks, evidence)
    if wrong:
        msg = f"Merged with {team.workspaces.branch}, the work does not pass.\n\n{wrong}"
        raise WorkRefused(msg)


async def _tell_merged(team: Team, job: Job, commit: str) -> None:
    """Say that this work was merged, unless somebody has said so.

    A process may have died between merging and saying it; and two owners of one task can
    make the very same merge commit within a second, so that both find it done.

    Raises:
        LeaseLost: the task has another owner, who says it.
    """
    await team.board.attempts.check(job.attempt)
    team.sources.stale = True
    work = job.attempt.commit
    said = await team.board.events.find(kind="branch.merged", task=job.task.id)
    if not any(event.data.get("work") == work for event in said):
        data = {"branch": job.attempt.branch, "commit": commit, "work": work}
        await _tell(team, job, "branch.merged", data)


async def _tell(team: Team, job: Job, kind: str, data: dict[str, Any]) -> None:
    await team.board.events.append(
        kind, data, agent=job.attempt.agent, run=job.attempt.run, task=job.task.id,
        fence=job.attempt.fence,
    )  # fmt: skip
