"""Traces and measurements: the seam through which tools, agents and graph make them.

Importing this imports nothing of OpenTelemetry.
"""

from __future__ import annotations

from neveridle.tools.telemetry.attempts import AttemptTrace, Begun
from neveridle.tools.telemetry.model_calls import traced_model_call
from neveridle.tools.telemetry.service_calls import traced_request
from neveridle.tools.telemetry.spans import Traced, identifier, passes_through, span
from neveridle.tools.telemetry.where import FIELDS, where, working

__all__ = [
    "FIELDS",
    "AttemptTrace",
    "Begun",
    "Traced",
    "identifier",
    "passes_through",
    "span",
    "traced_model_call",
    "traced_request",
    "where",
    "working",
]
