"""What turns text into vectors: the seam between memory and an embedding model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """All that one pass of the model says about a text. Read-only: several callers share it.

    Attributes:
        dense: shape (dimensions,), length 1: the mean of the windows' vectors, weighted by
            their length.
        windows: shape (n, dimensions), each of length 1: one for each window of a text that is
            longer than the model reads at once, in the order of the text; n is 1 for a short one.
        tokens: shape (t, dimensions), each of length 1: the model's last hidden states of the
            text's tokens, without those that mark beginning and end; t is 0 for a text without
            any. None: the model gives none.
    """

    dense: NDArray[np.float32]
    windows: NDArray[np.float32]
    tokens: NDArray[np.float32] | None


class Embedder(Protocol):
    """One vector for each text.

    ``MiniLM`` is the real one; ``HashingEmbedder`` stands in for it in tests.
    """

    @property
    def name(self) -> str:
        """The model's name, for people; what the store keeps is ``model_of(embedder)``."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of each vector; 0 while it is not known yet."""
        ...

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of length 1 for each text, in the same order."""
        ...


@runtime_checkable
class TokenEmbedder(Embedder, Protocol):
    """An embedder that also gives windows and token vectors, and says which model it is."""

    async def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """One ``Encoded`` for each text, in the same order."""
        ...

    async def model(self) -> str:
        """Which vectors these are: ``name@fingerprint``; see ``model_of``."""
        ...


async def model_of(embedder: Embedder) -> str:
    """Names the vectors exactly: those made under another string must not be compared.

    The store keeps it beside each vector. It is ``name@fingerprint``, where the fingerprint
    is a digest of the weights and of the way they are used; only the name for an embedder
    that gives no more.
    """
    return await embedder.model() if isinstance(embedder, TokenEmbedder) else embedder.name


async def encode(embedder: Embedder, texts: Sequence[str]) -> list[Encoded]:
    """What any embedder says about texts; without tokens where it gives only vectors."""
    if isinstance(embedder, TokenEmbedder):
        return await embedder.encode(texts)
    vectors = await embedder.embed(texts)
    import numpy as np

    rows = [np.asarray(vector, dtype=np.float32) for vector in vectors]
    return [Encoded(row, row[None, :], None) for row in rows]
