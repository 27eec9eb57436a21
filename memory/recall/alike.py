"""Rows that say the same in the same words are shown once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from neveridle.memory.recall.corpus import Corpus

SAME = 0.9
"""Share of common terms among all terms of two rows from which on they are the same."""

_LEAST = 6  # terms; shorter rows ("Thanks, Jo!") are the same only if they are equal
_LOOK = 50  # rows compared with at most


def without_repeats(corpus: Corpus, slots: Iterable[int], k: int) -> Iterator[int]:
    """Of slots, best first, the first ``k`` that do not repeat one before them."""
    shown: list[int] = []
    for slot in slots:
        if len(shown) == k:
            return
        if not any(_same(corpus, slot, other) for other in shown[:_LOOK]):
            shown.append(slot)
            yield slot


def _same(corpus: Corpus, one: int, other: int) -> bool:
    a, b = corpus.documents_terms[one], corpus.documents_terms[other]
    small, large = sorted((len(a), len(b)))
    if not small or small < SAME * large:
        return False
    c = corpus.columns
    if c["author"][one] != c["author"][other]:
        return False
    if large < _LEAST:
        return small == large and bool((a == b).all())
    common = len(np.intersect1d(a, b, assume_unique=True))
    return common >= SAME * (small + large - common)
