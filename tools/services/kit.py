"""What every client of a service is made with."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from neveridle.board.breaker import BreakerPolicy
from neveridle.tools.permits import lane_for
from neveridle.tools.redact import protect
from neveridle.tools.resilience import Guard, RetryPolicy
from neveridle.tools.resilience.tally import Tallies
from neveridle.tools.services.http import Transport, fingerprint

if TYPE_CHECKING:
    import httpx

    from neveridle.board.breakers import Breakers
    from neveridle.board.clock import BoardClock
    from neveridle.board.permits import Permits
    from neveridle.settings.services import ServiceSettings

Transports = Callable[[str], "httpx.AsyncBaseTransport | None"]
"""Makes what a service's requests are sent by, of its name; None: the ordinary way."""


@dataclass(frozen=True, slots=True)
class ServiceKit:
    """Where breakers, time and tokens come from.

    Attributes:
        breakers: the board's.
        clock: the board's.
        environ: the environment that holds the tokens.
        permits: the board's; None: nobody is made to wait for his turn.
        concurrency: how many calls may be on their way at once, by the service's name.
        tallies: where requests are counted.
        transport: what the requests of a service (by its name; ``mcp:<name>`` for an MCP server)
            are sent by, a new one for each client; None: the ordinary way.
    """

    breakers: Breakers
    clock: BoardClock
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    permits: Permits | None = None
    concurrency: Mapping[str, int] = field(default_factory=dict[str, int])
    tallies: Tallies = field(default_factory=Tallies)
    transport: Transports | None = None

    def transport_of(self, service: str) -> Transport | None:
        """What makes the transports of a service; None: they are the ordinary ones."""
        return None if self.transport is None else partial(self.transport, service)

    def token(self, settings: ServiceSettings) -> str:
        """The service's token; empty: none is set."""
        return protect(self.environ.get(settings.token_env, "").strip())

    def guard(self, settings: ServiceSettings) -> Guard:
        """The guard of a service, as its settings say."""
        longest = settings.timeout * 3  # longer than any request takes
        return Guard(
            settings.name,
            self.breakers,
            self.clock,
            retry=RetryPolicy(attempts=settings.attempts, total=settings.total_timeout),
            breaker=BreakerPolicy(
                threshold=settings.breaker_threshold,
                reset=settings.breaker_reset,
                probe=longest,
            ),
            credentials=fingerprint(self.token(settings)),
            lane=lane_for(
                self.permits, self.clock, self.concurrency, [settings.name], seconds=longest
            ),
            tally=self.tallies.of(settings.name),
        )
