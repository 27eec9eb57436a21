"""A service's circuit breaker: its states, and what each of them means for a call."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

NO_CREDENTIALS: Final = "-"
"""The fingerprint of having none, where a service rejected that."""


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


class Verdict(StrEnum):
    """What a breaker says to one call."""

    GO = "go"
    """It may be made."""
    PROBE = "probe"
    """It may be made as the probe, by whoever takes that first."""
    WAIT = "wait"
    """Somebody else's probe is on its way."""
    REFUSED = "refused"
    """It must not be made."""


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
        rejected: fingerprints of credentials that the service rejected since a person last
            reset it: who has these is not let through, however it stands.
    """

    service: str
    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    opened_at: float | None = None
    retry_at: float | None = None
    probe_until: float | None = None
    reason: str = ""
    rejected: tuple[str, ...] = ()

    def verdict(self, now: float, credentials: str) -> Verdict:
        """What it says to a call.

        Args:
            now: the board's time.
            credentials: a fingerprint of those the call would use; empty: none.
        """
        if (credentials or NO_CREDENTIALS) in self.rejected:
            return Verdict.REFUSED
        match self.state:
            case BreakerState.CLOSED:
                return Verdict.GO
            case BreakerState.OPEN:
                return Verdict.PROBE if (self.retry_at or 0.0) <= now else Verdict.REFUSED
            case BreakerState.HALF_OPEN:
                return Verdict.PROBE if (self.probe_until or 0.0) <= now else Verdict.WAIT
            case BreakerState.HELD:  # tried once with each new credentials
                return Verdict.PROBE if credentials else Verdict.REFUSED

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON, without the fingerprints."""
        fields = asdict(self)
        del fields["rejected"]
        return {**fields, "state": str(self.state)}


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call.

    Attributes:
        service: of which service.
        probe: the name of the probe that the call is; empty: it is an ordinary call.
    """

    service: str
    probe: str = ""
