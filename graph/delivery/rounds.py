"""A round: an agent goes back to a pull request that is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.graph.delivery.chains import standing_for
from neveridle.graph.delivery.standing import Standing
from neveridle.graph.delivery.taking_in import BASE, HEAD, leave_for_repair, unresolved

if TYPE_CHECKING:
    from neveridle.graph.desk import Job
    from neveridle.graph.team import Team
    from neveridle.tools.workspace import Workspace

ROUND = "pull-request"
"""The error code of an attempt whose pull request needs more work."""


async def begin_round(team: Team, job: Job, workspace: Workspace) -> str:
    """Bring the clone up to what others pushed; what the agent is told, empty: no round."""
    standing = await standing_for(team, job.task)
    forge = team.forge
    if forge is None or not standing.asked:
        return ""
    conflicts: list[str] = []
    if await workspace.status_clean():  # else somebody went on with this round before
        for what in (HEAD, BASE) if standing.take == BASE else (HEAD,):
            if not conflicts:
                conflicts = await leave_for_repair(team, job, forge, workspace, standing, what)
    if not conflicts:
        return standing.asked
    return (
        f"{standing.asked}\n\nIt was merged into your clone. Where both sides changed the same "
        "lines, these files hold both, between lines that begin with <<<<<<<, ======= and "
        f">>>>>>>: {', '.join(conflicts[:20])}. Make of each what it should be, and leave none of "
        "these lines."
    )


async def left_conflicts(team: Team, workspace: Workspace, changed: list[str]) -> str:
    """What is wrong where an agent left marks of a conflict; empty: nothing."""
    if team.forge is None:
        return ""
    left = await unresolved(workspace, changed)
    return f"Marks of a conflict are left in {', '.join(left[:10])}." if left else ""


def going_on(standing: Standing) -> bool:
    """Whether the work has a pull request already: then nobody else may open another."""
    return standing.number > 0
