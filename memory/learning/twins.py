"""Whether two texts say the same: strict, because a wrong yes loses something."""

from __future__ import annotations

from typing import Final

from neveridle.memory.learning.wording import Wording, wording

SAME_COSINE: Final = 0.86
"""Vectors at least this close may say the same; docs/design/learning.md has the measurements."""
REPLACED_COSINE: Final = 0.97
"""The same where each text has a word that the other has not: mostly that is another thing."""
SAME_WORDS: Final = 0.5
"""The share of both texts' words that they must have in common."""


def core(text: str) -> str:
    """The lesson in a remembered text: its first line, without the kind that it begins with."""
    first = text.strip().split("\n", 1)[0]
    kind, colon, rest = first.partition(": ")
    return rest if colon and kind in ("success", "failure", "insight") else first


def says_the_same(one: str, other: str, cosine: float) -> bool:
    """Whether two texts say the same.

    They must be close in meaning and share most words, name the same identifiers (paths,
    names, numbers, code) in the same order, and hold the same words that turn a sense, such
    as negations; what stands before and after words like ``before`` must be the same. The
    judgement is symmetric.

    Args:
        one: a text.
        other: another text.
        cosine: how close their vectors are.
    """
    a, b = wording(one), wording(other)
    if a == b and (a.stems or a.identifiers):
        return True
    if a.turns != b.turns or a.identifiers != b.identifiers:
        return False
    replaced = bool(a.stems - b.stems) and bool(b.stems - a.stems)
    if cosine < (REPLACED_COSINE if replaced else SAME_COSINE):
        return False
    return overlap(a, b) >= SAME_WORDS and _in_order(a, b)


def overlap(a: Wording, b: Wording) -> float:
    """The share of the words of both that both have, 0 to 1; 1 where neither has any."""
    both = a.stems | b.stems
    return len(a.stems & b.stems) / len(both) if both else 1.0


def _in_order(a: Wording, b: Wording) -> bool:
    """Whether what both have stands in the same order, or with one piece moved elsewhere.

    Moving a piece is how a sentence is put otherwise ("When X, do Y"); exchanging two around
    what stands between them is how another thing is said ("X calls Y").
    """
    if len(a.parts) != len(b.parts):
        return False
    known = {one for part in a.parts for one in part} & {one for part in b.parts for one in part}
    return all(
        _moved([one for one in mine if one in known], [one for one in theirs if one in known])
        for mine, theirs in zip(a.parts, b.parts, strict=True)
    )


def _moved(one: list[str], other: list[str]) -> bool:
    if one == other:
        return True
    if sorted(one) != sorted(other):
        return False
    start = next(n for n, (x, y) in enumerate(zip(one, other, strict=True)) if x != y)
    end = next(n for n, (x, y) in enumerate(zip(one[::-1], other[::-1], strict=True)) if x != y)
    one, other = one[start : len(one) - end], other[start : len(other) - end]
    cut = other.index(one[0])
    return other[cut:] + other[:cut] == one
