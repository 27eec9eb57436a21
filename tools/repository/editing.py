"""Replacing one piece of a text, whatever its line endings."""

from __future__ import annotations

import difflib
import re
from bisect import bisect_right

from neveridle.errors import EditRejected

CANDIDATES = 3_000
"""Lines compared when the nearest to a piece that was not found are looked for."""

SHOWN = 160


def edit_text(text: str, old: str, new: str) -> tuple[str, int]:
    """``text`` with its only ``old`` replaced by ``new``.

    A newline in ``old`` matches either line ending; those in ``new`` become the
    ones of the piece replaced, or else the file's usual ones.

    Returns:
        The new text, and the 1-based line at which the piece began.

    Raises:
        EditRejected: ``old`` is empty, absent or not unique, or equals ``new``.
    """
    if not old:
        raise EditRejected(
            "The text to replace is empty.", remedy="Use write_file to make a file or rewrite it."
        )
    pattern = "\r?\n".join(re.escape(part) for part in _plain(old).split("\n"))
    matches = list(re.finditer(pattern, text))
    if not matches:
        raise EditRejected(f"The text to replace was not found. {_nearest(text, old)}".rstrip())
    lines = _line_numbers(text, [match.start() for match in matches])
    if len(matches) > 1:
        shown = ", ".join(map(str, lines[:10])) + (" …" if len(lines) > 10 else "")
        raise EditRejected(
            f"The text to replace occurs {len(matches)} times, at lines {shown}.",
            remedy="Give more of the lines around the one you mean.",
        )
    match = matches[0]
    ending = _ending(match[0]) or _ending(text) or "\n"
    put = _plain(new).replace("\n", ending)
    if put == match[0]:
        raise EditRejected("The new text is the same as the old: nothing would change.")
    return text[: match.start()] + put + text[match.end() :], lines[0]


def with_endings_of(text: str, before: str) -> str:
    """``text`` with the line endings of ``before``, where those are all CRLF."""
    if "\r\n" in before and "\n" not in before.replace("\r\n", ""):
        return _plain(text).replace("\n", "\r\n")
    return text


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")


def _ending(text: str) -> str:
    """The line ending ``text`` mostly has; empty where it has none."""
    windows = text.count("\r\n")
    unix = text.count("\n") - windows
    if not windows and not unix:
        return ""
    return "\r\n" if windows > unix else "\n"


def _line_numbers(text: str, offsets: list[int]) -> list[int]:
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    return [bisect_right(starts, offset) for offset in offsets]


def _nearest(text: str, old: str) -> str:
    """A sentence with the lines of ``text`` most like the first line of ``old``."""
    wanted = next((line.strip() for line in old.splitlines() if line.strip()), "")[:SHOWN]
    lines = [line.strip()[:SHOWN] for line in text.splitlines()[:CANDIDATES]]
    near = difflib.get_close_matches(wanted, [line for line in lines if line], n=3, cutoff=0.5)
    if not near:
        return "Nothing like it is in the file."
    found = [f"{lines.index(line) + 1}: {line}" for line in near]
    return "The nearest lines are\n" + "\n".join(found) + "\nRead the file again and copy exactly."
