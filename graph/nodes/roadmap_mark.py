"""Writing back to the roadmap that an item was started or finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.graph.desk import Job
from neveridle.graph.nodes.chain import origin
from neveridle.graph.nodes.guard import problem_of
from neveridle.graph.sources.roadmap_source import is_roadmap, mark_item
from neveridle.graph.team import Team

if TYPE_CHECKING:
    from neveridle.tools.workspace import Workspace


async def mark_roadmap(team: Team, job: Job, workspace: Workspace, status: str) -> None:
    """Change the item's mark in the task's own branch, by the smallest possible edit.

    Nothing happens for other tasks, and where the form of the item has no way to say it.
    """
    path = team.settings.team.roadmap
    first = await origin(team, job.task)
    if not path or not is_roadmap(first) or first.ref is None:
        return
    text = await workspace.read(path)
    if text is None:
        return
    try:
        changed = mark_item(text, path, first.ref, status)
    except Exception as error:  # noqa: BLE001 - a mark that cannot be made is no reason to fail
        await team.note_problem(problem_of(error), where="roadmap mark")
        return
    if changed is None or changed == text:
        return
    await workspace.write(path, changed)
    word = "Start" if status == "in_progress" else "Finish"
    agent = job.attempt.agent
    await workspace.commit(
        f"{word} on the roadmap: {first.title}", author=agent, email=team.email_of(agent)
    )
