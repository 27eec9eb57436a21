"""A question, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neveridle.memory.recall.analysis import analyse, terms_of
from neveridle.memory.recall.dates import spans
from neveridle.memory.recall.document import Query

MAX_TERMS = 64
"""Of a longer question the terms that say least are left out."""

_WHEN = re.compile(
    r"\bwhen\b|\b(?:what|which) (?:date|day|month|year|time|season|week)\b|\bhow long ago\b"
)
_MANY = re.compile(r"\bhow (?:many|much|often|long|old|far|big|large|tall)\b|\bnumber of\b")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a question is made of.

    Attributes:
        terms: distinct hashes of its terms; shape (t,), uint32.
        counts: how often each occurs; shape (t,).
        stems: the terms as words, to find names of authors in.
        spans: days it speaks of; shape (s, 2).
        when: it asks for a time.
        many: it asks for a number.
    """

    terms: NDArray[np.uint32]
    counts: NDArray[np.float32]
    stems: frozenset[str]
    spans: NDArray[np.int32]
    when: bool
    many: bool


def take_apart(query: Query) -> Asked:
    """The question's terms, days and kind. An empty one has no terms."""
    seen = analyse(query.text)
    days = spans(query.text[:4_000], query.at, years=False)
    lower = query.text[:4_000].lower()
    return Asked(
        terms=seen.terms,
        counts=seen.counts.astype(np.float32),
        stems=frozenset(terms_of(query.text)),
        spans=np.array([(s.first, s.last) for s in days], np.int32).reshape(-1, 2),
        when=_WHEN.search(lower) is not None,
        many=_MANY.search(lower) is not None,
    )
