"""Finding folded messages again: by what they were about, or by their number."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from neveridle.memory.compaction.estimate import estimate_tokens
from neveridle.memory.compaction.history import Folded

PAGE: Final = 6_000
"""Characters of a message that are shown at once."""
TOKENS: Final = 1_500
"""Tokens of what a search shows."""
_PIECE: Final = 900  # characters of a piece that is ranked by itself
_OVERLAP: Final = 150

_TERM: Final = re.compile(r"[^\W_]+")
_WHOLE: Final = re.compile(r"\w(?:[\w.@/-]*\w)?")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
# What every question has; it tells nothing of what is looked for.
_STOP: Final = frozenset(
    "a an and are as at be by can could do for from have how i in is it me my of on or please "  # noqa: SIM905 - read as a sentence
    "that the this to was what when which who will with would you your".split()
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a folded message.

    Attributes:
        message: the whole.
        start: where the part begins in its text.
        text: the part.
    """

    message: Folded
    start: int
    text: str


def search(history: Sequence[Folded], query: str, *, tokens: int = TOKENS) -> str:
    """What of a history answers a question best, best first, within so many tokens."""
    pieces = [piece for message in history for piece in _pieces(message)]
    wanted = Counter(terms(query))
    if not pieces or not wanted:
        return "Nothing was found. Ask with other words, or for a message by its number."
    ranked = _rank(pieces, wanted)
    if not ranked:
        return "Nothing was found. Ask with other words, or for a message by its number."
    shown: list[str] = []
    for piece in ranked:
        part = f"[{_title(piece.message)}]\n{piece.text}"
        cost = estimate_tokens(part) + 2
        if cost > tokens:
            if not shown:
                shown.append(part[: tokens * 2])
            break
        tokens -= cost
        shown.append(part)
    return "\n\n".join(shown)


def show(history: Sequence[Folded], number: int, *, offset: int = 0) -> str:
    """One message in full, a page at a time.

    Args:
        history: where it is looked for.
        number: its number.
        offset: where in its text the page begins.
    """
    found = next((one for one in history if one.number == number), None)
    if found is None:
        numbers = [one.number for one in history]
        there = f"{min(numbers)} to {max(numbers)}" if numbers else "none yet"
        return f"Message {number} was not folded. Folded messages: {there}."
    offset = max(0, offset)
    page = found.text[offset : offset + PAGE]
    end = offset + len(page)
    more = len(found.text) - end
    rest = f"\n[… {more} more characters: offset={end} shows them …]" if more > 0 else ""
    return f"[{_title(found)}]\n{page}{rest}"


def terms(text: str) -> list[str]:
    """The words a text is found by: whole identifiers, and the words within them."""
    found: list[str] = []
    for whole in _WHOLE.findall(text):
        parts = [part.lower() for one in _TERM.findall(whole) for part in _CAMEL.split(one)]
        lowered = whole.lower()
        words = parts if parts == [lowered] else [lowered, *parts]
        found += [_stem(word) for word in words if word not in _STOP]
    return found


def _stem(word: str) -> str:
    if len(word) > 4 and word.isalpha():
        for ending in ("ing", "ies", "ed", "es", "s"):
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                return word[: -len(ending)]
    return word


def _rank(pieces: Sequence[Piece], wanted: Counter[str]) -> list[Piece]:
    counted = [Counter(terms(f"{piece.message.name} {piece.text}")) for piece in pieces]
    sizes = [sum(one.values()) for one in counted]
    mean = max(1.0, sum(sizes) / len(sizes))
    held = Counter(term for one in counted for term in wanted if term in one)
    scored: list[tuple[float, int]] = []
    for at, (one, size) in enumerate(zip(counted, sizes, strict=True)):
        score = 0.0
        for term, weight in wanted.items():
            times = one.get(term, 0)
            if times:
                rare = math.log(1 + (len(pieces) - held[term] + 0.5) / (held[term] + 0.5))
                part = times * 2.2 / (times + 1.2 * (0.25 + 0.75 * size / mean))
                score += min(weight, 2) * rare * part
        if score > 0:  # of equals, the newer one
            scored.append((score, at))
    scored.sort(reverse=True)
    return [pieces[at] for _, at in scored]


def _pieces(message: Folded) -> list[Piece]:
    text = message.text
    if len(text) <= _PIECE + _OVERLAP:
        return [Piece(message, 0, text)]
    step = _PIECE - _OVERLAP
    return [Piece(message, at, text[at : at + _PIECE]) for at in range(0, len(text), step)]


def _title(message: Folded) -> str:
    who = {"human": "person", "ai": "assistant"}.get(message.role, message.role)
    return f"message {message.number}, {who}{f' {message.name}' if message.name else ''}"
