"""Logs, traces and metrics for other programs: what ``neveridle run`` configures at its start.

A program that uses ``neveridle`` as a library keeps control: a ``Team`` configures nothing.
It may call these, or bring handlers and OpenTelemetry providers of its own.
"""

from __future__ import annotations

from neveridle.tools.logs import configure_logs
from neveridle.tools.telemetry.configure import Delivery, configure_telemetry

__all__ = ["Delivery", "configure_logs", "configure_telemetry"]
