"""What every client of a service is made with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from neveridle.board.breaker import BreakerPolicy
from neveridle.tools.redact import protect
from neveridle.tools.resilience import Guard, RetryPolicy
from neveridle.tools.resilience.tally import Tallies
from neveridle.tools.services.http import fingerprint

if TYPE_CHECKING:
    from neveridle.board.breakers import Breakers
    from neveridle.board.clock import BoardClock
    from neveridle.settings.services import ServiceSettings


@dataclass(frozen=True, slots=True)
class ServiceKit:
    """Where breakers, time and tokens come from.

    Attributes:
        breakers: the board's.
        clock: the board's.
        environ: the environment that holds the tokens.
        tallies: where requests are counted.
    """

    breakers: Breakers
    clock: BoardClock
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    tallies: Tallies = field(default_factory=Tallies)

    def token(self, settings: ServiceSettings) -> str:
        """The service's token; empty: none is set."""
        return protect(self.environ.get(settings.token_env, "").strip())

    def guard(self, settings: ServiceSettings) -> Guard:
        """The guard of a service, as its settings say."""
        return Guard(
            settings.name,
            self.breakers,
            self.clock,
            retry=RetryPolicy(attempts=settings.attempts, total=settings.total_timeout),
            breaker=BreakerPolicy(
                threshold=settings.breaker_threshold,
                reset=settings.breaker_reset,
                probe=settings.timeout * 3,  # longer than any request takes
            ),
            credentials=fingerprint(self.token(settings)),
            tally=self.tallies.of(settings.name),
        )
