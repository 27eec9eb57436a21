"""Late interaction: every token of a question looks for its best match among a row's tokens.

A token's vector is kept as the signs of its numbers, one bit each. On MiniLM this finds as much
as the full vectors do (the design note has the figures), in 48 bytes a token instead of 1,536.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 16_384
"""No row's token vectors take more; of a longer text the tokens that say least are left out."""

CHUNK = 64
"""Tokens in a passage of a long text. A text of up to 1.5 times that is one passage."""

_BLOCK = 512  # tokens unpacked at a time: 0.8 MB, which stays in the processor's cache
# The eight bits of each byte as numbers: looked up, they are unpacked twice as fast as by numpy.
_BITS: Final = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32)

_HEADER = struct.Struct("<BBHHH")
_VERSION = 1


def encode(
    tokens: NDArray[np.float32],
    weights: NDArray[np.float32] | None = None,
    *,
    limit: int = MAX_BYTES,
) -> bytes:
    """Token vectors as bytes: one bit for each number, and 8 more in all.

    Args:
        tokens: shape (t, dimensions), in the text's order.
        weights: shape (t,), how much each token says; decides which stay of too many. None: all
            say the same, and every second, third … is left out.
        limit: bytes at most.
    """
    t, dimensions = tokens.shape
    width = (dimensions + 7) // 8
    room = max(0, min((limit - _HEADER.size) // max(width, 1), 65_535))
    if t > room:
        if weights is None:
            keep = np.asarray(np.linspace(0, t - 1, room), np.int64)
        else:
            keep = np.sort(np.argsort(-weights, kind="stable")[:room])
        tokens = tokens[keep]
    bits = np.packbits(tokens > 0, axis=1)
    return _HEADER.pack(_VERSION, 0, dimensions, len(tokens), 0) + bits.tobytes()


@dataclass(frozen=True, slots=True)
class TokenBatch:
    """The tokens of several rows.

    Attributes:
        bits: packed signs, shape (t, width), uint8.
        counts: tokens of each row, shape (rows,); 0 where a row has none.
        dimensions: of a token's vector; 0 if no row has tokens.
    """

    bits: NDArray[np.uint8]
    counts: NDArray[np.int64]
    dimensions: int


def decode(blobs: Sequence[bytes | None], dimensions: int) -> TokenBatch:
    """Many rows' tokens at once. A row without tokens, or of another model's size, has none."""
    parts: list[bytes] = []
    counts = np.zeros(len(blobs), np.int64)
    width = (dimensions + 7) // 8
    for i, blob in enumerate(blobs):
        if not blob or len(blob) < _HEADER.size or blob[0] != _VERSION:
            continue
        _, _, dims, t, _ = _HEADER.unpack_from(blob)
        if dims == dimensions and len(blob) == _HEADER.size + t * width:
            counts[i] = t
            parts.append(blob[_HEADER.size :])
    bits = np.frombuffer(b"".join(parts), np.uint8).reshape(-1, width)
    return TokenBatch(bits, counts, dimensions)


@dataclass(frozen=True, slots=True)
class Matches:
    """How well each of a question's q tokens is met.

    Attributes:
        rows: shape (q, rows): the best cosine-like match in the row; nan where it has no tokens.
        chunks: shape (q, c): the same per passage.
        owner: shape (c,): which row a passage belongs to, ascending.
    """

    rows: NDArray[np.float32]
    chunks: NDArray[np.float32]
    owner: NDArray[np.int64]


def match(query: NDArray[np.float32], batch: TokenBatch) -> Matches:
    """Compare a question's token vectors, shape (q, dimensions), with those of many rows."""
    q, dimensions = query.shape
    rows = len(batch.counts)
    have = np.flatnonzero(batch.counts)
    if not len(have) or not q:
        return Matches(
            np.full((q, rows), np.nan, np.float32),
            np.empty((q, 0), np.float32),
            np.empty(0, np.int64),
        )
    counts = batch.counts[have]
    pieces = np.maximum(1, np.rint(counts / CHUNK).astype(np.int64))
    owner = np.repeat(have, pieces)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    first = np.repeat(np.cumsum(counts) - counts, pieces)
    starts = first + nth * np.repeat(counts, pieces) // np.repeat(pieces, pieces)
    # Signs are ±1 = 2 b - 1, so q·sign = 2 q·b - sum(q): the bits are used as they are.
    scale = np.float32(dimensions**-0.5)
    asked = query.astype(np.float32)
    width = batch.bits.shape[1]
    if 8 * width > dimensions:  # the last byte has bits that stand for nothing
        asked = np.pad(asked, ((0, 0), (0, 8 * width - dimensions)))
    dots = np.empty((q, len(batch.bits)), np.float32)
    room = np.empty((min(_BLOCK, len(batch.bits)), width, 8), np.float32)
    for at in range(0, len(batch.bits), _BLOCK):
        packed = batch.bits[at : at + _BLOCK]
        bits = np.take(_BITS, packed, axis=0, out=room[: len(packed)], mode="clip")
        flat = bits.reshape(len(packed), 8 * width)
        np.matmul(asked, flat.T, out=dots[:, at : at + len(packed)])
    best = np.maximum.reduceat(dots, starts, axis=1)
    best = (2 * best - query.sum(1, dtype=np.float32)[:, None]) * scale
    out = np.full((q, rows), np.nan, np.float32)
    edges = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    out[:, have] = np.maximum.reduceat(best, edges, axis=1)
    return Matches(out, best, owner)
