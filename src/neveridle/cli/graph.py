"""``neveridle graph``: the decision tree, as text or as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.settings import Settings


def graph_command(
    png: Annotated[
        Path | None, typer.Option("--png", metavar="FILE", help="Draw it into this PNG file.")
    ] = None,
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="Print it as Mermaid text; the default without --png.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Draw the decision tree that every agent goes down; no board is opened."""
    from neveridle.cli.screen import print_json, say

    drawn = drawn_graph(_settings(config))
    if png is not None:
        _write(png, _picture(drawn))
    if json:
        print_json(
            {
                "nodes": list(drawn.nodes),
                "edges": [
                    {"source": edge.source, "target": edge.target, "conditional": edge.conditional}
                    for edge in drawn.edges
                ],
                "mermaid": drawn.draw_mermaid(),
                "png": None if png is None else str(png),
            }
        )
        return
    if mermaid or png is None:
        say(drawn.draw_mermaid())
    if png is not None:
        say(f"wrote {png}", lines=False, err=mermaid)


def drawn_graph(settings: Settings) -> Any:
    """The graph as LangChain draws it: nodes by name, and edges."""
    from neveridle.graph.build import build_graph
    from neveridle.graph.team import Team

    return build_graph(Team(settings)).get_graph()


def _settings(config: Path | None) -> Settings:
    """The configured ones; outside of any project the defaults have the same tree."""
    from neveridle.cli.project import load
    from neveridle.settings import Settings, find_config

    if config is None and find_config(Path.cwd()) is None:
        return Settings()
    return load(config)


def _picture(drawn: Any) -> bytes:
    from neveridle.cli.drawing.png import draw_png

    names = {name: name.strip("_") for name in drawn.nodes}
    edges = [(edge.source, edge.target, bool(edge.conditional)) for edge in drawn.edges]
    return draw_png(names, edges, final=["__end__"])


def _write(path: Path, data: bytes) -> None:
    from neveridle.cli.failure import Misuse

    try:
        path.write_bytes(data)
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}."
        raise Misuse(msg, remedy="Name a file in a folder that is there.") from error
