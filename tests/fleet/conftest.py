"""A project on either database, and fleets of real processes that work on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

MAIN = "from neveridle.cli import main; main()"
LONG = 90.0
"""Seconds after which a test gives up; nothing else here depends on time."""


@pytest.fixture(params=["sqlite", "postgres"])
def project(request: pytest.FixtureRequest, make_project: Callable[[str], Any]) -> Any:
    """A small project with three agents, on either database."""
    made = make_project("ein Projekt")
    if request.param == "postgres":
        made.use("team", board=request.getfixturevalue("postgres_url"))
    for name in ("leo", "max"):
        made.soul(name)
    return made


class Fleet:
    """One ``neveridle run`` with several processes.

    Attributes:
        supervisor: its process.
    """

    def __init__(self, supervisor: subprocess.Popen[str]) -> None:
        self.supervisor = supervisor

    @property
    def workers(self) -> list[int]:
        """The ids of the processes below the supervisor that live."""
        found: list[int] = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and _parent(int(entry.name)) == self.supervisor.pid:
                found.append(int(entry.name))
        return sorted(found)

    def send(self, number: signal.Signals) -> None:
        """Send the supervisor a signal."""
        os.kill(self.supervisor.pid, number)

    def ends(self) -> tuple[int, str, str]:
        """Its exit code, what it printed, and what it complained of."""
        out, err = self.supervisor.communicate(timeout=LONG)
        return self.supervisor.returncode, out, err

    def report(self) -> dict[str, Any]:
        """The report of a run that ended well."""
        code, out, err = self.ends()
        assert code == 0, (code, out, err)
        found: dict[str, Any] = json.loads(out)
        return found


def _parent(pid: int) -> int:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    state, parent = stat.rpartition(")")[2].split()[:2]
    return 0 if state == "Z" else int(parent)


@pytest.fixture
def start() -> Generator[Callable[..., Fleet]]:
    """Start ``neveridle run`` on a project; nothing of it outlives the test."""
    started: list[Fleet] = []

    def begin(project: Any, *line: str) -> Fleet:
        tables = [
            "\n".join(
                [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
            )
            for name, table in project.settings.items()
        ]
        (project.root / "neveridle.toml").write_text("\n\n".join(tables), encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", MAIN, "run", *line],
            cwd=project.root,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        started.append(Fleet(process))
        return started[-1]

    yield begin
    for fleet in started:
        workers = fleet.workers
        with fleet.supervisor as process:  # closes its pipes, and waits
            process.kill()
        for pid in workers:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


@pytest.fixture
def wait() -> Callable[[Callable[[], object]], None]:
    """Waits until something in other processes has come true."""

    def until(what: Callable[[], object]) -> None:
        end = time.monotonic() + LONG
        while not what():
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.02)

    return until
