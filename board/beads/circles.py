"""Which ties of a file cannot be taken over, because they would close a circle.

Every task has two nodes: its beginning and its end. An end follows its own beginning; a
beginning follows the ends of what the task waits for, and the beginning of what it is part
of. A circle among these nodes is work that can never begin.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

Edge = tuple[int, int]
Arrow = tuple[int, int]


def circles(
    waits: Mapping[int, Iterable[int]],
    parents: Mapping[int, Iterable[int]],
    handed: Iterable[Edge],
    new_waits: Iterable[Edge],
    new_parents: Iterable[Edge],
) -> tuple[dict[Edge, list[int]], dict[Edge, list[int]]]:
    """The new ties to leave out, each with the circle of tasks it would close.

    Parents are kept before dependencies, and of those the ones of older tasks.

    Args:
        waits: what each task on the board waits for, without what it inherits.
        parents: what each task on the board is part of.
        handed: tasks that were handed over, with those that go on with them.
        new_waits: the dependencies to take over.
        new_parents: the parents to take over.

    Returns:
        The dependencies and the parents that are left out.
    """
    wanted_parents = {edge: (_begin(edge[0]), _begin(edge[1])) for edge in sorted(new_parents)}
    wanted_waits = {edge: (_begin(edge[0]), _end(edge[1])) for edge in sorted(new_waits)}
    arrows = {(_begin(task), _end(other)) for task, those in waits.items() for other in those}
    arrows |= {(_begin(task), _begin(one)) for task, those in parents.items() for one in those}
    arrows |= {(_end(sender), _end(receiver)) for sender, receiver in handed}
    wanted = {*wanted_parents.values(), *wanted_waits.values()}
    follows: dict[int, set[int]] = defaultdict(set)
    for one, other in arrows | wanted:
        follows[one].add(other)
    for node in [*follows]:
        task = node // 2
        follows[_end(task)].add(_begin(task))
    knot = _knots(follows)
    tied = {arrow for arrow in wanted - arrows if knot[arrow[0]] == knot[arrow[1]]}
    for one, other in tied:
        follows[one].discard(other)
    left_out: tuple[dict[Edge, list[int]], dict[Edge, list[int]]] = ({}, {})
    for edges, refused in ((wanted_parents, left_out[1]), (wanted_waits, left_out[0])):
        for edge, arrow in edges.items():
            if arrow not in tied:
                continue
            way = _way(follows, knot, arrow[1], arrow[0])
            if way:
                refused[edge] = _tasks([arrow[0], *way])
            else:
                follows[arrow[0]].add(arrow[1])
    return left_out


def _begin(task: int) -> int:
    return 2 * task


def _end(task: int) -> int:
    return 2 * task + 1


def _tasks(nodes: Iterable[int]) -> list[int]:
    found: list[int] = []
    for node in nodes:
        if not found or found[-1] != node // 2:
            found.append(node // 2)
    return found


def _way(
    follows: Mapping[int, set[int]], knot: Mapping[int, int], start: int, goal: int
) -> list[int]:
    """The way from ``start`` to ``goal``; empty: there is none."""
    came: dict[int, int | None] = {start: None}
    front = [start]
    while front and goal not in came:
        node = front.pop()
        for following in follows.get(node, ()):
            if following not in came and knot.get(following) == knot[start]:
                came[following] = node
                front.append(following)
    if goal not in came:
        return []
    way: list[int] = []
    step: int | None = goal
    while step is not None:
        way.append(step)
        step = came[step]
    return way[::-1]


def _knots(follows: Mapping[int, set[int]]) -> dict[int, int]:
    """For each node the number of its knot: two nodes share one if each can reach the other.

    Tarjan's algorithm, without recursion.
    """
    knot: dict[int, int] = {}
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    nodes = {*follows, *(other for those in follows.values() for other in those)}
    for root in nodes:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        stack.append(root)
        walk = [(root, iter(follows.get(root, ())))]
        while walk:
            node, rest = walk[-1]
            following = next(rest, None)
            if following is None:
                walk.pop()
                if walk:
                    low[walk[-1][0]] = min(low[walk[-1][0]], low[node])
                if low[node] == index[node]:
                    while True:
                        member = stack.pop()
                        knot[member] = node
                        if member == node:
                            break
            elif following not in index:
                index[following] = low[following] = len(index)
                stack.append(following)
                walk.append((following, iter(follows.get(following, ()))))
            elif following not in knot:
                low[node] = min(low[node], index[following])
    return knot
