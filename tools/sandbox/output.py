"""Keeping the ends of an output whose length nobody knows."""

from __future__ import annotations

import codecs


class CappedOutput:
    """The first and last bytes of a stream, in bounded memory.

    Args:
        limit: bytes kept altogether, half from the start and half from the end.
        head_only: keep ``limit`` bytes from the start and none from the end.
    """

    def __init__(self, limit: int, *, head_only: bool = False) -> None:
        self._head_room = limit if head_only else limit // 2
        self._tail_room = limit - self._head_room
        self._head = bytearray()
        self._tail = bytearray()
        self.total = 0

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self.total += len(data)
        room = self._head_room - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if self._tail_room:
            self._tail += data
            if len(self._tail) > 2 * self._tail_room + 65_536:  # trim seldom: copying costs
                del self._tail[: -self._tail_room]

    @property
    def cut(self) -> int:
        """How many bytes are not kept."""
        return max(0, self.total - self._head_room - self._tail_room)

    def data(self) -> bytes:
        """The bytes kept, without a mark where some were cut."""
        return (
            bytes(self._head + self._tail[-self._tail_room :]) if self._tail else bytes(self._head)
        )

    def text(self) -> str:
        """The text kept, with a line that says how much was cut out."""
        if not self.cut:
            return self.data().decode("utf-8", "replace")
        # A character split by the cut is dropped rather than shown as two broken ones.
        head = codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(self._head))
        tail = bytes(self._tail[-self._tail_room :]) if self._tail_room else b""
        lead = 0
        while lead < min(3, len(tail)) and tail[lead] & 0xC0 == 0x80:
            lead += 1
        mark = f"\n[... {self.cut} bytes cut out ...]\n"
        return head + mark + tail[lead:].decode("utf-8", "replace")
