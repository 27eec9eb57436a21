"""Which turns a question's evidence means, however it was written.

Evidence was typed by people: ``D8:6; D9:17`` in one string, ``D30:05``, ``D:11:26``,
``d1 : 3``, a number, a list inside a string.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, cast

_BETWEEN = re.compile(r"[\s;,|\[\]{}()\"']+")
_GLUED = re.compile(r"[^\W\d_]+[^\w]*\d+[^\w]+\d+")  # D1:3 in D1:3D1:4
_PARTS = re.compile(r"\d+|[^\W\d_]+")
_MAX_ITEMS = 1_000
_MAX_DEPTH = 20


class TurnIds:
    """Finds turns by ids that are not written exactly as in the conversation.

    Args:
        ids: the ids of all turns.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self._exact = set(ids)
        self._loose: dict[tuple[str, ...], str | None] = {}
        for one in self._exact:
            key = _key(one)
            # Two ids that differ in writing alone can only be meant exactly.
            self._loose[key] = None if key in self._loose else one

    def find(self, written: Any) -> tuple[list[str], list[str]]:
        """The turns that are meant, each once, and what means no turn.

        Args:
            written: what JSON can hold.
        """
        found: dict[str, None] = {}
        unknown: dict[str, None] = {}
        for number, item in enumerate(_strings(written)):
            if number >= _MAX_ITEMS:
                break
            for one, known in self._resolve(item):
                (found if known else unknown)[one] = None
        return list(found), list(unknown)

    def _resolve(self, item: str) -> Iterator[tuple[str, bool]]:
        whole = self._turn(item)
        if whole is not None:
            yield whole, True
            return
        for piece in (piece for piece in _BETWEEN.split(item) if piece):
            one = self._turn(piece)
            if one is not None:
                yield one, True
                continue
            glued = [self._turn(part) for part in _GLUED.findall(piece)]
            if glued and None not in glued:
                yield from ((part, True) for part in glued if part is not None)
            else:
                yield piece, False

    def _turn(self, text: str) -> str | None:
        text = text.strip()
        return text if text in self._exact else self._loose.get(_key(text))


def _key(text: str) -> tuple[str, ...]:
    """Letters and numbers, without what stands between them, case, and leading zeros."""
    parts = _PARTS.findall(text.casefold())
    return tuple(part.lstrip("0") or "0" if part.isdigit() else part for part in parts)


def _strings(written: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(written, str):
        if written.strip():
            yield written.strip()
    elif isinstance(written, bool) or written is None or depth > _MAX_DEPTH:
        return
    elif isinstance(written, int):
        yield str(written)
    elif isinstance(written, float):
        yield str(int(written)) if written.is_integer() else str(written)
    else:
        if isinstance(written, dict):
            written = list(cast("dict[str, Any]", written).values())
        for item in cast("Iterable[Any]", written):
            yield from _strings(item, depth + 1)
