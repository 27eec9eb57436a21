"""Whom to ask when an agent has tried often enough."""

from __future__ import annotations

from dataclasses import dataclass

from neveridle.agents.escalation import EscalationLevel, Trouble, level_of
from neveridle.board.alerts_found import FAILED
from neveridle.board.escalation import Peer
from neveridle.errors import LeaseLost, MergeConflict, NeveridleError
from neveridle.graph.delivery.chains import standing_for
from neveridle.graph.delivery.rounds import going_on
from neveridle.graph.desk import Job
from neveridle.graph.nodes.guard import problem_of
from neveridle.graph.state import Problem
from neveridle.graph.team import Team

HEALS = 3
"""Times as many attempts for what an agent is to go on with alone; then a person is asked."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """What happens to a task whose attempt failed.

    Attributes:
        limit: failed attempts after which it is given to somebody else.
        level: that of a person who is asked then.
        peer: who is asked before that; None: nobody.
    """

    limit: int
    level: EscalationLevel
    peer: Peer | None = None


async def escalate(team: Team, job: Job, problem: Problem) -> Escalation:
    """Whom to turn to with a task whose attempt failed."""
    rules = team.alert.rules
    limit: int = job.notes.get("limit", rules.attempts)
    failures = (await team.board.tasks.get(job.task.id)).failures + 1
    level = level_of(Trouble.of_problem(problem), failures=failures, rules=rules)
    if level is EscalationLevel.PEER_ASSIST and limit == rules.attempts:
        asked = _people(rules.levels.get(FAILED, level))
        return Escalation(limit, asked, await find_peer(team, job, problem))
    if level is EscalationLevel.SELF_HEAL and failures >= limit == rules.attempts:
        limit *= HEALS  # as it is configured: else this is no longer its own affair
    return Escalation(limit, _people(rules.levels.get(FAILED, level)))


def _people(level: EscalationLevel) -> EscalationLevel:
    """The level at which people are called: agents have done what they could."""
    return level if level.calls_people else EscalationLevel.HUMAN_ALERT


async def find_peer(team: Team, job: Job, problem: Problem) -> Peer | None:
    """Another agent that could do the task, with the work so far; None: nobody."""
    if going_on(await standing_for(team, job.task)):
        return None  # people are at the pull request already: they are who is asked
    tried = {one.agent for one in await team.board.attempts.of(job.task.id)}
    able = [
        one.name
        for one in team.roster
        if set(job.task.skills) <= set(one.skills)
        and one.name != job.attempt.agent
        and not one.paused
        and one.name not in team.stopped
    ]
    fresh = [name for name in able if name not in tried]
    if not able:
        return None
    name = (fresh or able)[0]
    if job.workspace is None or problem["code"] == MergeConflict.code:
        return Peer(name=name)  # begins anew, at the target branch
    try:
        author = job.attempt.agent
        await job.workspace.commit(
            f"{job.task.title} (unfinished)", author=author, email=team.email_of(author)
        )
        commit = await job.workspace.head()
        if commit == job.attempt.base:
            return Peer(name=name)
        # Noted, so that the branch goes when the chain's work has been merged.
        job.attempt = await team.board.attempts.record(job.attempt, commit=commit)
        async with team.fencing.outside(job):
            await job.workspace.publish_branch()
    except LeaseLost:
        raise
    except NeveridleError as error:  # the peer can do without
        await team.note_problem(problem_of(error), where="peer")
        return Peer(name=name)
    return Peer(name=name, branch=job.workspace.branch, commit=commit)
