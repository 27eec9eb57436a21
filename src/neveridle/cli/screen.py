"""What the commands print: on a terminal, into a pipe, or as JSON."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Categories of characters that move the cursor, turn the text around, or cannot be shown."""
JOINERS = "\u200c\u200d"
"""Invisible, but they belong to words and emoji."""


def forgiving_streams() -> None:
    """Print what a terminal cannot show as a question mark instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        change = getattr(stream, "reconfigure", None)
        if change is not None:
            change(errors="replace")


def clean(text: object, *, lines: bool = False) -> str:
    """Text that others wrote, as it can be printed: nothing in it steers the terminal.

    Args:
        text: what is printed.
        lines: whether line breaks and tabs stay; otherwise they become spaces.
    """
    found = str(text).replace("\r\n", "\n")
    if not lines:
        found = " ".join(found.split())
    return "".join(_shown(character, lines=lines) for character in found)


def _shown(character: str, *, lines: bool) -> str:
    if character in JOINERS or (lines and character in "\n\t"):
        return character
    if unicodedata.category(character) not in HIDDEN:
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def console(*, err: bool = False) -> Console:
    """A console that takes every text literally: no markup, no emoji codes."""
    from rich.console import Console

    return Console(
        stderr=err, markup=False, emoji=False, highlight=False, soft_wrap=False, log_path=False
    )


def table(*columns: str, rows: Iterable[Sequence[object]], title: str = "") -> Table:
    """A table of cleaned text; the last column takes what width is left.

    Columns without names are shown without a head, for lists of facts.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(
        title=Text(clean(title), style="bold") if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD if any(columns) else None,
        show_header=any(columns),
        pad_edge=False,
        show_edge=False,
    )
    for number, column in enumerate(columns, start=1):
        last = number == len(columns)
        made.add_column(Text(column), overflow="fold", ratio=1 if last else None)
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else Text(clean(cell)) for cell in row))
    return made


def styled(text: object, style: str) -> Text:
    """Cleaned text in a style."""
    from rich.text import Text

    return Text(clean(text), style=style)


def say(text: str = "", *, err: bool = False, lines: bool = True) -> None:
    """Print text as it is, cleaned, wrapped by nobody: what a person may copy from."""
    stream = sys.stderr if err else sys.stdout
    stream.write(f"{clean(text, lines=lines)}\n")


def print_json(data: Any) -> None:
    """Print one JSON document."""
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower().replace("-", "")
    text = json.dumps(data, indent=2, ensure_ascii=encoding not in ("utf8", "utf8sig"), default=str)
    sys.stdout.write(f"{text}\n")


def ago(seconds: float) -> str:
    """A stretch of time in words: ``12 s``, ``3 min``, ``5 h``, ``2 d``."""
    seconds = max(0.0, seconds)
    for unit, length, until in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < until:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86_400:.0f} d"


def moment(at: float | None) -> str:
    """A time of the board in this machine's zone, to the second; empty for None."""
    from datetime import datetime

    if at is None:
        return ""
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
