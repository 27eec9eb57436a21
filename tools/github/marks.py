"""The hidden marks by which what was written to GitHub is found again."""

from __future__ import annotations

import re
from typing import Final

from neveridle.board.effect import MARKER

_MARK: Final = re.compile(rf"<!-- {MARKER}[0-9a-f]{{32}} -->")


def marked(body: str, marker: str) -> str:
    """A text with a mark that people do not see, and with no other: one may have been copied."""
    body, mark = unmarked(body), f"<!-- {marker} -->"
    return f"{body}\n\n{mark}" if body else mark


def unmarked(body: str) -> str:
    """A text without our marks."""
    return _MARK.sub("", body).rstrip() if _MARK.search(body) else body


def carries(body: str, marker: str) -> bool:
    """Whether a text has this mark."""
    return f"<!-- {marker} -->" in body


def keeping(body: str, before: str) -> str:
    """A text with the marks that another has, which it is put in place of."""
    lost = [mark for mark in _MARK.findall(before) if mark not in body]
    return "\n\n".join([body, *lost]) if lost else body
