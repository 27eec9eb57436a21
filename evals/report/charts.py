"""Small charts as SVG that stands in the page itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from neveridle.evals.report.markup import Raw, el

WIDTH: Final = 640
ROW: Final = 22
LABEL: Final = 230
MOST: Final = 40
"""Rows of one chart; the table below it has all."""
LETTERS: Final = 32


def shares(parts: Sequence[tuple[str, int]], *, title: str) -> Raw:
    """One bar, divided as the counts of these kinds are."""
    whole = sum(count for _, count in parts) or 1
    at, pieces = 0.0, list[Raw]()
    for kind, count in parts:
        size = WIDTH * count / whole
        if count:
            pieces.append(el(
                "rect", x=_of(at), y=0, width=_of(size), height=14, class_=f"is-{kind}"
            ))  # fmt: skip
        at += size
    return _chart(title, 14, *pieces)


def bars(rows: Sequence[tuple[str, float, str, str]], *, title: str) -> Raw:
    """A bar for each row: its name, its length, what stands beside it, and its kind."""
    rows = rows[:MOST]
    most = max((value for _, value, _, _ in rows), default=0.0) or 1.0
    room = WIDTH - LABEL - 90
    pieces = list[Raw]()
    for number, (name, value, said, kind) in enumerate(rows):
        y = number * ROW
        size = room * max(0.0, value) / most
        pieces += [
            el("text", _short(name), x=0, y=y + 15),
            el("rect", x=LABEL, y=y + 4, width=_of(max(size, 1)), height=14, class_=f"is-{kind}"),
            el("text", said, x=_of(LABEL + size + 6), y=y + 15),
        ]
    return el("div", _chart(title, len(rows) * ROW, *pieces), class_="wide")


def spans(rows: Sequence[tuple[str, float, float, float, str]], *, title: str) -> Raw:
    """A point with its interval for each row: name, low, middle, high, kind; a line at zero."""
    rows = rows[:MOST]
    edge = max((abs(end) for _, low, middle, high, _ in rows for end in (low, middle, high)),
               default=0.0) or 1.0  # fmt: skip
    half = (WIDTH - LABEL - 20) / 2

    def x(value: float) -> str:
        return _of(LABEL + 10 + half + half * value / edge)

    height = len(rows) * ROW
    pieces = [el("line", x1=x(0), x2=x(0), y1=0, y2=height, class_="axis")]
    for number, (name, low, middle, high, kind) in enumerate(rows):
        y, shade = number * ROW + ROW // 2, f"is-{kind.replace(' ', '-')}"
        pieces += [
            el("text", _short(name), x=0, y=y + 4),
            el("line", x1=x(low), x2=x(high), y1=y, y2=y, stroke_width=2, class_=shade),
            el("circle", cx=x(middle), cy=y, r=4, class_=shade),
        ]
    return el("div", _chart(title, height, *pieces), class_="wide")


def _chart(title: str, height: int, *pieces: Raw) -> Raw:
    return el(
        "svg", el("title", title), *pieces,
        viewBox=f"0 0 {WIDTH} {max(height, 1)}", width=WIDTH, role="img",
    )  # fmt: skip


def _of(value: float) -> str:
    return f"{value:.1f}"


def _short(name: str) -> str:
    return name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"
