"""Answers that are asked for again with their ETag: a 304 costs nothing of the rate limit."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer that was kept.

    Attributes:
        etag: what tells its version.
        body: the bytes of its JSON.
        link: its ``Link`` header, which a 304 may lack.
    """

    etag: str
    body: bytes
    link: str


class EtagCache:
    """The answers asked for last, by URL; the one that was not asked for longest goes first.

    Args:
        entries: answers at most.
        size: bytes of all at most; an answer larger than a quarter of it is not kept.
    """

    def __init__(self, *, entries: int = 500, size: int = 16 * 1024 * 1024) -> None:
        self._entries = entries
        self._size = size
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def size(self) -> int:
        """Bytes of all bodies."""
        return self._bytes

    def get(self, url: str) -> Kept | None:
        """What was answered; None: it is not kept."""
        found = self._kept.get(url)
        if found is not None:
            self._kept.move_to_end(url)
        return found

    def put(self, url: str, kept: Kept) -> None:
        """Keep an answer, in place of an earlier one."""
        self.drop(url)
        if len(kept.body) > self._size // 4:
            return
        self._kept[url] = kept
        self._bytes += len(kept.body)
        while self._bytes > self._size or len(self._kept) > self._entries:
            _, gone = self._kept.popitem(last=False)
            self._bytes -= len(gone.body)

    def drop(self, url: str) -> None:
        """Forget an answer."""
        gone = self._kept.pop(url, None)
        if gone is not None:
            self._bytes -= len(gone.body)
