"""Text by the cells it takes in a terminal: cut, filled up, wrapped, laid out in columns.

Everything here is made so that no line is longer than asked for, whatever the text: wide
letters take two cells, marks that combine with others take none.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from neveridle.cli.screen import JOINERS, clean

ELLIPSIS: Final = "…"
EMOJI: Final = "\ufe0f"
"""Asks for the letter before it to be shown as an emoji, which is wide."""
GAP: Final = 2

Line = list[tuple[str, str]]
"""One line: pieces of text, each with its style; an empty style is none."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: its head.
        least: cells it keeps, however narrow the screen is.
        most: cells it takes at most; None: as many as its texts need.
        right: whether its texts stand at its right edge, as numbers do.
    """

    title: str
    least: int = 4
    most: int | None = None
    right: bool = False


def cells(text: str) -> int:
    """How many cells a line of text takes; rather one too many than one too few."""
    return sum(width for _, width in _pieces(text))


def _pieces(text: str) -> Iterator[tuple[str, int]]:
    """The letters, each with the marks that combine with it, and their width."""
    held, width, joined = "", 0, False
    for letter in text:
        own = _size(letter)
        if letter == EMOJI:
            wide = bool(held) and not held.isspace()
            held, width = held + letter, max(width, 2) if wide else width
        elif own == 0 and held:
            held += letter
        elif joined and own:  # drawn as one where the terminal can: counted as two
            held, width = held + letter, width + own
        else:
            if held:
                yield held, width
            held, width = letter, own
        joined = letter == "\u200d"
    if held:
        yield held, width


@lru_cache(maxsize=4096)
def _size(letter: str) -> int:
    """The most any terminal makes of it: their tables are of different ages."""
    from rich.cells import get_character_cell_size

    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0 if letter in JOINERS else get_character_cell_size(letter)
    wide = unicodedata.east_asian_width(letter) in "WF"
    return max(2 if wide else 1, get_character_cell_size(letter))


def cut(text: str, width: int) -> str:
    """The text, cleaned, in at most so many cells; what is left out leaves an ellipsis."""
    said = clean(text)
    if cells(said) <= width:
        return said
    if width <= 0:
        return ""
    kept, used = "", 0
    for piece, size in _pieces(said):
        if used + size > width - 1:
            break
        kept, used = kept + piece, used + size
    return kept.rstrip() + ELLIPSIS


def pad(text: str, width: int, *, right: bool = False) -> str:
    """The text, cut and filled up to exactly so many cells."""
    said = cut(text, width)
    room = " " * (width - cells(said))
    return room + said if right else said + room


def wrap(text: str, width: int, most: int) -> list[str]:
    """The text in at most so many lines of so many cells; words stay whole where they can."""
    lines, rest = [""], clean(text).split()
    while rest:
        word = rest.pop(0)
        tried = f"{lines[-1]} {word}".strip()
        if cells(tried) <= width:
            lines[-1] = tried
        elif len(lines) == most:
            lines[-1] = cut(" ".join([tried, *rest]), width)
            break
        elif not lines[-1]:  # longer than a whole line
            lines[-1] = cut(word, width)
        else:
            lines.append("")
            rest.insert(0, word)
    return lines


def grid(
    columns: Sequence[Column], rows: Sequence[Sequence[str | tuple[str, str]]], width: int
) -> list[Line]:
    """A table as lines: a head, and one line for each row.

    Args:
        columns: the columns.
        rows: their texts, each alone or with a style.
        width: the cells a line may take.
    """
    texts = [[one if isinstance(one, tuple) else (one, "") for one in row] for row in rows]
    sizes = _sizes(columns, texts, width)
    head: Line = [
        (pad(column.title, size, right=column.right), "dim")
        for column, size in zip(columns, sizes, strict=True)
    ]
    lines = [_joined(head, width)]
    for row in texts:
        made: Line = [
            (pad(text, size, right=column.right), style)
            for (text, style), column, size in zip(row, columns, sizes, strict=True)
        ]
        lines.append(_joined(made, width))
    return lines


def _sizes(
    columns: Sequence[Column], rows: Sequence[Sequence[tuple[str, str]]], width: int
) -> list[int]:
    sizes: list[int] = []
    for number, column in enumerate(columns):
        texts = [column.title, *(row[number][0] for row in rows)]
        need = max(cells(clean(text)) for text in texts)
        sizes.append(need if column.most is None else min(need, column.most))
    room = width - GAP * (len(columns) - 1)
    while sum(sizes) > room:  # the widest gives way first
        spare = [(size - column.least, number) for number, (size, column) in
                 enumerate(zip(sizes, columns, strict=True))]  # fmt: skip
        most, widest = max(spare)
        if most <= 0:
            break
        second = max((one for one, number in spare if number != widest), default=0)
        step = max(1, most - max(second, 0))
        sizes[widest] -= min(step, most, sum(sizes) - room)
    return sizes


def _joined(pieces: Line, width: int) -> Line:
    """The pieces with a gap between them, cut to the width; no spaces stand at the end."""
    line: Line = []
    left = width
    for number, (text, style) in enumerate(pieces):
        gap = " " * (GAP if number else 0)
        if left <= len(gap):
            break
        fits = gap + text if cells(gap + text) <= left else gap + cut(text, left - len(gap))
        line.append((fits, style))
        left -= cells(fits)
    while line and not line[-1][0].strip():
        line.pop()
    if line:
        line[-1] = (line[-1][0].rstrip(), line[-1][1])
    return line


def plain(line: Line) -> str:
    """A line without its styles."""
    return "".join(text for text, _ in line)
