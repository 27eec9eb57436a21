"""Graphs are laid out so that they can be read."""

from __future__ import annotations

import itertools
from collections.abc import Hashable

from hypothesis import given, settings
from hypothesis import strategies as st

from neveridle.cli.drawing.layout import GAP, lay_out, settle

STEP = 90.0


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, str]], dict[str, float]]:
    names = [f"n{number}" for number in range(draw(st.integers(1, 9)))]
    pairs = st.tuples(st.sampled_from(names), st.sampled_from(names))
    edges = draw(st.lists(pairs.filter(lambda edge: edge[0] != edge[1]), unique=True, max_size=20))
    widths = {name: float(draw(st.integers(20, 160))) for name in names}
    return names, edges, widths


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_nothing_overlaps_and_every_edge_arrives(
    graph: tuple[list[str], list[tuple[str, str]], dict[str, float]],
) -> None:
    names, edges, widths = graph
    layout = lay_out(names, edges, widths, step=STEP)

    assert set(layout.centres) == set(names)
    for one, other in itertools.combinations(names, 2):
        (x1, y1), (x2, y2) = layout.centres[one], layout.centres[other]
        if y1 == y2:
            assert abs(x1 - x2) >= (widths[one] + widths[other]) / 2 + GAP - 1e-6
    for source, target in edges:
        route = layout.routes[source, target]
        assert route[0] == layout.centres[source]
        assert route[-1] == layout.centres[target]
        downs = [below - above for (_, above), (_, below) in itertools.pairwise(route)]
        assert all(abs(abs(down) - STEP) < 1e-6 for down in downs)  # layer by layer
        assert len({down > 0 for down in downs}) == 1  # and in one direction
    for name, (x, y) in layout.centres.items():
        assert widths[name] / 2 - 1e-6 <= x <= layout.width - widths[name] / 2 + 1e-6
        assert 0 <= y <= layout.height


def test_a_line_stands_straight() -> None:
    layout = lay_out(["a", "b", "c"], [("a", "b"), ("b", "c")], dict.fromkeys("abc", 50.0), step=1)

    assert [layout.centres[name] for name in "abc"] == [(25.0, 0), (25.0, 1), (25.0, 2)]


def test_edges_are_untangled() -> None:
    """Two chains that were named crosswise are drawn side by side."""
    nodes = ["top", "left", "right", "under-right", "under-left"]
    edges = [("top", "left"), ("top", "right"), ("left", "under-left"), ("right", "under-right")]
    at = lay_out(nodes, edges, dict.fromkeys(nodes, 50.0), step=1).centres

    assert (at["left"][0] < at["right"][0]) == (at["under-left"][0] < at["under-right"][0])


def test_an_edge_back_is_drawn_upwards() -> None:
    layout = lay_out(["a", "b"], [("a", "b"), ("b", "a")], dict.fromkeys("ab", 50.0), step=1)

    assert layout.centres["b"][1] > layout.centres["a"][1]
    assert layout.routes["b", "a"][0] == layout.centres["b"]


@given(st.lists(st.tuples(st.integers(-500, 500), st.integers(2, 120)), min_size=1, max_size=12))
def test_neighbours_are_pushed_apart_and_no_further(wishes: list[tuple[int, int]]) -> None:
    row: list[Hashable] = [f"n{number}" for number in range(len(wishes))]
    wanted: dict[Hashable, float | None] = {
        name: float(wish) for name, (wish, _) in zip(row, wishes, strict=True)
    }
    widths: dict[Hashable, float] = {
        name: float(width) for name, (_, width) in zip(row, wishes, strict=True)
    }
    across: dict[Hashable, float] = {}
    settle(row, wanted, across, widths)

    free = True
    for one, other in itertools.pairwise(row):
        apart = across[other] - across[one] - (widths[one] + widths[other]) / 2 - GAP
        assert apart >= -1e-6
        free &= apart > 1e-6
    if free:  # nobody touches: everybody is where they want to be
        assert across == wanted
    middle = sum(across[name] for name in row) / len(row)
    assert abs(middle - sum(wish for wish, _ in wishes) / len(row)) < 1e-6
