"""``neveridle run``, as its own processes: it configures what a library leaves alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

MAIN = "from neveridle.cli import main; main()"
LONG = 120.0
"""Seconds after which a test gives up; nothing here depends on time."""


@pytest.fixture
def command(project: Any) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``neveridle`` on the project."""

    def run(*line: str, **environ: str) -> subprocess.CompletedProcess[str]:
        rows = [
            row
            for table, values in project.settings.items()
            for row in (f"[{table}]", *(f"{k} = {json.dumps(v)}" for k, v in values.items()))
        ]
        (project.root / "neveridle.toml").write_text("\n".join(rows), encoding="utf-8")
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "NEVERIDLE_"))}
        return subprocess.run(
            [sys.executable, "-P", "-W", "error", "-c", MAIN, *line],
            cwd=project.root, env={**kept, **environ}, check=False, capture_output=True,
            text=True, timeout=LONG,
        )  # fmt: skip

    return run


def test_processes_of_a_fleet_log_to_one_file_and_trace_to_one_collector(
    project: Any, command: Callable[..., Any], collector: Any
) -> None:
    project.soul("leo")
    for name in ("sam", "leo"):
        project.says(f"dispatch:for-{name}", project.write(f"{name}.txt", "x"), project.done())
    project.use("observability", log_file="logs/team.log")
    for name in ("sam", "leo"):
        assert command("dispatch", name, f"For {name}").returncode == 0
    assert not (project.root / "logs").exists()

    ended = command(
        "run", "--until", "idle", "--processes", "2", "--json",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint,
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["endings"] == {"completed": 2}
    log = (project.root / "logs" / "team.log").read_text(encoding="ascii")
    ours = [
        one for one in map(json.loads, log.splitlines())
        if one["logger"] == "neveridle.graph.observed"
    ]  # fmt: skip
    assert {one["agent"] for one in ours} == {"sam", "leo"}
    assert len({one["pid"] for one in ours}) == 2
    ticks = [one for one in collector.spans if one.name == "tick"]
    assert {one.trace.hex() for one in ticks} == {one["trace_id"] for one in ours}
    assert len({one["service.instance.id"] for one in collector.resources}) == 2
    assert "neveridle.tasks" in collector.points


def test_a_log_file_that_cannot_be_written_ends_the_command(
    project: Any, command: Callable[..., Any]
) -> None:
    (project.root / "taken").write_text("a file")
    project.use("observability", log_file="taken/team.log")
    ended = command("run", "--once")

    assert ended.returncode == 2
    assert "settings-invalid" in ended.stderr
    assert "log_file in [observability]" in ended.stderr


def test_langsmith_gets_its_runs_as_from_any_langgraph_program(
    project: Any, command: Callable[..., Any], collector: Any
) -> None:
    project.says("dispatch:fix", project.write("a.txt", "x"), project.done())
    assert command("dispatch", "sam", "Fix").returncode == 0

    ended = command(
        "run", "--once", "--json",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.endpoint, LANGSMITH_TRACING="true",
        LANGSMITH_ENDPOINT=collector.endpoint, LANGSMITH_API_KEY="a-key-of-the-test",
    )  # fmt: skip

    assert ended.returncode == 0, ended.stderr
    sent = b"".join(body for path, body, _ in collector.bodies if not path.startswith("/v1/"))
    assert b"check_dispatch" in sent
    assert b"ReplayChatModel" in sent
    assert collector.named("tick").facts["neveridle.ending"] == "completed"
