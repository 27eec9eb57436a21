"""Lines of pieces with styles, printed: with colours where a terminal shows them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neveridle.cli.cells import Line

if TYPE_CHECKING:
    from rich.text import Text


def screen_width() -> int:
    """The cells of a line: of the terminal, or as COLUMNS says; 80 where nobody knows."""
    return max(20, shutil.get_terminal_size((80, 24)).columns)


def as_text(lines: Sequence[Line]) -> Text:
    """The lines, as rich shows them."""
    from rich.text import Text

    made = Text(no_wrap=True, end="")
    for number, line in enumerate(lines):
        made.append("\n" if number else "")
        for text, style in line:
            made.append(text, style=style or None)
    return made


def print_lines(lines: Sequence[Line]) -> None:
    """Print them; each is as wide as it was made."""
    from neveridle.cli.screen import console

    out = console()
    for line in lines:
        out.print(as_text([line]), soft_wrap=True, end="\n")
