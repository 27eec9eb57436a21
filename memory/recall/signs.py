"""Vectors by their signs alone: a first sieve before exact comparison."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sign_words(vectors: NDArray[np.floating]) -> NDArray[np.uint64]:
    """Sign bits of vectors, shape (n, d), in 64-bit words: shape (n, ceil(d / 64))."""
    bits = np.packbits(vectors > 0, axis=1)
    short = -bits.shape[1] % 8
    return np.ascontiguousarray(np.pad(bits, ((0, 0), (0, short)))).view(np.uint64)
