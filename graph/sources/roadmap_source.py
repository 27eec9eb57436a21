"""From the roadmap in the repository to tasks on the board, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.agents.roster import Roster
from neveridle.board import NewTask, Source, Task
from neveridle.board.syncs import MirrorEntry
from neveridle.board.task import slug

if TYPE_CHECKING:
    from neveridle.graph.sources.roadmap import RoadmapItem

PREFIX = "roadmap:"


def roadmap_entries(text: str, path: str, roster: Roster) -> list[MirrorEntry]:
    """What a roadmap says, as entries of the board's mirror.

    Unstarted leaf items become tasks; what has sub-items is done through them. An owner
    who is an agent gets the item addressed; an area that is a role or a skill of somebody
    asks for that skill; an item that is somebody else's is left to them.
    """
    from neveridle.graph.sources.roadmap import read_roadmap

    items = read_roadmap(text)
    refs = item_refs(items, path)
    by_line = {item.line: item for item in items}
    leaves = _leaves(items, by_line)
    return [
        MirrorEntry(
            ref=refs[item.line],
            open=_is_open(item, by_line, roster),
            data={"title": item.title, "status": item.status, "line": item.line},
            task=_task(item, by_line, refs[item.line], path, roster),
            after=tuple(
                dict.fromkeys(
                    refs[leaf]
                    for line in item.depends_on
                    for leaf in leaves.get(line, ())
                    if leaf != item.line
                )
            ),
            over=not item.leaf or _is_over(item, by_line),
        )
        for item in items
    ]


def item_refs(items: list[RoadmapItem], path: str) -> dict[int, str]:
    """The source reference of each item, by line.

    It is readable, and the same wherever the item moves and whatever its state.
    """
    taken: dict[str, int] = {}
    refs: dict[int, str] = {}
    for item in items:
        name = slug(item.title)
        taken[name] = taken.get(name, 0) + 1
        suffix = f"-{item.key[:6]}" if taken[name] > 1 else ""
        refs[item.line] = f"{PREFIX}{path}#{name}{suffix}"
    return refs


def mark_item(text: str, path: str, ref: str, status: str) -> str | None:
    """The roadmap with one item's status changed; None where it has no such item.

    Args:
        text: the roadmap.
        path: its path in the repository.
        ref: the item's source reference.
        status: ``in_progress`` or ``done``.
    """
    from neveridle.graph.sources.roadmap import mark, read_roadmap

    items = read_roadmap(text)
    for line, one in item_refs(items, path).items():
        if one == ref:
            item = next(item for item in items if item.line == line)
            if item.status == status:
                return text
            return mark(text, item.key, "in_progress" if status == "in_progress" else "done")
    return None


def is_roadmap(task: Task) -> bool:
    """Whether a task is an item of the roadmap."""
    return task.source is Source.ROADMAP and task.ref is not None


def _is_open(item: RoadmapItem, by_line: dict[int, RoadmapItem], roster: Roster) -> bool:
    if not item.leaf or item.status != "todo" or _is_over(item, by_line):
        return False
    return item.owner is None or item.owner.lower() in roster


def _is_over(item: RoadmapItem, by_line: dict[int, RoadmapItem]) -> bool:
    return any(one.status in ("done", "dropped") for one in (item, *_parents(item, by_line)))


def _parents(item: RoadmapItem, by_line: dict[int, RoadmapItem]) -> list[RoadmapItem]:
    """The items that one is a part of, the nearest first."""
    found: list[RoadmapItem] = []
    parent = by_line.get(item.parent_line or 0)
    while parent is not None and parent not in found:
        found.append(parent)
        parent = by_line.get(parent.parent_line or 0)
    return found


def _leaves(items: list[RoadmapItem], by_line: dict[int, RoadmapItem]) -> dict[int, list[int]]:
    """The lines of the leaf items below each item; of a leaf, its own.

    Only leaves become tasks, so who waits for an item waits for its leaves.
    """
    found: dict[int, list[int]] = {}
    for item in items:
        if item.leaf:
            for one in (item, *_parents(item, by_line)):
                found.setdefault(one.line, []).append(item.line)
    return found


def _task(
    item: RoadmapItem,
    by_line: dict[int, RoadmapItem],
    ref: str,
    path: str,
    roster: Roster,
) -> NewTask:
    skills: tuple[str, ...] = ()
    if item.area is not None:
        area = item.area.strip().lower()
        able = {skill for agent in roster for skill in agent.skills}
        roles = {agent.role.lower(): agent for agent in roster}
        if area in able:
            skills = (area,)
        elif area in roles:
            skills = roles[area].skills[:1]
    parents = [parent.title for parent in _parents(item, by_line)]
    where = " > ".join([part for part in (item.section, *reversed(parents)) if part])
    description = f"An item of {path}" + (f", under: {where}" if where else "") + "."
    return NewTask(
        source=Source.ROADMAP,
        ref=ref,
        title=item.title,
        description=description,
        assignee=None if item.owner is None else item.owner.lower(),
        skills=skills,
    )
