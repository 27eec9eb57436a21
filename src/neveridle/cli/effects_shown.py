"""Effects on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.cli.screen import styled, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from neveridle.board import Effect

COLOURS = {"open": "yellow", "done": "green", "refused": "red"}


def effect_table(found: Sequence[Effect], *, title: str = "") -> Table:
    """A table of effects."""
    rows = [
        (
            one.id,
            "-" if one.task_id is None else f"#{one.task_id}",
            one.name,
            one.target,
            str(one.safety).replace("_", " "),
            styled(one.word, COLOURS.get(one.word, "")),
            one.error[:200],
        )
        for one in found
    ]
    heads = ("id", "task", "verb", "target", "safety", "state", "error")
    return table(*heads, rows=rows, title=title)
