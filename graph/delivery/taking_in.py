"""Taking what others pushed into the branch: the target branch, or commits on the branch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neveridle.errors import ModelMistake, RepositoryUnusable

if TYPE_CHECKING:
    from neveridle.graph.delivery.forge import Forge
    from neveridle.graph.delivery.standing import Standing
    from neveridle.graph.desk import Job
    from neveridle.graph.team import Team
    from neveridle.tools.workspace import Workspace

BASE = "base"
HEAD = "head"
SCANNED = 500
"""Changed files that are searched for marks of a conflict."""
MARKS = re.compile(r"^<{7} [0-9a-f]{40,64}$", re.MULTILINE)
"""What ``Workspace.begin_merge`` leaves: the marks name commits, so no text has them by chance."""


def message_of(what: str, remote: str, base: str, branch: str) -> str:
    """The message of the merge commit."""
    return f"Merge {remote}/{base if what == BASE else branch}"


async def leave_for_repair(
    team: Team, job: Job, forge: Forge, workspace: Workspace, standing: Standing, what: str
) -> list[str]:
    """Merge it into the clone an agent is about to work in, with marks where it conflicts.

    Returns:
        The paths that conflict.
    """
    theirs = await forge.remote.fetch("" if what == BASE else standing.branch)
    if await workspace.contains(theirs):
        return []
    if what == HEAD and not await forge.remote.contains(theirs, standing.commit):
        msg = f"Somebody took our commits off the branch {standing.branch}."
        again = f"then `neveridle tasks retry {job.task.id}`"
        raise RepositoryUnusable(msg, remedy=f"Put them back, or finish it there; {again}.")
    agent = job.attempt.agent
    merged = await workspace.merge(
        theirs,
        message=message_of(what, forge.remote.name, forge.remote.base, standing.branch),
        author=agent,
        email=team.email_of(agent),
    )
    conflicts = [] if merged.ok else await workspace.begin_merge(theirs)
    if what == BASE:
        workspace.base = theirs
        job.attempt = await team.board.attempts.record(job.attempt, base=theirs)
    return conflicts


async def unresolved(workspace: Workspace, changed: Sequence[str]) -> list[str]:
    """Those of these files in which marks of a conflict are left."""
    found: list[str] = []
    for path in changed[:SCANNED]:
        try:
            text = await workspace.read(path)
        except ModelMistake:  # a link or a huge file: no place for marks of ours
            continue
        if text is not None and MARKS.search(text):
            found.append(path)
    return found
