"""Patience: nobody is declared dead by who has not watched for long enough himself.

A lease is over when the board's clock says so, and that clock is some host's: it may be set
forward by hours, the host may sleep, the database may be away for a while. Each time all
leases are over at once, though those who hold them live, and renew them within a heartbeat.
"""

from __future__ import annotations

from neveridle.board import Board
from neveridle.board.simulation import awake_seconds
from neveridle.settings import LeaseSettings

HEARTBEATS = 1.5
"""How long to watch, in heartbeats; a lease has at least two."""


class Patience:
    """Says whether this process may take over what looks expired.

    Not while it has only just begun to watch, after the board's time jumped, and after the
    board could not be reached: then the others could not reach it either. A scripted clock
    jumps because somebody wants it to.

    Args:
        board: whose clock is compared with this process's own.
        settings: lease and heartbeat.
    """

    def __init__(self, board: Board, settings: LeaseSettings) -> None:
        self._board = board
        self._settings = settings
        self._last: tuple[float, float] | None = None
        self._beat_at: float | None = None
        self._until = 0.0

    def beaten(self) -> None:
        """A heartbeat reached the board."""
        now = awake_seconds()
        longest = self._settings.lease - self._settings.heartbeat
        if self._beat_at is not None and now - self._beat_at > longest:
            self._wait(now)
        self._beat_at = now

    async def over(self) -> bool:
        """Whether this process has watched for long enough."""
        board, here = await self._board.clock.now(), awake_seconds()
        if self._board.clock.scripted:
            return True
        if self._last is None:
            self._wait(here)
        else:
            # It stands still while the host sleeps, so that is a jump as well.
            jumped = (board - self._last[0]) - (here - self._last[1])
            if abs(jumped) > self._settings.heartbeat / 2:
                self._wait(here)
        self._last = board, here
        return here >= self._until

    def _wait(self, now: float) -> None:
        self._until = now + HEARTBEATS * self._settings.heartbeat
