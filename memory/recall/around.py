"""The candidates with the rows beside them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neveridle.memory.recall.candidates import Found
from neveridle.memory.recall.corpus import Corpus, Mask

OWN, BEFORE, AFTER, BEFORE2, AFTER2 = range(5)


@dataclass(frozen=True, slots=True)
class Around:
    """Candidates and neighbours, each row once.

    Attributes:
        slots: shape (e,), ascending.
        at: shape (5, p): where among the slots a candidate and its neighbours stand (itself, the
            one before, after, second before, second after); e where there is none.
        counts: of the question's terms; shape (t, e + 1), the last column 0.
        lengths: in terms; shape (e + 1,), the last 0.
    """

    slots: NDArray[np.int64]
    at: NDArray[np.int64]
    counts: NDArray[np.float32]
    lengths: NDArray[np.float32]


def look_around(corpus: Corpus, found: Found, mask: Mask) -> Around:
    """The neighbours in scope of each candidate, and the counts of the question's terms in all."""
    c = corpus.columns
    own = found.slots
    beside = np.full((5, len(own)), -1, np.int64)
    beside[OWN] = own
    for near, far, name in ((BEFORE, BEFORE2, "before"), (AFTER, AFTER2, "after")):
        step = c[name]
        beside[near] = step[own]
        have = beside[near] >= 0
        beside[far][have] = step[beside[near][have]]
    beside[(beside >= 0) & ~mask[beside]] = -1
    slots = np.unique(beside[beside >= 0])
    place = np.full(len(c) + 1, len(slots), np.int64)  # the last one is where -1 points
    place[slots] = np.arange(len(slots))
    counts = np.zeros((len(found.postings), len(slots) + 1), np.float32)
    for row, (term_slots, term_counts) in zip(counts, found.postings, strict=True):
        row[place[term_slots]] = term_counts
    counts[:, -1] = 0
    lengths = np.append(c["length"][slots], np.float32(0))
    return Around(slots, place[beside], counts, lengths)
