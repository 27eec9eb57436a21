"""What was encoded lately, bounded in bytes."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from neveridle.memory.embedding.embedder import Encoded

_ENTRY = 400  # bytes of objects beside the numbers
_SHARE = 8  # one text may take up an eighth of the cache: one document must not empty it


class EncodedCache:
    """Least recently used texts are dropped first. Not thread-safe.

    Args:
        limit: bytes.
    """

    def __init__(self, limit: int) -> None:
        self.size = 0
        self._limit = limit
        self._held: OrderedDict[bytes, Encoded] = OrderedDict()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: bytes, *, tokens: bool) -> Encoded | None:
        """What is known of a text; None where token vectors are asked for and are not held."""
        found = self._held.get(key)
        if found is None or (tokens and found.tokens is None):
            return None
        self._held.move_to_end(key)
        return found if tokens else replace(found, tokens=None)

    def put(self, key: bytes, value: Encoded) -> None:
        """Keep it, unless it is too large; what has token vectors is not replaced by less."""
        old = self._held.get(key)
        if (old is not None and old.tokens is not None) or _bytes(value) > self._limit // _SHARE:
            return
        if old is not None:
            self.size -= _bytes(self._held.pop(key))
        self._held[key] = value
        self.size += _bytes(value)
        while self.size > self._limit:
            self.size -= _bytes(self._held.popitem(last=False)[1])


def _bytes(value: Encoded) -> int:
    tokens = 0 if value.tokens is None else value.tokens.nbytes
    return _ENTRY + value.dense.nbytes + value.windows.nbytes + tokens
