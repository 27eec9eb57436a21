"""A collector on this machine that takes OTLP over HTTP, and a team that sends to it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from neveridle.observability import Delivery, configure_telemetry


def value(one: Any) -> Any:
    """An attribute's value."""
    kind = one.WhichOneof("value")
    if kind == "array_value":
        return [value(each) for each in one.array_value.values]
    return getattr(one, kind)


class Span:
    """One span as it arrived."""

    def __init__(self, sent: Any) -> None:
        self.name: str = sent.name
        self.id: bytes = sent.span_id
        self.trace: bytes = sent.trace_id
        self.parent: bytes = sent.parent_span_id
        self.kind: int = sent.kind
        self.status: int = sent.status.code
        self.began: int = sent.start_time_unix_nano
        self.ended: int = sent.end_time_unix_nano
        self.links: list[tuple[bytes, bytes]] = [(one.trace_id, one.span_id) for one in sent.links]
        self.events = len(sent.events)
        self.facts: dict[str, Any] = {one.key: value(one.value) for one in sent.attributes}

    def __repr__(self) -> str:
        return f"<{self.name} {self.facts}>"


class Collector:
    """What arrived.

    Attributes:
        endpoint: where it listens.
        status: what it answers.
        asked: requests that came.
        bodies: all that was posted, as it came over the wire.
        held: cleared, it takes requests and does not answer.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.status = 200
        self.bodies: list[tuple[str, bytes, dict[str, str]]] = []
        self.held = threading.Event()
        self.held.set()
        self.asked = 0

    def take(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        """Take one request; the status to answer with."""
        self.asked += 1
        self.held.wait()
        if self.status == 200:
            self.bodies.append((path, body, headers))
        return self.status

    @property
    def spans(self) -> list[Span]:
        """All spans, by the time they began."""
        found: list[Span] = []
        for path, body, _ in list(self.bodies):
            if path != "/v1/traces":
                continue
            for one in ExportTraceServiceRequest.FromString(body).resource_spans:
                found += [Span(sent) for scope in one.scope_spans for sent in scope.spans]
        return sorted(found, key=lambda span: span.began)

    @property
    def resources(self) -> list[dict[str, Any]]:
        """Who sent spans."""
        return [
            {fact.key: value(fact.value) for fact in one.resource.attributes}
            for path, body, _ in list(self.bodies)
            if path == "/v1/traces"
            for one in ExportTraceServiceRequest.FromString(body).resource_spans
        ]

    @property
    def points(self) -> dict[str, list[tuple[dict[str, Any], Any]]]:
        """The newest measurements, by name: labels and point."""
        found: dict[str, list[tuple[dict[str, Any], Any]]] = {}
        for path, body, _ in list(self.bodies):
            if path != "/v1/metrics":
                continue
            for one in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                for metric in (each for scope in one.scope_metrics for each in scope.metrics):
                    data = getattr(metric, str(metric.WhichOneof("data")))
                    found[metric.name] = [
                        ({fact.key: value(fact.value) for fact in point.attributes}, point)
                        for point in data.data_points
                    ]
        return found

    def tree(self, root: Span) -> dict[str, Any]:
        """Names of the spans below one, each with those below it."""
        below = [one for one in self.spans if one.parent == root.id and one.trace == root.trace]
        return {one.name: self.tree(one) for one in below}

    def named(self, name: str) -> Span:
        """The one span of that name."""
        (found,) = [one for one in self.spans if one.name == name]
        return found


@pytest.fixture
def collector() -> Generator[Collector]:
    """A real collector, as far as receiving goes."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = state.take(self.path, body, dict(self.headers))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        state = Collector(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        state.held.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def sending(
    collector: Collector, project: Any, monkeypatch: pytest.MonkeyPatch
) -> Generator[Callable[..., Delivery]]:
    """Begins to send what the project's team does to the collector."""
    for name in [one for one in os.environ if one.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    made: list[Delivery] = []

    def begin(**settings: Any) -> Delivery:
        project.use("observability", **{"endpoint": collector.endpoint, **settings})
        delivery = configure_telemetry(project.team().settings)
        assert delivery is not None
        made.append(delivery)
        return delivery

    yield begin
    for one in made:
        one.close(0.1)
