"""What is to be exported, and where to: the settings and OpenTelemetry's own variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from neveridle.errors import SettingsInvalid
from neveridle.settings.governing import ObservabilitySettings

DEFAULT: Final = "http://localhost:4318"
"""Where a collector on this machine listens."""
ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported.

    Attributes:
        traces: where traces go to; empty: nowhere.
        metrics: where measurements go to; empty: nowhere.
        asked: whether the settings ask for it, and not the environment alone.
    """

    traces: str
    metrics: str
    asked: bool

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to do."""
        return not self.traces and not self.metrics


def wanted(settings: ObservabilitySettings, environ: Mapping[str, str]) -> Wanted:
    """What is wanted, by the settings and by the variables of OpenTelemetry's specification.

    Args:
        settings: the table ``[observability]``; its ``endpoint`` wins over the variables.
        environ: ``OTEL_SDK_DISABLED`` and ``OTEL_TRACES_EXPORTER=none`` win over everything.

    Raises:
        SettingsInvalid: an endpoint is no address.
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return Wanted("", "", asked=False)
    asked = bool(settings.traces or settings.metrics or settings.endpoint)
    return Wanted(
        _address("traces", settings.traces, settings, environ),
        _address("metrics", settings.metrics, settings, environ),
        asked=asked,
    )


def _address(
    signal: str, on: bool | None, settings: ObservabilitySettings, environ: Mapping[str, str]
) -> str:
    upper = signal.upper()
    if on is False or environ.get(f"OTEL_{upper}_EXPORTER", "").strip().lower() == "none":
        return ""
    own = environ.get(f"OTEL_EXPORTER_OTLP_{upper}_ENDPOINT", "").strip()
    base = settings.endpoint.strip() or ("" if own else environ.get(ENDPOINT, "").strip())
    if not base and not own and not on:
        return ""
    found = f"{base.rstrip('/')}/v1/{signal}" if base or not own else own
    if not base and not own:
        found = f"{DEFAULT}/v1/{signal}"
    _check(found)
    return found


def _check(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme in ("http", "https") and parts.hostname:
        return
    # Not shown: what was meant for another variable may be a secret.
    msg = "The OTLP endpoint is no address over HTTP."
    raise SettingsInvalid(
        msg,
        remedy=f"Write endpoint in [observability], or {ENDPOINT}, as in {DEFAULT}; "
        "gRPC is not spoken.",
    )


def host_of(address: str) -> str:
    """Host and port of an address: the rest may hold credentials."""
    parts = urlsplit(address)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
