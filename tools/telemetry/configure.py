"""Sending traces and measurements to a collector, for a program of ours."""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from neveridle.errors import ExtraMissing
from neveridle.tools.telemetry.wanted import Wanted, host_of, wanted

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource

    from neveridle.settings import Settings

log = logging.getLogger(__name__)

PATIENCE: Final = 5.0
"""Seconds one delivery may take, its repetitions included; OTEL_EXPORTER_OTLP_TIMEOUT wins."""
CLOSING: Final = 3.0
"""Seconds for which the end waits until the rest is delivered."""
ABORTING: Final = 0.2
"""Seconds for a delivery that was called off to notice."""
LIBRARY: Final = "opentelemetry"
SILENT: Final = logging.CRITICAL + 1


class Delivery:
    """What was configured; ``close`` it at the end, when no event loop runs any more.

    Args:
        ends: each delivers what is left, and may take long.
        aborts: each makes those give up.
    """

    def __init__(
        self, ends: list[Callable[[], object]], aborts: list[Callable[[], object]]
    ) -> None:
        self._ends = ends
        self._aborts = aborts
        self._level = logging.getLogger(LIBRARY).level
        # Each failed delivery would be a line or two; ours says it once.
        logging.getLogger(LIBRARY).setLevel(SILENT)

    def close(self, seconds: float = CLOSING) -> None:
        """Deliver what is left, for so many seconds at most; then it is dropped.

        What was configured is gone afterwards. May be called twice.
        """
        from neveridle.tools.telemetry.seam import forget

        ends, self._ends = self._ends, []
        if not ends:
            return
        forget()
        until = time.monotonic() + seconds
        threads = [
            threading.Thread(target=_quietly, args=(end,), name="neveridle-otel", daemon=True)
            for end in ends
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0.0))
        if any(thread.is_alive() for thread in threads):
            for abort in self._aborts:
                _quietly(abort)
            for thread in threads:
                thread.join(ABORTING)
        logging.getLogger(LIBRARY).setLevel(self._level)


def configure_telemetry(
    settings: Settings, environ: Mapping[str, str] = os.environ
) -> Delivery | None:
    """Send traces and measurements where the settings, or OpenTelemetry's variables, say.

    For programs, not for libraries: ``neveridle run`` calls it. A program that has providers
    of its own need not: they are used as they are. Nothing global is set here, so that spans
    of other libraries, which may hold contents, do not go along.

    Args:
        settings: with the table ``[observability]``.
        environ: OpenTelemetry's variables.

    Returns:
        What to close at the end; None: nothing is to be sent, and nothing was imported.

    Raises:
        ExtraMissing: the settings ask for it, and the exporter is not installed.
        SettingsInvalid: the endpoint is no address.
    """
    what = wanted(settings.observability, environ)
    if what.nothing:
        return None
    try:
        return _configure(what, settings.team.name, environ)
    except ImportError as error:
        msg = "Traces and metrics need OpenTelemetry's exporter, which is not installed."
        remedy = 'Install it: pip install "neveridle[otel]"'
        if what.asked:
            raise ExtraMissing(msg, remedy=remedy) from error
        log.warning("OTEL_EXPORTER_OTLP_ENDPOINT is set. %s %s", msg, remedy)
        return None


def _configure(what: Wanted, team: str, environ: Mapping[str, str]) -> Delivery:
    from neveridle.tools.telemetry.seam import use

    patience = None if "OTEL_EXPORTER_OTLP_TIMEOUT" in environ else PATIENCE
    resource = _resource(team)
    traces: Any = None
    metrics: Any = None
    ends: list[Callable[[], object]] = []
    aborts: list[Callable[[], object]] = []
    if what.traces:
        traces = _tracer_provider(what.traces, resource, patience, aborts)
        ends.append(traces.shutdown)
    if what.metrics:
        metrics = _meter_provider(what.metrics, resource, patience, aborts)
        ends.append(metrics.shutdown)
    use(traces or _no_traces(), metrics or _no_metrics(), derives=traces is not None)
    return Delivery(ends, aborts)


def _tracer_provider(
    address: str, resource: Resource, patience: float | None, aborts: list[Callable[[], object]]
) -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from neveridle.tools.telemetry.delivering import Complaint, Spans
    from neveridle.tools.telemetry.ids import AttemptIds

    exporter = OTLPSpanExporter(endpoint=address, timeout=patience)
    aborts.append(exporter.shutdown)
    # Not at exit: an exporter that hangs would hold the end of the process for 30 s.
    provider = TracerProvider(resource=resource, id_generator=AttemptIds(), shutdown_on_exit=False)
    kept = Spans(exporter, Complaint("traces", host_of(address)))
    provider.add_span_processor(BatchSpanProcessor(kept))
    return provider


def _meter_provider(
    address: str, resource: Resource, patience: float | None, aborts: list[Callable[[], object]]
) -> Any:
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    from neveridle.tools.telemetry.delivering import Complaint, Measurements

    exporter: Any = OTLPMetricExporter(endpoint=address, timeout=patience)
    aborts.append(exporter.shutdown)
    kept = Measurements(exporter, Complaint("metrics", host_of(address)))
    reader = PeriodicExportingMetricReader(kept)
    return MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)


def _no_traces() -> Any:
    from opentelemetry.trace import NoOpTracerProvider

    return NoOpTracerProvider()


def _no_metrics() -> Any:
    from opentelemetry.metrics import NoOpMeterProvider

    return NoOpMeterProvider()


def _resource(team: str) -> Resource:
    """Who sends; OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES win."""
    from importlib.metadata import version

    from opentelemetry.sdk.resources import OTELResourceDetector, Resource

    ours = {
        "service.name": "neveridle",
        "service.version": version("neveridle"),
        "service.instance.id": uuid.uuid4().hex,
        "neveridle.team": team,
    }
    return Resource.create().merge(Resource(ours)).merge(OTELResourceDetector().detect())


def _quietly(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - the end of a run does not fail for its traces
        log.debug("an exporter did not end in order: %s", type(error).__name__)
