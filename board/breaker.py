"""A service's circuit breaker: its states, and when it changes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class BreakerState(StrEnum):
    """How a breaker stands."""

    CLOSED = "closed"
    """Calls go through."""
    OPEN = "open"
    """No call goes through before ``retry_at``."""
    HALF_OPEN = "half_open"
    """One call, the probe, is on its way; all others wait for what comes of it."""
    HELD = "held"
    """No call goes through until a person has acted: the credentials were rejected."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When a breaker opens, and for how long.

    Attributes:
        threshold: failures of the service's health in a row after which it opens.
        reset: seconds after which one call, the probe, may try again.
        probe: seconds after which a probe that was never heard of again counts as lost.
    """

    threshold: int = 5
    reset: float = 30.0
    probe: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """A breaker as it stands on the board.

    Attributes:
        service: the service's name.
        state: see ``BreakerState``.
        failures: failures of its health in a row.
        opened_at: when it was opened last, by the board's clock; None: it is closed.
        retry_at: when it may be tried again; None: any time, or not by time (held).
        probe_until: when the probe that is on its way counts as lost.
        reason: why it is not closed, for people.
    """

    service: str
    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    opened_at: float | None = None
    retry_at: float | None = None
    probe_until: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call.

    Attributes:
        service: of which service.
        probe: the name of the probe that the call is; empty: it is an ordinary call.
    """

    service: str
    probe: str = ""
