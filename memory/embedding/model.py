"""A loaded model, and what all of them do with its outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from neveridle.memory.embedding.embedder import Encoded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCHEME = 1
"""Rises when the same weights are used in another way: the vectors are others then."""


class Model(Protocol):
    """Loaded weights. Blocking; one thread calls it."""

    @property
    def dimensions(self) -> int:
        """The length of each vector."""
        ...

    def fingerprint(self) -> str:
        """A digest of the weights and of the way they are used."""
        ...

    def encode(self, texts: Sequence[str], *, tokens: bool) -> list[Encoded]:
        """One ``Encoded`` for each text; without token vectors where they are not asked for."""
        ...


def unit(vectors: NDArray[Any]) -> NDArray[np.float32]:
    """The same directions, each of length 1."""
    import numpy as np

    lengths = np.sqrt(np.square(vectors).sum(axis=-1, keepdims=True))
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def joined(
    windows: Sequence[NDArray[np.float32]],
    weights: Sequence[int],
    tokens: Sequence[NDArray[np.float32]] | None,
) -> Encoded:
    """A text from its windows.

    Args:
        windows: a vector of each, of any length.
        weights: how long each window is.
        tokens: the hidden states of each, of any length; None: there are none.
    """
    import numpy as np

    each = unit(np.stack(windows))
    dense = each[0] if len(weights) == 1 else unit(np.asarray(weights, np.float32) @ each)
    states = None if tokens is None else unit(np.concatenate(tokens))
    for array in (dense, each, states):
        if array is not None:
            array.flags.writeable = False  # it is shared by all who ask for this text
    return Encoded(dense, each, states)


def readable(text: str) -> str:
    """The text as tokenizers take it: they refuse halves of surrogate pairs."""
    return text.encode("utf-8", "replace").decode("utf-8")
