"""An embedder without a model, for tests and demonstrations."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence

from neveridle.memory.embedding.embedder import Encoded

_WORD = re.compile(r"[^\W_]+")
_SUFFIXES = ("ingly", "edly", "ings", "ing", "ies", "ied", "ers", "ed", "es", "er", "ly", "s", "e")
_STOP = frozenset(
    {"a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "from", "had", "has", "have"}
    | {"in", "is", "it", "its", "of", "on", "or", "our", "that", "the", "their", "then", "there"}
    | {"this", "to", "was", "we", "were", "will", "with", "you", "your"}
)


class HashingEmbedder:
    """A bag of stemmed words, hashed into a vector: the fake at the ``Embedder`` seam.

    Texts that share words (in any inflection) are close; nothing else is. The
    same text has the same vector in every process and on every machine, and no
    model is loaded.

    Args:
        dimensions: length of the vectors; more means fewer chance collisions.
    """

    def __init__(self, dimensions: int = 512) -> None:
        if dimensions < 2:
            msg = "dimensions must be at least 2"
            raise ValueError(msg)
        self._dimensions = dimensions

    @property
    def name(self) -> str:
        """Names the scheme and its length."""
        return f"hashing-{self._dimensions}"

    @property
    def dimensions(self) -> int:
        """The length of each vector."""
        return self._dimensions

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of length 1 for each text."""
        return [self._vector(stems(text)) for text in texts]

    async def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """The same vectors; one window; one token for each stem, repeated ones repeated."""
        import numpy as np

        found: list[Encoded] = []
        for text in texts:
            words = stems(text)
            dense = np.array(self._vector(words), dtype=np.float32)
            tokens = np.array([self._vector([word]) for word in words], dtype=np.float32)
            found.append(Encoded(dense, dense[None, :], tokens.reshape(-1, self._dimensions)))
        return found

    async def model(self) -> str:
        """The name: there are no weights."""
        return self.name

    def _vector(self, words: Sequence[str]) -> list[float]:
        vector = [0.0] * self._dimensions
        for word, count in Counter(words).items():
            digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
            number = int.from_bytes(digest, "big")
            # Slot 0 is kept for texts without words: a vector of length 0 has no direction.
            slot = 1 + (number >> 1) % (self._dimensions - 1)
            vector[slot] += (1 if number & 1 else -1) * (1 + math.log(count))
        length = math.sqrt(sum(value * value for value in vector))
        if length == 0:
            vector[0] = length = 1.0
        return [value / length for value in vector]


def stems(text: str) -> list[str]:
    """The words of a text, lower-cased, without stop words and without their endings."""
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in _STOP]


def _stem(word: str) -> str:
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            return word.removesuffix(suffix)
    return word
