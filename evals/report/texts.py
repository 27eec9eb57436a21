"""Text of others as reports show it: nothing in it steers a terminal, a page or a parser."""

from __future__ import annotations

import unicodedata
from typing import Final

from neveridle.tools.redact import redact

LONGEST: Final = 4000
"""Characters of one text; the file of results has all of it."""
KEPT: Final = "\u200c\u200d"
"""Joiners: invisible, but they belong to words and emoji."""


def shown(text: object, *, lines: bool = False, longest: int = LONGEST) -> str:
    """Text without control characters and secrets, of a bounded length.

    Args:
        text: what somebody wrote.
        lines: whether line breaks and tabs stay; otherwise they become spaces.
        longest: characters; what is longer is cut, and says so.
    """
    found = str(text)
    more = len(found) - longest
    found = redact(found[:longest]).replace("\r\n", "\n")
    if not lines:
        found = " ".join(found.split())
    said = "".join(_one(letter, lines=lines) for letter in found)
    return f"{said} … ({more} characters more)" if more > 0 else said


def _one(letter: str, *, lines: bool) -> str:
    if letter in KEPT or (lines and letter in "\n\t"):
        return letter
    # Noncharacters are "Cn"; XML knows them not, and no text means them.
    hidden = unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return f"\\u{ord(letter):04x}" if hidden else letter


def number(value: float | None) -> str:
    """A number as people read it: as many digits as say something; a dash for None."""
    if value is None:
        return "-"
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 10:
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}"
    return f"{value:.3g}"


def share(value: float | None) -> str:
    """A part of one, in percent; a dash for None."""
    return "-" if value is None else f"{value:.0%}" if value in (0, 1) else f"{value:.1%}"
