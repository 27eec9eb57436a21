"""Tasks as a forest: each of them once, below what it is part of or comes after."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from neveridle.errors import NotFound


@dataclass(frozen=True, slots=True)
class Node:
    """What the forest shows of a task."""

    id: int
    title: str
    state: str
    priority: int
    ticket: str
    assignee: str | None
    open_blockers: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """A task in its place.

    Attributes:
        depth: how many tasks are above it.
        under: the one right above it.
        relation: ``part`` of that one, ``after`` it, or ``""`` at a root.
        waits_for: all that it was itself made to wait for and that is in the forest.
    """

    node: Node
    depth: int
    under: int | None
    relation: str
    waits_for: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        return {
            "id": self.node.id, "title": self.node.title, "state": self.node.state,
            "ticket": self.node.ticket, "assignee": self.node.assignee, "depth": self.depth,
            "under": self.under, "relation": self.relation, "waits_for": list(self.waits_for),
            "ready": self.node.state == "pending" and self.node.open_blockers == 0,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tree:
    """A forest from top to bottom; ``left_out``: how many tasks more there are."""

    leaves: tuple[Leaf, ...]
    left_out: int

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``: a flat list, as deep chains would break a nested one."""
        return {"tasks": [leaf.as_dict() for leaf in self.leaves], "left_out": self.left_out}


def plant(
    nodes: Mapping[int, Node],
    parents: Mapping[int, set[int]],
    waits: Mapping[int, set[int]],
    *,
    root: int | None = None,
    limit: int,
) -> Tree:
    """Place each task once: below the task it is part of, else below one it waits for.

    Brothers are ordered by priority, then by age. What cannot be placed, as circles cannot,
    stands at a root, so that nothing is missing and nothing goes on for ever.

    Args:
        nodes: the tasks, by id.
        parents: what each is part of.
        waits: what each was made to wait for.
        root: only what is below this one.
        limit: at most so many tasks.

    Raises:
        NotFound: there is no such root among them.
    """
    if root is not None and root not in nodes:
        msg = f"Task {root} is not among those that are not over."
        raise NotFound(msg, remedy="`--all` shows finished ones, too.")
    under: dict[int, tuple[int, str]] = {}
    for number in nodes:
        for those, relation in ((parents, "part"), (waits, "after")):
            above = min((one for one in those.get(number, ()) if one in nodes), default=None)
            if above is not None:
                under[number] = (above, relation)
                break
    below: dict[int, list[int]] = defaultdict(list)
    for number, (above, _) in under.items():
        below[above].append(number)
    ranked = sorted(nodes, key=lambda one: (-nodes[one].priority, one))
    tops = [root] if root is not None else [one for one in ranked if one not in under]
    leaves: list[Leaf] = []
    seen: set[int] = set()
    for top in [*tops, *(ranked if root is None else [])]:  # the rest is in circles
        front = [(top, 0)]
        while front:
            number, depth = front.pop()
            if number in seen:
                continue
            seen.add(number)
            above, relation = under.get(number, (None, "")) if depth else (None, "")
            waiting = tuple(sorted(one for one in waits.get(number, ()) if one in nodes))
            if len(leaves) < limit:
                leaves.append(Leaf(nodes[number], depth, above, relation, waiting))
            mine = sorted(below[number], key=lambda one: (nodes[one].priority, -one))
            front += [(one, depth + 1) for one in mine]
    return Tree(tuple(leaves), len(seen) - len(leaves))
