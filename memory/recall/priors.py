"""Mild preferences that hold for any question: newer, more important, trusted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neveridle.memory.recall.corpus import Corpus
from neveridle.memory.recall.document import Query

HALF_LIFE = 30 * 86_400.0
"""Seconds after which half of what newness gives is gone."""

_NEW = 0.05  # what a row of this moment gains at most
_IMPORTANT = 0.2  # what the most important row gains over one of 0.5
_UNPROVEN = 0.9  # a row in quarantine


def priors(
    corpus: Corpus, query: Query, slots: NDArray[np.int64]
) -> dict[str, NDArray[np.float32]]:
    """Factors for each row, near 1; rows alike in age, importance and trust stay in their order."""
    c = corpus.columns
    one = np.ones(len(slots), np.float32)
    recency = one
    if query.at is not None:
        age = np.maximum(query.at - c["at"][slots], 0)  # clocks differ: the future counts as now
        recency = (1 + _NEW * np.exp2(-age / HALF_LIFE)).astype(np.float32)
    importance = 1 + _IMPORTANT * 2 * (np.clip(c["importance"][slots], 0, 1) - np.float32(0.5))
    trust = np.where(c["trusted"][slots], one, np.float32(_UNPROVEN))
    return {"recency": recency, "importance": importance.astype(np.float32), "trust": trust}
