"""Real processes, and what they leave behind."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

DRIVER = Path(__file__).with_name("drive.py")


@pytest.fixture
def start(project: Any) -> Generator[Callable[[], subprocess.Popen[str]]]:
    """Starts a process that runs the project's team; none outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def begin() -> subprocess.Popen[str]:
        (project.root / "settings.json").write_text(json.dumps(project.settings), "utf-8")
        command = [sys.executable, "-P", str(DRIVER), str(project.root)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture(scope="session")
def server() -> Generator[subprocess.Popen[str]]:
    """A process that forks runs on request."""
    command = [sys.executable, "-P", str(DRIVER), "--serve"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=10)


@pytest.fixture
def run_and_die(project: Any, server: subprocess.Popen[str]) -> Callable[[str], int]:
    """Runs the project's team in a process that dies at an edge; its exit code."""

    def run(edge: str) -> int:
        (project.root / "settings.json").write_text(json.dumps(project.settings), "utf-8")
        assert server.stdin is not None
        assert server.stderr is not None
        server.stdin.write(json.dumps({"root": str(project.root), "edge": edge}) + "\n")
        server.stdin.flush()
        said: list[str] = []
        while True:
            line = server.stderr.readline()
            if line.strip().lstrip("-").isdigit():
                return int(line)
            said.append(line)
            assert line, f"the server ended: {''.join(said)}"

    return run
