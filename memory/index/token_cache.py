"""Token vectors of rows that were lately looked at."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

Read = Callable[[Sequence[int]], Mapping[int, bytes]]


class TokenCache:
    """Reads what it does not hold; the longest unused go first. Belongs to one thread at a time.

    Args:
        read: reads token vectors of rows by id; those without any are left out.
        bound: bytes held at most.
    """

    def __init__(self, read: Read, *, bound: int = 64 << 20) -> None:
        self._read, self._bound = read, bound
        self._held: OrderedDict[int, bytes | None] = OrderedDict()
        self.nbytes = 0

    def __call__(self, ids: Sequence[int]) -> list[bytes | None]:
        """The token vectors of rows, in their order."""
        missing = [row for row in ids if row not in self._held]
        if missing:
            read = self._read(missing)
            for row in missing:
                self._held[row] = blob = read.get(row)
                self.nbytes += _size(blob)
        found: list[bytes | None] = []
        for row in ids:
            found.append(self._held[row])
            self._held.move_to_end(row)
        while self.nbytes > self._bound:
            self.nbytes -= _size(self._held.popitem(last=False)[1])
        return found

    def forget(self, ids: Sequence[int]) -> None:
        """Let go of rows that changed."""
        for row in ids:
            if row in self._held:
                self.nbytes -= _size(self._held.pop(row))


def _size(blob: bytes | None) -> int:
    return 200 + (len(blob) if blob else 0)  # what the entry itself takes, about
