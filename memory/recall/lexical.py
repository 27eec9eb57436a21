"""An in-process BM25 index that grows: segments of postings, merged as they accumulate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

K1 = 1.2
B = 0.75
# A segment is merged into the one before it once it is a quarter as long: a handful of segments
# for any number of rows, and each posting is copied a few times in its life.
_RATIO = 4


@dataclass(frozen=True, slots=True)
class _Segment:
    terms: NDArray[np.uint32]  # ascending, distinct
    starts: NDArray[np.int64]  # len(terms) + 1
    slots: NDArray[np.int32]
    counts: NDArray[np.float32]

    @staticmethod
    def of(
        terms: NDArray[np.uint32], slots: NDArray[np.int32], counts: NDArray[np.float32]
    ) -> _Segment:
        order = np.argsort(terms, kind="stable")
        ordered = terms[order]
        first = np.ones(len(terms), np.bool_)
        first[1:] = ordered[1:] != ordered[:-1]
        firsts = np.flatnonzero(first)
        starts = np.append(firsts, len(terms))
        return _Segment(ordered[firsts], starts, slots[order], counts[order])

    def merged(self, other: _Segment) -> _Segment:
        terms = np.concatenate(
            [np.repeat(s.terms, np.diff(s.starts)) for s in (self, other)], dtype=np.uint32
        )
        return _Segment.of(
            terms,
            np.concatenate((self.slots, other.slots)),
            np.concatenate((self.counts, other.counts)),
        )

    def find(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.float32]] | None:
        i = int(np.searchsorted(self.terms, np.uint32(term)))
        if i == len(self.terms) or int(self.terms[i]) != term:
            return None
        part = slice(int(self.starts[i]), int(self.starts[i + 1]))
        return self.slots[part], self.counts[part]


class LexicalIndex:
    """Postings of numbered slots. A slot is filled once; what is removed is left out by the mask.

    Not safe for use by several threads at once.
    """

    def __init__(self) -> None:
        self._segments: list[_Segment] = []
        self._waiting: list[tuple[int, NDArray[np.uint32], NDArray[np.uint16]]] = []

    def add(
        self,
        slots: Sequence[int],
        terms: Sequence[NDArray[np.uint32]],
        counts: Sequence[NDArray[np.uint16]],
    ) -> None:
        """Add rows; each slot only once, each row's terms distinct."""
        self._waiting.extend(zip(slots, terms, counts, strict=True))

    def postings(self, term: int) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The slots that have the term, and how often: shapes (m,), (m,)."""
        self._settle()
        found = [f for s in self._segments if (f := s.find(term)) is not None]
        if len(found) == 1:
            return found[0]
        if not found:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])

    def _settle(self) -> None:
        if not self._waiting:
            return
        sizes = [len(terms) for _, terms, _ in self._waiting]
        segment = _Segment.of(
            np.concatenate([terms for _, terms, _ in self._waiting], dtype=np.uint32),
            np.repeat(np.array([slot for slot, _, _ in self._waiting], np.int32), sizes),
            np.concatenate([counts for _, _, counts in self._waiting], dtype=np.float32),
        )
        self._waiting.clear()
        while self._segments and len(self._segments[-1].slots) <= _RATIO * len(segment.slots):
            segment = self._segments.pop().merged(segment)
        self._segments.append(segment)


def idf(n: float, df: float) -> float:
    """How much a term says that ``df`` of ``n`` rows have: above 0 always."""
    return float(np.log1p((n - df + 0.5) / (df + 0.5)))


def impact(
    counts: NDArray[np.float32], lengths: NDArray[np.float32], average: float
) -> NDArray[np.float32]:
    """BM25 without idf: 0 to K1 + 1, for counts of a term in rows of these lengths."""
    norm = K1 * (1 - B) + (K1 * B / max(average, 1e-6)) * lengths
    return (counts * np.float32(K1 + 1) / (counts + norm)).astype(np.float32, copy=False)
