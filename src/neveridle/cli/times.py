"""Times as a person writes them."""

from __future__ import annotations

import re
from typing import Final

from neveridle.cli.failure import Misuse

_AGO: Final = re.compile(r"(\d{1,6})\s*(s|min|h|d|w)")
_LENGTHS: Final = {"s": 1, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def time_of(text: str, *, now: float, option: str) -> float:
    """The time that is written, in seconds since 1970.

    Args:
        text: ``2026-03-01``, ``2026-03-01T14:00``, also with a zone (else this machine's), or
            how long ago: ``90s``, ``15min``, ``2h``, ``3d``, ``1w``.
        now: the board's time.
        option: what it was given to.

    Raises:
        Misuse: it is no time.
    """
    from datetime import datetime

    if ago := _AGO.fullmatch(text.strip().lower()):
        return now - int(ago[1]) * _LENGTHS[ago[2]]
    try:
        return datetime.fromisoformat(text.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        msg = f"'{text}' is no time."
        remedy = f"Write {option} 2026-03-01T14:00, or how long ago: 2h, 3d, 1w."
        raise Misuse(msg, remedy=remedy) from None
