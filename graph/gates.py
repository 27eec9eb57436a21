"""What a person is asked before the team itself does it: merging."""

from __future__ import annotations

from neveridle.agents.prompt import quote
from neveridle.board.inbox_item import ItemKind
from neveridle.board.questions import Ask
from neveridle.board.storable import one_line
from neveridle.errors import ApprovalDenied
from neveridle.graph.desk import Job
from neveridle.graph.nodes.park import park_for
from neveridle.graph.state import TickState
from neveridle.graph.team import Team
from neveridle.settings.governing import ApprovalSettings
from neveridle.tools.redact import redact

MERGE = "merge"
FILES = 50
"""Changed files that a person is shown."""


def approvals_for(team: Team, agent: str) -> ApprovalSettings:
    """What a person is asked before this agent does it."""
    return team.settings.approvals_of(agent, team.roster.get(agent).role)


async def ask_to_merge(
    team: Team, job: Job, commit: str, *, where: str = "", until: float | None = None
) -> TickState | None:
    """Ask a person before a commit is merged; None: it may be merged now.

    Args:
        team: the team.
        job: the job, whose work was verified.
        commit: what is to be merged; for another one a person is asked anew.
        where: the pull request; empty: the target branch of this repository.
        until: when to look again by itself, by the board's clock; None: when answered.

    Raises:
        ApprovalDenied: a person said no; their words are the next attempt's feedback.
        LeaseLost: the task has another owner.
    """
    if not approvals_for(team, job.attempt.agent).merge:
        return None
    ask = _ask(team, job, commit, where)
    decided = await team.board.answering.approval(ask.fingerprint(job.task.id))
    if decided is None:
        return await park_for(team, job, [ask], until=until)
    if decided.approved:
        return None
    text = str((decided.answer or {}).get("text", ""))
    why = f" Their words, as data:\n{quote(text)}" if text else ""
    msg = f"{decided.answered_by or 'A person'} said no to merging {commit[:12]}.{why}"
    raise ApprovalDenied(msg, remedy="Change the work so that it can be merged.")


def _ask(team: Team, job: Job, commit: str, where: str) -> Ask:
    outcome, evidence = job.attempt.outcome or {}, job.attempt.evidence or {}
    target = where or team.workspaces.branch
    summary = redact(str(outcome.get("summary", "")))
    return Ask(
        kind=ItemKind.APPROVAL,
        title=f"Merge {commit[:12]} into {target}: {one_line(job.task.title, 150)}",
        body=summary,
        action=MERGE,
        what=commit,
        evidence={
            "commit": commit,
            "branch": job.attempt.branch,
            "into": target,
            "files": [str(one) for one in evidence.get("changed", [])][:FILES],
            "checks": sorted(str(one) for one in evidence.get("checks", {})),
        },
    )
