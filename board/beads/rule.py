"""Beads' own rule: which issue is ready, what it waits for, and why another one is not work.

Taken from the query behind ``bd ready``: an issue is ready when it is open, of a type that
is work, neither pinned nor ephemeral nor deferred, and blocked neither itself nor through an
issue it is part of. What is closed, pinned (by its status), deleted or not in the file blocks
nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from neveridle.board.beads.issue import BLOCKS, PARENT, Issue, Tie
from neveridle.board.reason import RECORD

HOLDING = (BLOCKS, "conditional-blocks")
FANOUT = "waits-for"
NO_WORK = frozenset({"merge-request", "gate", "molecule", "message", "agent", "role", "rig"})
"""Types of issues that ``bd ready`` never offers."""
HELD = "beads:"
"""How ``waiting_on`` begins of a task that an import made wait, or blocked."""
CIRCLE = f"{HELD}circle"
OUTSIDE = ("in_progress", "hooked")

Edge = tuple[str, str]


class Kind(StrEnum):
    """What an issue is to us."""

    OPEN = "open"
    HELD = "held"
    DONE = "done"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an issue stands by itself, whatever it waits for.

    Attributes:
        on: ``waiting_on`` of its task, where it is held.
        until: when it is work again, in seconds since 1970; None: when told.
        owner: who must act; empty: the task waits, and is not blocked.
    """

    kind: Kind
    on: str = ""
    until: float | None = None
    owner: str = ""


def standing(issue: Issue, issues: Mapping[str, Issue], now: float) -> Standing:
    """Where an issue stands at a time, among those of its file."""
    if issue.status == "tombstone":
        return Standing(Kind.GONE)
    if issue.status == "closed":
        return Standing(Kind.DONE)
    if issue.status == "blocked":
        return Standing(Kind.HELD, f"{HELD}blocked", owner=issue.assignee or "human")
    if issue.status != "open":
        by = f" by {issue.assignee}" if issue.status in OUTSIDE and issue.assignee else ""
        return Standing(Kind.HELD, f"{HELD}{issue.status}{by}")
    if issue.pinned or issue.ephemeral:
        return Standing(Kind.HELD, f"{HELD}{'pinned' if issue.pinned else 'ephemeral'}")
    if issue.kind in NO_WORK:
        return Standing(Kind.HELD, f"{RECORD}{issue.kind}")
    above = [issues[tie.other] for tie in issue.ties if tie.kind == PARENT and tie.other in issues]
    there = (issue, *(one for one in above if one.status != "tombstone"))
    moments = [one.defer_until or 0.0 for one in there]
    if max(moments) > now:
        return Standing(Kind.HELD, f"{HELD}deferred", until=max(moments))
    return Standing(Kind.OPEN)


def is_active(issue: Issue | None) -> bool:
    """Whether an issue blocks those that wait for it; None: it is not in the file."""
    return issue is not None and issue.status not in ("closed", "tombstone", "pinned")


@dataclass(frozen=True, slots=True)
class Ties:
    """All ties among issues that are there.

    Attributes:
        edges: what waits for what, itself included.
        parents: what is part of what.
        links: the other ties, with their kinds.
        loose: ties to issues that are not in the file.
    """

    edges: frozenset[Edge]
    parents: frozenset[Edge]
    links: frozenset[tuple[str, str, str]]
    loose: int


def ties_of(issues: Mapping[str, Issue]) -> Ties:
    """The ties of a file; none with deleted issues, none to pinned ones that would block."""
    edges: set[Edge] = set()
    parents: set[Edge] = set()
    links: set[tuple[str, str, str]] = set()
    gates: list[Tie] = []
    loose = 0
    for tie in (tie for issue in issues.values() for tie in issue.ties):
        task, other = issues.get(tie.task), issues.get(tie.other)
        if task is None or other is None:
            loose += 1
        elif "tombstone" in (task.status, other.status):
            continue
        elif tie.kind == FANOUT:
            gates.append(tie)
            links.add((tie.task, tie.other, tie.kind))
        elif tie.kind in HOLDING:
            if other.status != "pinned":
                edges.add((tie.task, tie.other))
        elif tie.kind == PARENT:
            parents.add((tie.task, tie.other))
        else:
            links.add((tie.task, tie.other, tie.kind))
    edges.update(_fanout(issues, gates, parents))
    return Ties(frozenset(edges), frozenset(parents), frozenset(links), loose)


def _fanout(
    issues: Mapping[str, Issue], gates: Collection[Tie], parents: Collection[Edge]
) -> Iterator[Edge]:
    """What waits for the children of an issue: for all, or (of a set that is) for the first."""
    children: dict[str, list[str]] = defaultdict(list)
    for child, parent in sorted(parents):
        children[parent].append(child)
    for gate in gates:
        those = children[gate.other]
        active = [child for child in those if is_active(issues[child])]
        if not gate.any_child:
            yield from ((gate.task, child) for child in active)
        elif active and all(issues[child].status != "closed" for child in those):
            yield (gate.task, active[0])


def blocked(issues: Mapping[str, Issue], ties: Ties) -> set[str]:
    """The issues that wait for an active one, themselves or through what they are part of."""
    children: dict[str, list[str]] = defaultdict(list)
    for child, parent in ties.parents:
        children[parent].append(child)
    found = {task for task, other in ties.edges if is_active(issues.get(other))}
    front = list(found)
    while front:
        fresh = [child for child in children[front.pop()] if child not in found]
        found.update(fresh)
        front += fresh
    return found
