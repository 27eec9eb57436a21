"""The seam between memory and an index of vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class IndexBroken(Exception):
    """The index cannot be read or written; it has to be built anew from the rows."""


class IndexAway(Exception):
    """The index cannot be reached now; what it holds is not in doubt."""


@dataclass(frozen=True, slots=True)
class Marker:
    """How far an index has been built; it is kept with the index.

    Attributes:
        model: whose vectors it holds, see ``model_of``.
        place: where they are: a folder's name, or a collection's.
        revision: changes of the board up to this one are in. Raised after they are in, so a
            process killed in between puts them in once more, which changes nothing.
    """

    model: str
    place: str
    revision: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Changes to put into an index at once.

    Attributes:
        ids: rows to put in, or again; each once.
        vectors: theirs, shape (ids, dimensions), of length 1.
        gone: rows to take out; those that it does not hold are passed over.
        revision: the last of these changes.
    """

    ids: Sequence[int]
    vectors: NDArray[np.float32] | None
    gone: Sequence[int]
    revision: int


class DenseIndex(Protocol):
    """Row ids by vector, for one model. Blocking: one thread calls it, see ``Lane``.

    Every method may raise IndexBroken (build it anew), IndexAway (try later), DiskFull, and
    MemoryUnusable where something that is not ours stands in its place.
    """

    def open(self) -> Marker:
        """Open it, or start an empty one. IndexBroken where it holds another model's vectors."""
        ...

    def apply(self, batch: Batch) -> Marker:
        """Put changes in, durably."""
        ...

    def query(
        self, vector: NDArray[np.float32], n: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The ``n`` closest rows with their cosine, closest first; those that it knows of."""
        ...

    def held(self, ids: Sequence[int]) -> Mapping[int, NDArray[np.float32]]:
        """The vectors it holds of these rows."""
        ...

    def count(self) -> int:
        """How many rows it holds."""
        ...

    def rebuilt(self) -> DenseIndex:
        """The index that a rebuilding fills beside this one; there is at most one."""
        ...

    def adopt(self) -> Marker:
        """Become what ``rebuilt`` has filled and closed, in one step."""
        ...

    def discard(self) -> None:
        """Forget all it holds; ``open`` starts an empty one."""
        ...

    def close(self) -> None:
        """Let go of it; a second call does nothing."""
        ...
