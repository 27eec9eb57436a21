"""The nearest vectors in any scope: one bit per dimension for all, the vectors for the best few.

The codes are RaBitQ's (Gao and Long, 2024): a vector, moved by the mean of all and turned at
random, is kept as the signs of its numbers, with two factors that make of them an unbiased
estimate of its dot product with a query, and a third that says how far off it may be. 100,000
codes of 384 bits are compared in a millisecond; those that may belong to the best by their
estimate are compared exactly. A scope is a mask, and costs nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neveridle.memory.recall.half import Floats, Halves, Slots, dots, widened

EXACT = 8_192
"""Scopes of up to so many rows are compared exactly, without codes: a millisecond."""
_PLANES = 3  # bits of each number of the query: more than the codes can tell apart
_MARGIN = 2.5  # estimated errors, in standard deviations, that a candidate is forgiven
_FIRST = 256  # candidates compared exactly to learn how near the n-th nearest is
_MOST = 16_384  # candidates compared exactly at most: 2.5 ms
_BLOCK = 65_536  # codes compared at a time
_ENCODED = 8_192  # vectors encoded at a time
_TURNED = 512  # dimensions turned together
_SAMPLE = 20_000  # vectors whose mean is taken for that of all
_SEED = 20_240_521


class CodeScan:
    """Codes of numbered vectors. A slot is filled once. Belongs to one thread at a time."""

    def __init__(self) -> None:
        self._dimensions = 0
        self._size = 0
        self._centred_at = 0
        self._centre: Floats = np.zeros(0, np.float32)
        self._order: NDArray[np.int64] = np.zeros(0, np.int64)
        self._turns: list[Floats] = []
        self._codes: NDArray[np.uint64] = np.zeros((0, 0), np.uint64)
        # factor of the estimate, factor x bits set, standard deviation of the estimate
        self._factors: Floats = np.zeros((3, 0), np.float32)

    def __len__(self) -> int:
        return self._size

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._codes.nbytes + self._factors.nbytes + sum(t.nbytes for t in self._turns)

    def follow(self, vectors: Halves, size: int | None = None) -> None:
        """Encode the slots that are new since the last call.

        Args:
            vectors: all vectors by slot, shape (slots or more, dimensions).
            size: how many slots there are; None: all of ``vectors``.
        """
        count = len(vectors) if size is None else size
        if not count or not vectors.shape[1]:
            return
        if vectors.shape[1] != self._dimensions or count < self._size:
            self._begin(vectors.shape[1])
        if count > 4 * self._centred_at:  # the mean has moved: all are encoded again
            step = max(1, count // _SAMPLE)
            self._centre = widened(vectors[:count:step]).mean(axis=0)
            self._centred_at, self._size = count, 0
        self._reserve(count)
        for first in range(self._size, count, _ENCODED):
            last = min(count, first + _ENCODED)
            self._encode(vectors[first:last], first)
        self._size = count

    def nearest(
        self,
        vectors: Halves,
        query: Floats,
        n: int,
        mask: NDArray[np.bool_],
        *,
        sure: int | None = None,
    ) -> tuple[Slots, Floats]:
        """The ``n`` nearest slots of those in the mask, nearest first, with their cosines.

        Args:
            vectors: all vectors by slot, of length 1.
            query: of length 1.
            n: how many at most.
            mask: which slots may be found, shape (slots,).
            sure: so many of them are to be the nearest indeed, or nearly so; the rest are the
                nearest of those that were looked at for that. None: all ``n``.
        """
        sure = n if sure is None else min(sure, n)
        scope = np.flatnonzero(mask)
        if n <= 0 or not len(scope):
            return np.empty(0, np.int64), np.empty(0, np.float32)
        if len(scope) <= max(EXACT, 2 * n):
            return best(scope, vectors, query, n)
        self.follow(vectors, len(mask))
        estimates, doubts = self._estimates(query), self._factors[2, : self._size]
        if len(scope) < self._size:
            estimates, doubts = estimates[scope], doubts[scope]
        first = _largest(estimates, max(_FIRST, 2 * n))
        slots, cosines = best(scope[first], vectors, query, n)
        estimates += np.float32(_MARGIN) * doubts
        estimates[first] = -np.inf  # they have been compared
        more = np.flatnonzero(estimates >= cosines[min(sure, len(cosines)) - 1])
        if len(more) > _MOST:
            more = more[_largest(estimates[more], _MOST)]
        others, values = best(scope[more], vectors, query, n)
        return top(np.concatenate((slots, others)), np.concatenate((cosines, values)), n)

    def _begin(self, dimensions: int) -> None:
        random = np.random.default_rng(_SEED)
        self._dimensions, self._size, self._centred_at = dimensions, 0, 0
        self._order = random.permutation(dimensions)
        sizes = [min(_TURNED, dimensions - at) for at in range(0, dimensions, _TURNED)]
        self._turns = [_turn(size, random) for size in sizes]
        self._codes = np.zeros((-(-dimensions // 64), 0), np.uint64)
        self._factors = np.zeros((3, 0), np.float32)

    def _reserve(self, count: int) -> None:
        room = self._codes.shape[1]
        if count > room:
            # Exactly what is there at first, with a quarter to spare when it grows.
            new = count if not room else max(count, room + room // 4)
            codes = np.zeros((len(self._codes), new), np.uint64)
            factors = np.zeros((3, new), np.float32)
            codes[:, : self._size] = self._codes[:, : self._size]
            factors[:, : self._size] = self._factors[:, : self._size]
            self._codes, self._factors = codes, factors

    def _turned(self, numbers: Floats) -> Floats:
        parts: list[Floats] = []
        at = 0
        for turn in self._turns:
            part = numbers[..., self._order[at : at + len(turn)]]
            # A single one without BLAS, see ``dots``.
            parts.append(np.vecdot(turn, part) if part.ndim == 1 else part @ turn.T)
            at += len(turn)
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)

    def _encode(self, vectors: Halves, first: int) -> None:
        turned = self._turned(widened(vectors) - self._centre)
        here = slice(first, first + len(turned))
        length = np.linalg.norm(turned, axis=1)
        total = np.maximum(np.abs(turned).sum(axis=1), np.float32(1e-12))
        signs = turned > 0
        packed = np.zeros((len(turned), 8 * len(self._codes)), np.uint8)
        packed[:, : -(-self._dimensions // 8)] = np.packbits(signs, axis=1)
        self._codes[:, here] = packed.view(np.uint64).T
        factor = length * length / total
        # How much of the vector's direction its signs keep: 0.8 for most.
        kept = np.maximum(total / (np.sqrt(self._dimensions) * np.maximum(length, 1e-12)), 1e-3)
        off = length * np.sqrt(np.maximum(0, 1 / (kept * kept) - 1) / max(1, self._dimensions - 1))
        self._factors[0, here] = factor
        self._factors[1, here] = factor * np.count_nonzero(signs, axis=1)
        self._factors[2, here] = off

    def _estimates(self, query: Floats) -> Floats:
        """Of the cosines with all slots."""
        turned = self._turned(query.astype(np.float32))
        low = float(turned.min())
        step = (float(turned.max()) - low) / (2**_PLANES - 1) or 1.0
        levels = np.rint((turned - low) / step).astype(np.uint8)
        planes = np.zeros((_PLANES, 8 * len(self._codes)), np.uint8)
        for bit in range(_PLANES):
            planes[bit, : -(-self._dimensions // 8)] = np.packbits(levels >> bit & 1)
        words = planes.view(np.uint64)
        # sum of the query's numbers where the sign is +, from the levels: low x bits + step x sum
        sums = np.empty(self._size, np.uint16 if self._dimensions < 9_000 else np.uint32)
        for first in range(0, self._size, _BLOCK):
            last = min(self._size, first + _BLOCK)
            self._count(words, slice(first, last), sums[first:last])
        factor, with_bits, _ = self._factors[:, : self._size]
        found = sums.astype(np.float32)
        found *= np.float32(2 * step)
        found -= np.float32(turned.sum())
        found *= factor
        found += np.float32(2 * low) * with_bits
        found += np.float32(query @ self._centre)
        return found

    def _count(self, words: NDArray[np.uint64], here: slice, sums: NDArray[Any]) -> None:
        count = here.stop - here.start
        both = np.empty(count, np.uint64)
        bits = np.empty(count, np.uint8)
        plane = np.empty(count, sums.dtype)
        sums.fill(0)
        for bit in range(_PLANES):
            plane.fill(0)
            for word in range(len(self._codes)):
                np.bitwise_and(self._codes[word, here], words[bit, word], out=both)
                np.bitwise_count(both, out=bits)
                np.add(plane, bits, out=plane)
            np.left_shift(plane, bit, out=plane)
            np.add(sums, plane, out=sums)


def _turn(size: int, random: np.random.Generator) -> Floats:
    """An orthogonal matrix that spreads every direction over all others.

    Cosine transforms with random signs between them: made in milliseconds, where the QR of a
    random matrix takes a second on a busy machine.
    """
    place = np.arange(size)
    cosines = np.sqrt(2 / size) * np.cos(np.pi / size * np.outer(place, place + 0.5))
    cosines[0] /= np.sqrt(2)
    signs = random.choice(np.array([-1.0, 1.0]), (2, size))
    both: NDArray[np.float64] = (cosines * signs[0]) @ (cosines * signs[1])
    return both.astype(np.float32)


def best(slots: Slots, vectors: Halves, query: Floats, n: int) -> tuple[Slots, Floats]:
    """The ``n`` nearest of some slots, compared exactly: nearest first, with their cosines."""
    return top(slots, dots(vectors, query, slots), n)


def top(slots: Slots, cosines: Floats, n: int) -> tuple[Slots, Floats]:
    """The ``n`` with the largest cosine, largest first; of equals the newer slot first."""
    if len(slots) > 4 * n:
        # All that equal the n-th too, so that which of them come first is not left to chance.
        least = np.partition(cosines, len(cosines) - n)[len(cosines) - n]
        keep = cosines >= least
        slots, cosines = slots[keep], cosines[keep]
    order = np.lexsort((-slots, -cosines))[:n]
    return slots[order], cosines[order]


def _largest(values: Floats, n: int) -> Slots:
    """Where the ``n`` largest stand, in ascending order."""
    if n >= len(values):
        return np.arange(len(values))
    return np.sort(np.argpartition(values, len(values) - n)[len(values) - n :])
