"""One hop: work on a connection of the board's own, from the event loop."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from neveridle.board.postgres.session import Rows

T = TypeVar("T")


class Hop(Protocol):
    """Runs work; where its caller was cancelled meanwhile, ``undo`` undoes what it did."""

    def __call__(
        self,
        work: Callable[[Rows], Awaitable[T]],
        undo: Callable[[Rows, T], Awaitable[None]] | None = None,
    ) -> Awaitable[T]:
        """``work``'s result."""
        ...
