"""How many tokens a text takes, roughly, and what fits into a budget."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

_PIECE = re.compile(r"[A-Za-z]+|\d{1,3}|\s*[^\sA-Za-z\d]|\s+")


def tokens_of(text: str) -> int:
    """An estimate of the tokens of a text, without a tokenizer's tables."""
    count = 0.0
    for piece in _PIECE.findall(text):
        if piece.isspace():
            count += 0.3 * piece.count("\n")
        elif piece.isalpha() and piece.isascii():
            count += 1 if len(piece) <= 8 else 1 + (len(piece) - 8) / 5
        else:
            count += 1
    return max(1, round(count)) if text else 0


def fitting(hits: Sequence[T], text: Callable[[T], str], budget: int) -> list[T]:
    """The first ones that together fit into a budget of tokens; the first that does not ends it."""
    found: list[T] = []
    for one in hits:
        budget -= tokens_of(text(one))
        if budget < 0:
            break
        found.append(one)
    return found
