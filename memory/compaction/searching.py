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
from neveridle.memory.compaction.ledger import Entry, Ledger

PAGE: Final = 6_000
"""Characters of a message that are shown at once."""
TOKENS: Final = 1_500
"""Tokens of the messages that a search shows."""
NAMED: Final = 500
"""Tokens of the identifiers that it shows besides."""
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


class Searcher:
    """A history made ready to be searched.

    Args:
        history: the folded messages.
    """

    def __init__(self, history: Sequence[Folded]) -> None:
        self._pieces = [piece for message in history for piece in _pieces(message)]
        self._counted = [
            Counter(terms(f"{piece.message.name} {piece.text}")) for piece in self._pieces
        ]
        self._ledger = Ledger()
        for message in history:
            self._ledger.add_text(message.text, message.number, message.role)

    def search(self, query: str, *, tokens: int = TOKENS) -> str:
        """What answers a question best, best first, and identifiers that it may be about."""
        wanted = Counter(terms(query))
        shown: list[str] = []
        for piece in self._ranked(wanted):
            part = f"[{_title(piece.message)}]\n{piece.text}"
            cost = estimate_tokens(part) + 2
            if cost > tokens:
                if not shown:
                    shown.append(part[: tokens * 2])
                break
            tokens -= cost
            shown.append(part)
        if not shown:
            return "Nothing was found. Ask with other words, or for a message by its number."
        text = "\n\n".join(shown)
        lines = self._named(set(wanted), text)
        if lines:
            text = "\n".join([text, "", "[identifiers elsewhere in these messages]", *lines])
        return text

    def _named(self, wanted: set[str], shown: str) -> list[str]:
        """Identifiers of the whole history, those first whose keys were asked for."""

        def boost(entry: Entry) -> float:
            return 1.0 + 2.0 * len(wanted.intersection(terms(f"{entry.label} {entry.value}")))

        return self._ledger.lines(NAMED, without=shown, boost=boost)

    def _ranked(self, wanted: Counter[str]) -> list[Piece]:
        sizes = [sum(one.values()) for one in self._counted]
        mean = max(1.0, sum(sizes) / max(1, len(sizes)))
        held = Counter(term for one in self._counted for term in wanted if term in one)
        scored: list[tuple[float, int]] = []
        for at, (one, size) in enumerate(zip(self._counted, sizes, strict=True)):
            score = 0.0
            for term, weight in wanted.items():
                times = one.get(term, 0)
                if times:
                    rare = math.log(1 + (len(sizes) - held[term] + 0.5) / (held[term] + 0.5))
                    part = times * 2.2 / (times + 1.2 * (0.25 + 0.75 * size / mean))
                    score += min(weight, 2) * rare * part
            if score > 0:
                scored.append((score, at))
        scored.sort(reverse=True)  # of equals, the newer one first
        return [self._pieces[at] for _, at in scored]


def search(history: Sequence[Folded], query: str, *, tokens: int = TOKENS) -> str:
    """What of a history answers a question best; see ``Searcher``."""
    return Searcher(history).search(query, tokens=tokens)


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
    if word.endswith("ids"):
        return word[:-1]
    if len(word) > 4 and word.isalpha():
        for ending in ("ing", "ies", "ed", "es", "s"):
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                return word[: -len(ending)]
    return word


def _pieces(message: Folded) -> list[Piece]:
    text = message.text
    if len(text) <= _PIECE + _OVERLAP:
        return [Piece(message, 0, text)]
    found: list[Piece] = []
    at = 0
    while at < len(text):
        end = _boundary(text, at + _PIECE)
        found.append(Piece(message, at, text[at:end]))
        at = end if end - at < _PIECE else end - _OVERLAP
        if end >= len(text):
            break
    return found


def _boundary(text: str, end: int) -> int:
    """Where a record or sentence ends shortly before ``end``; there, where none does."""
    if end >= len(text):
        return len(text)
    for mark in ("}, ", "},\n", "\n", ". ", ", "):
        at = text.rfind(mark, end - _PIECE // 3, end)
        if at >= 0:
            return at + len(mark)
    return end


def _title(message: Folded) -> str:
    who = {"human": "person", "ai": "assistant"}.get(message.role, message.role)
    return f"message {message.number}, {who}{f' {message.name}' if message.name else ''}"
