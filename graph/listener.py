"""Who wants to know, while a team runs, what comes of it."""

from __future__ import annotations

from typing import Protocol

from neveridle.graph.report import AttemptLine


class Listener(Protocol):
    """Told by a running team; each method returns at once."""

    def began(self, run: str) -> None:
        """An agent's run is registered under this id."""
        ...

    def ended(self, line: AttemptLine) -> None:
        """An attempt ended."""
        ...

    def idle(self, version: int | None) -> None:
        """Nothing is left that could be done now, as of a version of the board.

        None: there is something again. May be told the same more than once.
        """
        ...
