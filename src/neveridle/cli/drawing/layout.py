"""Where the nodes of a directed graph go: in layers from top to bottom, few crossings."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

Edge = tuple[str, str]
Node = Hashable
"""A name, or ``(edge, layer)``: a bend, where an edge passes a layer between its ends."""

SWEEPS = 24
GAP = 34
"""Pixels between two neighbours in a layer."""
BEND = 18
"""The width that a bend keeps free, in pixels."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Coordinates in pixels, from the top left.

    Attributes:
        centres: the middle of each node.
        routes: the points each edge passes through, from its source to its target.
        width: of the whole drawing.
        height: of the whole drawing.
    """

    centres: Mapping[str, tuple[float, float]]
    routes: Mapping[Edge, Sequence[tuple[float, float]]]
    width: float
    height: float


def lay_out(
    nodes: Sequence[str], edges: Sequence[Edge], widths: Mapping[str, float], *, step: float
) -> Layout:
    """Lay a graph out in layers (Sugiyama's way).

    Args:
        nodes: their names; the first one goes to the top.
        edges: each once; one that leads back is drawn upwards.
        widths: of the nodes, in pixels.
        step: pixels from one layer to the next.
    """
    back = _back_edges(nodes, edges)
    forward = {edge: edge if edge not in back else (edge[1], edge[0]) for edge in edges}
    layer = _layers(nodes, list(forward.values()))
    rows: list[list[Node]] = [[] for _ in range(max(layer.values(), default=0) + 1)]
    for name in nodes:
        rows[layer[name]].append(name)
    links: list[tuple[Node, Node]] = []
    chains: dict[Edge, list[Node]] = {}
    for edge, (upper, lower) in forward.items():
        chain: list[Node] = [upper]
        for between in range(layer[upper] + 1, layer[lower]):
            bend = (edge, between)
            rows[between].append(bend)
            chain.append(bend)
        chain.append(lower)
        links += itertools.pairwise(chain)
        chains[edge] = chain if edge not in back else chain[::-1]
    _order(rows, links)
    across = _place(
        rows, links, {node: widths.get(str(node), BEND) for row in rows for node in row}
    )
    down = {node: number * step for number, row in enumerate(rows) for node in row}
    left = min(across[name] - widths[name] / 2 for name in nodes)
    left = min([left, *(x - BEND / 2 for x in across.values())])
    right = max([across[name] + widths[name] / 2 for name in nodes])
    right = max([right, *(x + BEND / 2 for x in across.values())])
    return Layout(
        centres={name: (across[name] - left, down[name]) for name in nodes},
        routes={
            edge: [(across[node] - left, down[node]) for node in chain]
            for edge, chain in chains.items()
        },
        width=right - left,
        height=(len(rows) - 1) * step,
    )


def _back_edges(nodes: Sequence[str], edges: Sequence[Edge]) -> set[Edge]:
    """The edges that close a circle, met when walking from the first node on."""
    following: dict[str, list[str]] = {name: [] for name in nodes}
    for source, target in edges:
        following[source].append(target)
    back: set[Edge] = set()
    done: set[str] = set()
    for root in nodes:
        open_path: list[tuple[str, int]] = [(root, 0)] if root not in done else []
        on_path = {root} if open_path else set[str]()
        while open_path:
            name, number = open_path.pop()
            if number == len(following[name]):
                on_path.discard(name)
                done.add(name)
                continue
            open_path.append((name, number + 1))
            target = following[name][number]
            if target in on_path:
                back.add((name, target))
            elif target not in done:
                open_path.append((target, 0))
                on_path.add(target)
    return back


def _layers(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Each node one layer below the lowest of those that lead to it."""
    layer = dict.fromkeys(nodes, 0)
    for _ in nodes:  # as many rounds as the longest path can have steps
        moved = False
        for upper, lower in edges:
            if upper != lower and layer[lower] <= layer[upper]:
                layer[lower] = layer[upper] + 1
                moved = True
        if not moved:
            break
    return layer


def _order(rows: list[list[Node]], links: Sequence[tuple[Node, Node]]) -> None:
    """Order each layer by the middle of its neighbours, down and up; keep the best order."""
    above, below = _neighbours(links)
    best, fewest = [list(row) for row in rows], _crossings(rows, below)
    for sweep in range(SWEEPS):
        downwards = sweep % 2 == 0
        sequence = range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1)
        for number in sequence:
            fixed = rows[number - 1 if downwards else number + 1]
            place = {node: position for position, node in enumerate(fixed)}
            others = above if downwards else below
            old = {node: position for position, node in enumerate(rows[number])}
            middle = {
                node: _median([place[one] for one in others.get(node, [])], old[node])
                for node in rows[number]
            }
            rows[number].sort(key=lambda node: (middle[node], old[node]))
        crossings = _crossings(rows, below)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    rows[:] = best


