"""The suite's runner: a process for each run, and the others go on whatever one of them does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from neveridle.errors import RecordingInvalid
from neveridle.evals.result import SuiteResult
from neveridle.evals.suite import environment, run_suite

Make = Callable[..., Path]

MAIN = "from neveridle.cli import main; raise SystemExit(main())"

TASK = """schema = 2
title = "Nothing to do"
provenance = "authored"

[start]
repository = "repository"
recording = ""

[run]
longest = {longest}

[expect]
completed = {completed}
idle_model_calls = 0
"""
TEAM = """[team]
repository = "project"

[model]
default = "replay:recording.jsonl"

[checks]
tests = "true"

[improvement]
enabled = false

[memory]
enabled = false
"""
HEADER = '{"format": "neveridle-recording", "version": 1, "provenance": {"kind": "authored"}}\n'


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a recorded task in which there is nothing to do."""

    def made(name: str, *, longest: float = 120.0, completed: int = 0) -> Path:
        folder = tmp_path / "suite" / name
        (folder / "repository").mkdir(parents=True)
        (folder / "repository" / "README.md").write_text("# Nothing\n", encoding="utf-8")
        (folder / "agents").mkdir()
        (folder / "agents" / "ada.md").write_text("---\nrole: dev\n---\nYou are Ada.\n", "utf-8")
        (folder / "neveridle.toml").write_text(TEAM, encoding="utf-8")
        (folder / "recording.jsonl").write_text(HEADER, encoding="utf-8")
        text = TASK.format(longest=longest, completed=completed)
        text = text.replace('recording = ""', 'recording = "recording.jsonl"')
        (folder / "task.toml").write_text(text, encoding="utf-8")
        return folder

    return made


async def test_one_that_fails_and_one_that_takes_too_long_leave_the_others_alone(
    make: Make, tmp_path: Path
) -> None:
    folders = [make("good"), make("missed", completed=1), make("late", longest=0.01)]
    told: list[str] = []

    result = await run_suite(
        folders, suite="three", workers=2, seed=7, tell=lambda one: told.append(one.task)
    )

    assert [one.status for one in result.results] == ["passed", "failed", "error"]
    assert sorted(told) == ["good", "late", "missed"]
    assert not result.passed
    good, missed, late = result.results
    assert (good.seed, good.measures["model_calls"], good.path) == (7, 0.0, ())
    assert [one.detail for one in missed.scores if not one.passed] == ["expected 1, saw 0"]
    assert late.trouble is not None
    assert late.trouble.code == "timeout"
    path = tmp_path / "results.json"
    result.write(path)
    assert SuiteResult.model_validate_json(path.read_text(encoding="utf-8")) == result


async def test_two_of_one_name_are_refused_before_anything_runs(make: Make) -> None:
    told: list[str] = []
    folder = make("good")

    with pytest.raises(RecordingInvalid, match="one name"):
        await run_suite([folder, folder], tell=lambda one: told.append(one.task))

    assert told == []


async def test_two_runs_of_one_have_the_same_log(make: Make, tmp_path: Path) -> None:
    result = await run_suite([make("good")], repeat=2, folder=tmp_path / "stages")

    first, second = result.results
    assert (first.seed, second.seed) == (0, 1)
    assert first.events == second.events != ""
    logs = [tmp_path / "stages" / f"good-{number}" / "events.txt" for number in (1, 2)]
    assert logs[0].read_text(encoding="utf-8") == logs[1].read_text(encoding="utf-8") != "\n"


async def test_a_folder_of_somebody_else_is_left_alone(make: Make, tmp_path: Path) -> None:
    mine = tmp_path / "kept" / "good"
    mine.mkdir(parents=True)
    (mine / "thesis.txt").write_text("years of work", encoding="utf-8")

    result = (await run_suite([make("good")], folder=tmp_path / "kept")).results[0]

    assert result.status == "error"
    assert result.trouble is not None
    assert result.trouble.code == "stage-taken"
    assert (mine / "thesis.txt").read_text(encoding="utf-8") == "years of work"


def test_settings_in_the_environment_do_not_reach_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NEVERIDLE_MODEL__DEFAULT", "openai:gpt-5")
    monkeypatch.setenv("PYTHONHASHSEED", "17")

    replayed, live = environment(live=False), environment(live=True)

    assert "NEVERIDLE_MODEL__DEFAULT" not in replayed
    assert replayed["PYTHONHASHSEED"] == "0"
    assert live["NEVERIDLE_MODEL__DEFAULT"] == "openai:gpt-5"


@pytest.mark.skipif(not Path("/proc/self/stat").is_file(), reason="processes are found in /proc")
def test_ctrl_c_ends_the_processes_of_the_runs_and_leaves_nothing(
    make: Make, tmp_path: Path
) -> None:
    """The run waits for a check that would take an hour."""
    folder = make("slow")
    started, temporary = tmp_path / "started", tmp_path / "tmp"
    temporary.mkdir()
    slow = f"""tests = "sh -c 'echo $$ > {started}; exec sleep 3600'" """
    settings = (folder / "neveridle.toml").read_text("utf-8").replace('tests = "true"', slow)
    settings = settings.replace("[improvement]", '[sandbox]\nkind = "none"\n\n[improvement]')
    (folder / "neveridle.toml").write_text(settings, "utf-8")
    text = (folder / "task.toml").read_text("utf-8") + "checks_before = { tests = true }\n"
    (folder / "task.toml").write_text(text, "utf-8")
    running = subprocess.Popen(
        [sys.executable, "-P", "-c", MAIN, "eval", "run", str(folder)],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
    )  # fmt: skip
    try:
        while not (started.is_file() and started.read_text("utf-8").strip()):
            assert running.poll() is None
            time.sleep(0.02)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate()
    finally:
        running.kill()
        running.wait()

    assert running.returncode == 130
    assert "Interrupted: no results were written." in said
    assert list(temporary.glob("neveridle-eval-*")) == []
    pid = int(started.read_text("utf-8"))
    for _ in range(1000):  # it was killed, and the system may be slow to end it
        if not _alive(pid):
            break
        time.sleep(0.02)
    else:
        os.kill(pid, signal.SIGKILL)
        pytest.fail("the check outlived the run")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.is_file() and state.read_text("utf-8").rpartition(")")[2].split()[0] == "Z")
