"""The supervisor with processes that cannot live, or cannot begin."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.cli.fleet.restarts import Policy, Verdict
from neveridle.cli.fleet.supervisor import Said, Supervisor, how_it_ended
from neveridle.cli.running import How
from neveridle.settings.loader import settings_from

DIES = """
import os, sys
if "neveridle.cli.fleet.worker" in sys.orig_argv[1:]:
    os.kill(os.getpid(), 9)
"""


def how(*agents: str, processes: int = 2, **more: Any) -> How:
    given: dict[str, Any] = {"until": "idle", "ticks": None, "timeout": None, "grace": 5.0}
    return How(agents=list(agents), processes=processes, **{**given, **more})


@pytest.fixture
def fleet(project: Any) -> Callable[..., Any]:
    """Runs a fleet in this process, its workers in others; the supervisor and what it said."""

    async def run(what: How, policy: Policy | None = None) -> tuple[Supervisor, int, list[Said]]:
        said: list[Said] = []
        settings = settings_from(project.settings, project.root)
        async with project.board() as board:
            one = Supervisor(settings, what, board=board, tell=said.append, policy=policy)
            return one, await one.run(), said

    return run


@pytest.mark.slow
@pytest.mark.parametrize("project", ["sqlite"], indirect=True)
async def test_processes_that_die_at_once_are_given_up(
    fleet: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "sitecustomize.py").write_text(DIES, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "lib"))
    policy = Policy(first=0.01, longest=0.02, quick=2)
    supervisor, code, said = await fleet(how("sam", "leo"), policy)

    assert code == 1
    assert supervisor.gathered.report.reason == "gave up"
    assert [place.verdict for place in supervisor.places] == [Verdict.GIVE_UP] * 2
    assert [place.restarts.restarts for place in supervisor.places] == [2, 2]
    (one, other) = [one.text for one in said if "not started again" in one.text]
    assert "process 1 (sam)" in one + other
    assert "SIGKILL" in one
    assert all(one.problem for one in said)


@pytest.mark.slow
@pytest.mark.parametrize("project", ["sqlite"], indirect=True)
async def test_what_is_not_configured_ends_the_fleet_at_once(
    project: Any, start: Callable[..., Any]
) -> None:
    project.settings["model"] = {"default": ""}
    code, out, err = start(project, "--processes", "2").ends()

    assert code == 2
    assert err.count("error[model-not-configured]") == 1
    assert "started again" not in out + err


@pytest.mark.slow
@pytest.mark.parametrize("project", ["sqlite"], indirect=True)
async def test_once_is_one_tick_of_each_agent_in_whatever_process(
    fleet: Callable[..., Any],
) -> None:
    supervisor, code, _ = await fleet(how("sam", "leo", "max", ticks=3, until="forever"))

    assert code == 0
    assert supervisor.gathered.report.ticks == 3
    assert [place.agents for place in supervisor.places] == [["sam", "max"], ["leo"]]


def test_exit_codes_in_words() -> None:
    assert how_it_ended(1) == "exit code 1"
    assert how_it_ended(-signal.SIGSEGV) == "SIGSEGV"
    assert how_it_ended(-63) == "signal 63"