def _neighbours(
    links: Sequence[tuple[Node, Node]],
) -> tuple[dict[Node, list[Node]], dict[Node, list[Node]]]:
    above: dict[Node, list[Node]] = {}
    below: dict[Node, list[Node]] = {}
    for upper, lower in links:
        below.setdefault(upper, []).append(lower)
        above.setdefault(lower, []).append(upper)
    return above, below


def _median(values: list[int], otherwise: float) -> float:
    if not values:
        return otherwise
    values.sort()
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2


def _crossings(rows: list[list[Node]], below: Mapping[Node, list[Node]]) -> int:
    count = 0
    for row, under in itertools.pairwise(rows):
        place = {node: position for position, node in enumerate(under)}
        ends = [
            place[lower]
            for upper in row
            for lower in sorted(below.get(upper, []), key=place.__getitem__)
        ]
        count += sum(
            later < earlier for number, earlier in enumerate(ends) for later in ends[number + 1 :]
        )
    return count


def _place(
    rows: list[list[Node]], links: Sequence[tuple[Node, Node]], widths: Mapping[Node, float]
) -> dict[Node, float]:
    """The x of each node: near its neighbours, in order, and never overlapping."""
    above, below = _neighbours(links)
    across: dict[Node, float] = {}
    for row in rows:
        x = 0.0
        for node in row:
            x += widths[node] / 2
            across[node] = x
            x += widths[node] / 2 + GAP
    for sweep in range(SWEEPS):
        sequence = rows if sweep % 2 == 0 else rows[::-1]
        for row in sequence:
            wanted = {
                node: _mean([across[one] for one in (*above.get(node, []), *below.get(node, []))])
                for node in row
            }
            settle(row, wanted, across, widths)
    return across


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def settle(
    row: list[Node],
    wanted: Mapping[Node, float | None],
    across: dict[Node, float],
    widths: Mapping[Node, float],
) -> None:
    """Move a layer's nodes as near to where they want to be as their order and width allow.

    Neighbours that would overlap form a block, which stands where its nodes want to be on
    average (the pool-adjacent-violators way of isotonic regression).
    """
    offset = 0.0
    blocks: list[tuple[float, list[Node], list[float]]] = []
    for number, node in enumerate(row):
        if number:
            before = row[number - 1]
            offset += (widths[before] + widths[node]) / 2 + GAP
        wish = wanted[node]
        at = (across[node] if wish is None else wish) - offset
        block = (at, [node], [offset])
        while blocks and blocks[-1][0] > block[0]:
            mean, nodes, offsets = blocks.pop()
            count = len(nodes) + len(block[1])
            together = (mean * len(nodes) + block[0] * len(block[1])) / count
            block = (together, nodes + block[1], offsets + block[2])
        blocks.append(block)
    for mean, nodes, offsets in blocks:
        for node, own in zip(nodes, offsets, strict=True):
            across[node] = mean + own
