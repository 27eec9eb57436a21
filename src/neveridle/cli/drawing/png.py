"""A graph as a PNG, drawn with Pillow and the font that comes with it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from neveridle.cli.drawing.layout import lay_out
from neveridle.errors import ExtraMissing

if TYPE_CHECKING:
    from PIL import ImageDraw, ImageFont

Point = tuple[float, float]

SCALE = 3
"""Everything is drawn so much larger and then made smaller, for smooth lines."""
FONT = 15
PADDING = 14
HEIGHT = 34
STEP = 92
MARGIN = 30
LINE, SURE, DASHED = "#1f2937", "#374151", "#94a3b8"
FILL, START, END = "#e0f2f1", "#ffffff", "#b2dfdb"


def draw_png(
    nodes: Mapping[str, str], edges: Sequence[tuple[str, str, bool]], *, final: Sequence[str] = ()
) -> bytes:
    """The graph as the bytes of a PNG.

    Args:
        nodes: what is written in each node, by its name; the first goes to the top.
        edges: source, target, and whether it is one of several that may be taken.
        final: nodes drawn as the end.

    Raises:
        ExtraMissing: Pillow is not installed.
    """
    try:
        from PIL import Image, ImageDraw, ImageFont
    except ImportError as error:
        msg = "Drawing a PNG needs the package Pillow, which is not installed."
        raise ExtraMissing(
            msg, remedy="Install it: pip install pillow. --mermaid needs nothing."
        ) from error

    font = ImageFont.load_default(FONT * SCALE)
    widths = {name: font.getlength(text) / SCALE + 2 * PADDING for name, text in nodes.items()}
    pairs = [(source, target) for source, target, _ in edges]
    layout = lay_out(list(nodes), pairs, widths, step=STEP)
    size = (layout.width + 2 * MARGIN, layout.height + HEIGHT + 2 * MARGIN)
    image = Image.new("RGB", (_large(size[0]), _large(size[1])), "white")
    pen = ImageDraw.Draw(image)

    def at(point: Point) -> Point:
        return (point[0] + MARGIN, point[1] + MARGIN + HEIGHT / 2)

    for source, target, chosen in edges:
        route = [at(point) for point in layout.routes[source, target]]
        _draw_edge(pen, route, dashed=chosen)
    for number, (name, text) in enumerate(nodes.items()):
        fill = END if name in final else START if number == 0 else FILL
        _draw_node(pen, font, at(layout.centres[name]), widths[name], text, fill)
    small = image.resize((round(size[0]), round(size[1])), Image.Resampling.LANCZOS)
    out = BytesIO()
    small.save(out, "PNG", optimize=True)
    return out.getvalue()


def _large(length: float) -> int:
    return round(length) * SCALE


def _draw_node(
    pen: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    centre: Point,
    width: float,
    text: str,
    fill: str,
) -> None:
    x, y = centre[0] * SCALE, centre[1] * SCALE
    half, tall = width * SCALE / 2, HEIGHT * SCALE / 2
    box = (x - half, y - tall, x + half, y + tall)
    pen.rounded_rectangle(box, radius=8 * SCALE, fill=fill, outline=LINE, width=SCALE)
    pen.text((x, y), text, font=font, fill=LINE, anchor="mm")


def _draw_edge(pen: ImageDraw.ImageDraw, route: Sequence[Point], *, dashed: bool) -> None:
    """A smooth line from the rim of one node to the rim of the other, with an arrow head."""
    upwards = route[-1][1] < route[0][1]
    rim = HEIGHT / 2 * (-1 if upwards else 1)
    points = [(route[0][0], route[0][1] + rim), *route[1:-1], (route[-1][0], route[-1][1] - rim)]
    curve = _curve(points)
    colour = DASHED if dashed else SURE
    line = [(x * SCALE, y * SCALE) for x, y in curve]
    if dashed:
        for begin in range(0, len(line) - 1, 4):
            pen.line(line[begin : begin + 3], fill=colour, width=round(1.5 * SCALE))
    else:
        pen.line(line, fill=colour, width=round(1.8 * SCALE), joint="curve")
    (x0, y0), (x1, y1) = line[-4], line[-1]
    angle = math.atan2(y1 - y0, x1 - x0)
    length = 8 * SCALE
    wings = [
        (x1 - length * math.cos(angle + turn), y1 - length * math.sin(angle + turn))
        for turn in (0.42, -0.42)
    ]
    pen.polygon([(x1, y1), *wings], fill=SURE)


def _curve(points: Sequence[Point]) -> list[Point]:
    """Through the points, leaving and arriving straight up or down, in even small steps."""
    dense: list[Point] = []
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        bend = (y1 - y0) / 2
        steps = max(8, round(math.hypot(x1 - x0, y1 - y0) / 3))
        for number in range(steps):
            t = number / steps
            a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
            dense.append(
                (
                    a * x0 + b * x0 + c * x1 + d * x1,
                    a * y0 + b * (y0 + bend) + c * (y1 - bend) + d * y1,
                )
            )
    return [*dense, points[-1]]
