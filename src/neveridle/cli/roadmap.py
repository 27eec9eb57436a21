"""``neveridle roadmap``: show what the team would read in a roadmap."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from neveridle.graph.sources.roadmap import RoadmapItem

_STYLES = {"done": "green", "in_progress": "yellow", "todo": "", "dropped": "dim strike"}


def roadmap_command(
    file: Annotated[
        Path, typer.Argument(help="The roadmap, a Markdown file.", show_default=False)
    ] = Path("ROADMAP.md"),
    json: Annotated[bool, typer.Option("--json", help="Print the items as JSON.")] = False,
) -> None:
    """Show the work items of a roadmap with their status.

    Raises:
        RoadmapInvalid: the file is missing, cannot be read, or is not UTF-8 text.
    """
    from neveridle.graph.sources.roadmap import read_roadmap

    items = read_roadmap(_read(file))
    if json:
        from json import dumps

        typer.echo(dumps([_record(item) for item in items], indent=2))
    else:
        _print_table(file, items)


def _read(file: Path) -> str:
    """Read the file as UTF-8, line ends as they are."""
    from neveridle.errors import RoadmapInvalid

    try:
        data = file.read_bytes()
    except FileNotFoundError as error:
        raise RoadmapInvalid(
            f"There is no roadmap at {file}.",
            remedy="Name the file: neveridle roadmap docs/ROADMAP.md",
        ) from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RoadmapInvalid(
            f"The roadmap {file} cannot be read: {reason}.",
            remedy="Name a Markdown file that this user may read.",
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise RoadmapInvalid(
            f"The roadmap {file} is not UTF-8 text: line {line} has the byte "
            f"0x{data[error.start]:02x}.",
            remedy="Save the file as UTF-8.",
        ) from error


def _record(item: RoadmapItem) -> dict[str, object]:
    return {
        "line": item.line,
        "title": item.title,
        "status": item.status,
        "section": item.section,
        "parent_line": item.parent_line,
        "owner": item.owner,
        "area": item.area,
        "depends_on_lines": list(item.depends_on),
        "key": item.key,
        "leaf": item.leaf,
    }


def _print_table(file: Path, items: list[RoadmapItem]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not items:
        console.print(Text(f"{file}: no work items found."), soft_wrap=True)
        return
    table = Table("line", "status", "title", "section", "owner", "area", "after")
    depths: dict[int, int] = {}
    for item in items:
        depth = depths.get(item.parent_line, 0) + 1 if item.parent_line is not None else 0
        depths[item.line] = depth
        style = _STYLES[item.status]
        cells = (
            str(item.line),
            item.status,
            "  " * depth + item.title,
            item.section or "",
            item.owner or "",
            item.area or "",
            ", ".join(map(str, item.depends_on)),
        )
        # Text, never markup: a title may hold square brackets.
        table.add_row(*(Text(cell, style=style) for cell in cells))
    console.print(table)
