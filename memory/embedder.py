"""What turns text into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Embedder(Protocol):
    """The seam between memory and an embedding model.

    ``MiniLM`` is the real one; ``HashingEmbedder`` stands in for it in tests.
    """

    @property
    def name(self) -> str:
        """Names the vectors: an index made under another name is built anew."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of each vector; 0 while it is not known yet."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of length 1 for each text, in the same order."""
        ...
