"""Delivering to a collector that may be away: one warning, and then quiet."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

log = logging.getLogger(__name__)


class Complaint:
    """Says that something cannot be delivered, once until it can.

    Args:
        what: what is delivered.
        where: the collector's host and port.
    """

    def __init__(self, what: str, where: str) -> None:
        self._what = what
        self._where = where
        self._down = False

    def note(self, delivered: bool) -> None:
        """Note how a delivery went."""
        if delivered == self._down:
            self._down = not delivered
            if self._down:
                log.warning(
                    "%s cannot be delivered to %s and are dropped while that lasts; "
                    "the team works on, and this is said once",
                    self._what, self._where,
                )  # fmt: skip
            else:
                log.info("%s are delivered to %s again", self._what, self._where)


class Spans(SpanExporter):
    """Hands spans on to an exporter.

    Args:
        inner: who sends them.
        complaint: told how it goes.
    """

    def __init__(self, inner: SpanExporter, complaint: Complaint) -> None:
        self._inner = inner
        self._complaint = complaint

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See ``SpanExporter``."""
        result = self._inner.export(spans)
        self._complaint.note(result is SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        """See ``SpanExporter``."""
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """See ``SpanExporter``."""
        return self._inner.force_flush(timeout_millis)


class Measurements(MetricExporter):
    """Hands measurements on to an exporter.

    Args:
        inner: who sends them.
        complaint: told how it goes.
    """

    def __init__(self, inner: MetricExporter, complaint: Complaint) -> None:
        kept: Any = inner  # its methods are only partly typed
        # What the exporter asks of whoever collects for it; it has no public name.
        super().__init__(kept._preferred_temporality, kept._preferred_aggregation)
        self._inner = kept
        self._complaint = complaint

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        """See ``MetricExporter``."""
        result: MetricExportResult = self._inner.export(metrics_data, timeout_millis, **kwargs)
        self._complaint.note(result is MetricExportResult.SUCCESS)
        return result

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """See ``MetricExporter``."""
        self._inner.shutdown(timeout_millis, **kwargs)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        """See ``MetricExporter``."""
        return bool(self._inner.force_flush(timeout_millis))
