"""Where spans and measurements go: nowhere, until somebody listens.

OpenTelemetry is imported by whoever configures it: ``configure_telemetry``, or a program that
uses this package as a library and has providers of its own. As long as nobody has imported it
nobody can be listening, and ``telemetry`` costs one look-up.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Tracer, TracerProvider

    from neveridle.tools.telemetry.instruments import Instruments

SCOPE: Final = "neveridle"
"""The name of the instrumentation, by which a collector can tell our spans from others."""


@dataclass(frozen=True, slots=True)
class Telemetry:
    """What spans and measurements are made with.

    Attributes:
        tracer: makes spans.
        instruments: what is measured.
        derives: whether a trace's ids follow from its attempt, see ``ids``.
    """

    tracer: Tracer
    instruments: Instruments
    derives: bool = False


_current: Telemetry | None = None


def telemetry() -> Telemetry | None:
    """What to make spans with; None: nobody can be listening.

    Without a provider of ours it is the program's global one, which OpenTelemetry also
    finds when it is set later.
    """
    if _current is None and "opentelemetry.trace" in sys.modules:
        use(None, None)
    return _current


def use(
    traces: TracerProvider | None, metrics: MeterProvider | None, *, derives: bool = False
) -> None:
    """Send spans and measurements to these providers; None: to the program's global ones."""
    global _current
    from opentelemetry import metrics as metrics_api
    from opentelemetry import trace as trace_api

    from neveridle.tools.telemetry.instruments import Instruments

    meter: Any = (metrics or metrics_api).get_meter(SCOPE)
    tracer: Any = (traces or trace_api).get_tracer(SCOPE)
    _current = Telemetry(tracer, Instruments(meter), derives=derives)


def forget() -> None:
    """Listen no more to what was configured; the program's own providers count again."""
    global _current
    _current = None
