"""Dot products with vectors kept as float16."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Halves = NDArray[np.float16]
Floats = NDArray[np.float32]
Slots = NDArray[np.int64]

_SIGN_AND_REST = np.int32(-0x70000001)  # 0x8fffffff: all bits but the three copies of the sign
_BIAS = np.float32(2.0**112)  # what 2**(127 - 15) makes of an exponent
_CHUNK = 16_384  # vectors widened at a time: 25 MB of 384 numbers each


def widened(halves: Halves) -> Floats:
    """The same numbers as float32, where all are finite.

    numpy converts one number after the other; this moves the bits of many at a time, four to
    six times as fast. An exponent of float16 stands for 2**112 times less in float32's place.
    """
    return _moved(halves) * _BIAS


def dots(vectors: Halves, query: Floats, slots: Slots) -> Floats:
    """The dot products of some vectors with a query of length 1.

    Args:
        vectors: shape (count, dimensions), finite.
        query: shape (dimensions,).
        slots: which of the vectors, shape (n,).
    """
    found = np.empty(len(slots), np.float32)
    scaled = query.astype(np.float32) * _BIAS  # the factor once, not for each number
    for first in range(0, len(slots), _CHUNK):
        part = slots[first : first + _CHUNK]
        # Not `@`: BLAS shares it among threads, which wait for one another on a busy machine.
        np.vecdot(_moved(vectors.take(part, axis=0)), scaled, out=found[first : first + len(part)])
    return found


def _moved(halves: Halves) -> NDArray[Any]:
    wide = halves.view(np.int16).astype(np.int32)
    np.left_shift(wide, 13, out=wide)
    np.bitwise_and(wide, _SIGN_AND_REST, out=wide)
    return wide.view(np.float32)
