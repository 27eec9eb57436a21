"""A memory as it grows in use: many rows that are nearly alike, about recurring things."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 384
AGENTS = 20
SHARES = {"every": 1.0, "half": 0.5, "hundredth": 0.01, "thousandth": 0.001}
_WORDS = [
    "deploy",
    "staging",
    "invoice",
    "login",
    "migration",
    "schema",
    "retry",
    "timeout",
    "webhook",
    "cache",
    "index",
    "worker",
    "queue",
    "token",
    "header",
    "session",
    "payment",
    "report",
    "export",
    "import",
    "parser",
    "layout",
    "button",
    "colour",
    "test",
    "flaky",
    "branch",
    "merge",
    "review",
    "commit",
    "rollback",
    "alert",
    "metric",
    "dashboard",
    "customer",
    "address",
    "search",
]


class Vectors:
    """An embedder whose vectors were made before: embedding is no part of what is measured.

    A text is ``<number>: words``; its vector is the one of that number.
    """

    name = "bench"
    dimensions = DIMENSIONS

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._vectors = vectors

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """The vectors of texts by their numbers."""
        return [self._vectors[int(text.split(":")[0])].tolist() for text in texts]


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """Each with length 1."""
    whole: NDArray[np.float32] = np.array(vectors, np.float32)
    whole /= np.linalg.norm(whole, axis=1, keepdims=True)
    return whole


def made(count: int, *, alike: bool, seed: int = 7) -> NDArray[np.float32]:
    """Vectors of rows.

    Args:
        count: how many.
        alike: two thousand subjects of very different sizes, each a cloud of near-equal rows
            (cosine 0.9), and all somewhat alike, as sentence vectors are; otherwise random.
        seed: of the random numbers.
    """
    numbers = np.random.default_rng(seed)
    if not alike:
        return unit(numbers.standard_normal((count, DIMENSIONS)))
    subjects = unit(numbers.standard_normal((2_000, DIMENSIONS)))
    subjects = unit(subjects + 0.5 * unit(numbers.standard_normal((1, DIMENSIONS))))
    which = numbers.zipf(1.2, count) % len(subjects)
    spread = numbers.uniform(0.2, 0.7, (count, 1))
    return unit(subjects[which] + spread * unit(numbers.standard_normal((count, DIMENSIONS))))


def near(vectors: NDArray[np.float32], count: int, seed: int = 8) -> NDArray[np.float32]:
    """Questions: each somewhat like a row."""
    numbers = np.random.default_rng(seed)
    rows = vectors[numbers.integers(0, len(vectors), count)]
    return unit(rows + 0.7 * unit(numbers.standard_normal(rows.shape)))


def words_of(number: int) -> str:
    """The text of a row: words as often as in speech, few very common, most of them rare."""
    chosen = random.Random(number)
    ranks = [min(20_000, int(50 * (chosen.paretovariate(0.8) - 1))) for _ in range(12)]
    words = [f"{_WORDS[rank % len(_WORDS)]}{rank // len(_WORDS) or ''}" for rank in ranks]
    return f"{number}: {' '.join(words)}"
