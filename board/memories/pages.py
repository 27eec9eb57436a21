"""Long lists of ids in pages: a statement takes only so many parameters."""

from __future__ import annotations

from collections.abc import Generator, Sequence

PAGE = 1_000


def paged(ids: Sequence[int], size: int = PAGE) -> Generator[Sequence[int]]:
    """The ids, at most so many at a time."""
    for at in range(0, len(ids), size):
        yield ids[at : at + size]
