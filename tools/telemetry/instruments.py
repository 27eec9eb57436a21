"""What is measured, with names, units and buckets as OpenTelemetry's conventions have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter

SECONDS: Final = (
    *(0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64),
    *(1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92),
)
"""Buckets of a model call's duration, as the conventions advise."""
TOKENS: Final = tuple(float(4**power) for power in range(14))
"""Buckets of tokens, likewise."""
REQUEST_SECONDS: Final = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75),
    *(1.0, 2.5, 5.0, 7.5, 10.0),
)
"""Buckets of an HTTP request's duration, likewise."""


class Instruments:
    """The instruments, made once for a meter.

    Attributes:
        tokens: tokens of a model call, by ``gen_ai.token.type``.
        model_seconds: seconds of a model call.
        request_seconds: seconds of an HTTP request to a service.
        tasks: attempts that ended, by ``neveridle.ending`` and ``neveridle.rung``.
        active: attempts at work in this process.
    """

    def __init__(self, meter: Meter) -> None:
        self.tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKENS,
        )
        self.model_seconds = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=SECONDS,
        )
        self.request_seconds = meter.create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=REQUEST_SECONDS,
        )
        self.tasks = meter.create_counter(
            "neveridle.tasks", unit="{attempt}", description="Attempts at tasks, by their ending."
        )
        self.active = meter.create_up_down_counter(
            "neveridle.attempts.active",
            unit="{attempt}",
            description="Attempts at work in this process.",
        )
