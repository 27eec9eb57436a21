"""Bringing a pull request up to what others pushed, where that needs no agent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neveridle.graph.delivery.taking_in import BASE, HEAD, message_of
from neveridle.graph.nodes.clones import open_workspace
from neveridle.graph.nodes.verify import run_checks

if TYPE_CHECKING:
    from neveridle.graph.delivery.forge import Forge
    from neveridle.graph.delivery.standing import Standing
    from neveridle.graph.desk import Job
    from neveridle.graph.team import Team


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What came of it.

    Attributes:
        commit: the new commit; empty: there was nothing to take in, or it did not work.
        wrong: why it did not work, for who is to repair it; empty: it did.
        rewritten: whether somebody took our commits away: then nothing was done.
    """

    commit: str = ""
    wrong: str = ""
    rewritten: bool = False


async def take_in(team: Team, job: Job, forge: Forge, standing: Standing, what: str) -> TakenIn:
    """Merge it without an agent, where it merges cleanly and the checks still pass.

    Where not, the clone is as it was. The commit is recorded with the attempt.

    Raises:
        ServiceError: the remote cannot be reached.
        WorkRefused: the clone with the work is gone.
    """
    theirs = await forge.remote.fetch("" if what == BASE else standing.branch)
    ours = job.attempt.commit
    if await forge.remote.contains(ours, theirs):
        return TakenIn()
    if what == HEAD and not await forge.remote.contains(theirs, standing.commit):
        return TakenIn(rewritten=True)
    workspace = await open_workspace(team, job)
    await workspace.reset(ours)
    agent = job.attempt.agent
    name = forge.remote.base if what == BASE else standing.branch
    merged = await workspace.merge(
        theirs,
        message=message_of(what, forge.remote.name, forge.remote.base, standing.branch),
        author=agent,
        email=team.email_of(agent),
    )
    if not merged.ok:
        return TakenIn(wrong=_conflict(name, merged.conflicts))
    base = theirs if what == BASE else job.attempt.base
    evidence: dict[str, Any] = {**(job.attempt.evidence or {}), "checks": {}}
    commands = await team.checks.at(base)
    commands |= {f"acceptance {n}": c for n, c in enumerate(job.task.acceptance, start=1)}
    wrong = await run_checks(team, workspace, commands, evidence)
    if wrong:
        await workspace.reset(ours)
        return TakenIn(wrong=f"Merged with {name}, the work does not pass.\n\n{wrong}")
    commit = await workspace.head()
    workspace.base = base
    evidence["commit"] = commit
    job.attempt = await team.board.attempts.record(
        job.attempt, commit=commit, base=base, evidence=evidence
    )
    return TakenIn(commit)


def _conflict(name: str, paths: Sequence[str]) -> str:
    return f"The work conflicts with {name}, in: {', '.join(paths[:20])}."
