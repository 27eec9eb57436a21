"""A collector that is away, refuses or hangs: the team works on, and ends in time."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from neveridle.errors import ExtraMissing, SettingsInvalid
from neveridle.observability import configure_telemetry
from neveridle.settings.governing import ObservabilitySettings
from neveridle.tools.telemetry import seam
from neveridle.tools.telemetry.wanted import Wanted, wanted

BOUND = 25.0
"""Seconds in which a close is over on any machine; the library's own way takes 30 and more."""


async def worked(project: Any, hands: Any) -> Any:
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        return await team.run(until="idle")


def closed(delivery: Any, seconds: float) -> None:
    """Close it; fails where that does not come to an end by itself."""
    thread = threading.Thread(target=delivery.close, args=(seconds,), daemon=True)
    thread.start()
    thread.join(BOUND)
    assert not thread.is_alive()


async def test_a_collector_that_hangs_holds_nothing_up(
    project: Any,
    hands: Any,
    collector: Any,
    sending: Callable[..., Any],
    until: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delivery = sending()
    delivery.close()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "600")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    collector.held.clear()
    delivery = configure_telemetry(project.team().settings)

    report = await worked(project, hands)
    await until(lambda: collector.asked)
    closed(delivery, 0.2)

    assert report.endings == {"completed": 1}
    assert collector.bodies == []


@pytest.mark.parametrize("status", [503, 400, 0])
async def test_a_collector_that_is_away_or_refuses_is_said_once(
    status: int,
    project: Any,
    hands: Any,
    collector: Any,
    sending: Callable[..., Any],
    until: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sending().close()
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.3")
    collector.status = status
    if status == 0:  # nobody listens there
        delivery = sending(endpoint="http://127.0.0.1:9", metrics=False)
    else:
        delivery = sending(metrics=False)
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            report = await worked(project, hands)
            assert report.endings == {"completed": 1}
        closed(delivery, 2.0)

    assert collector.bodies == []
    said = [one for one in caplog.records if "delivered" in one.getMessage()]
    assert [(one.levelname, one.name) for one in said] == [
        ("WARNING", "neveridle.tools.telemetry.delivering")
    ]
    assert not [one for one in caplog.records if one.name.startswith("opentelemetry")]


async def test_what_was_done_last_is_delivered_at_the_end(
    project: Any, hands: Any, collector: Any, sending: Callable[..., Any]
) -> None:
    delivery = sending()
    await worked(project, hands)
    delivery.close()
    delivery.close()

    assert collector.named("tick").facts["neveridle.ending"] == "completed"


async def test_after_the_end_nothing_is_sent(
    project: Any, hands: Any, collector: Any, sending: Callable[..., Any]
) -> None:
    sending().close()
    count = len(collector.bodies)
    await worked(project, hands)

    assert len(collector.bodies) == count


async def test_a_program_with_a_provider_of_its_own_gets_our_spans(
    project: Any, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    kept = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr("opentelemetry.trace._TRACER_PROVIDER", provider)
    seam.forget()
    try:
        await worked(project, hands)
    finally:
        seam.forget()

    names = {one.name for one in kept.get_finished_spans()}
    assert {"tick", "work", "verify", "invoke_agent sam"} <= names


LOCAL = "http://localhost:4318"
HERE = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://here:1/"}
ASKED = Wanted(f"{LOCAL}/v1/traces", f"{LOCAL}/v1/metrics", asked=True)


@pytest.mark.parametrize(
    ("settings", "environ", "found"),
    [
        ({}, {}, Wanted("", "", asked=False)),
        ({"endpoint": LOCAL}, {}, ASKED),
        ({"endpoint": f"{LOCAL}/"}, HERE, ASKED),
        ({"traces": True}, {}, Wanted(f"{LOCAL}/v1/traces", "", asked=True)),
        ({"metrics": True}, {}, Wanted("", f"{LOCAL}/v1/metrics", asked=True)),
        ({}, HERE, Wanted("http://here:1/v1/traces", "http://here:1/v1/metrics", asked=False)),
        ({"traces": False}, HERE, Wanted("", "http://here:1/v1/metrics", asked=False)),
        (
            {},
            {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://there/x"},
            Wanted("https://there/x", "", asked=False),
        ),
        (
            {},
            {**HERE, "OTEL_METRICS_EXPORTER": "none"},
            Wanted("http://here:1/v1/traces", "", asked=False),
        ),
        ({"endpoint": LOCAL}, {"OTEL_SDK_DISABLED": "TRUE"}, Wanted("", "", asked=False)),
    ],
)
def test_settings_and_the_standard_variables_say_what_is_sent(
    settings: dict[str, Any], environ: dict[str, str], found: Wanted
) -> None:
    assert wanted(ObservabilitySettings.model_validate(settings), environ) == found


@pytest.mark.parametrize("endpoint", ["localhost:4318", "grpc://a:4317", "http://", "s3cret-token"])
def test_an_endpoint_that_is_no_address_is_refused_without_showing_it(endpoint: str) -> None:
    with pytest.raises(SettingsInvalid) as raised:
        wanted(ObservabilitySettings(endpoint=endpoint), {})

    assert "s3cret" not in str(raised.value)
    assert "endpoint in [observability]" in raised.value.remedy


def test_a_missing_exporter_is_an_error_where_the_settings_ask_for_it(
    project: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = "opentelemetry.exporter.otlp.proto.http"
    for name in [exporter, f"{exporter}.trace_exporter", f"{exporter}.metric_exporter"]:
        monkeypatch.setitem(sys.modules, name, None)
    settings = project.team().settings

    assert configure_telemetry(settings, HERE) is None
    assert "neveridle[otel]" in caplog.text
    project.use("observability", traces=True)
    with pytest.raises(ExtraMissing, match="not installed"):
        configure_telemetry(project.team().settings, {})
