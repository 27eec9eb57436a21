"""Time that has passed on this host, by a clock that nobody can set."""

from __future__ import annotations

import time

from neveridle.board.simulation import simulated_loop


def elapsed() -> float:
    """Seconds since some fixed moment of this host, the time it was suspended included.

    It says how long ago something was, and nothing else: it is no time of day, means nothing
    on another host, and never jumps when a clock is set. For deciding by oneself, without
    the board, that one's own lease may be over.
    """
    loop = simulated_loop()
    if loop is not None:
        return loop.time()
    boottime: int | None = getattr(time, "CLOCK_BOOTTIME", None)  # Linux
    if boottime is not None:
        return time.clock_gettime(boottime)
    if hasattr(time, "clock_gettime"):
        # macOS counts sleep here, and not in monotonic()
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()  # Windows
