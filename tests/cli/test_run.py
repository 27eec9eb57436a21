"""``neveridle run``, with everything real but the model, which is a recording."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.cli.run import failed, with_model
from neveridle.graph.report import AttemptLine, RunReport
from neveridle.settings import Settings
from neveridle.settings.loader import settings_from

DOCSTRING = (
    "edit_file",
    {"path": "addition.py", "old": "    return", "new": '    """Sum."""\n    return'},
)
DONE = ("TaskOutcome", {"status": "completed", "summary": "Said what it does."})
KEY = "dispatch:say-what-it-does"


@pytest.fixture
def one_task(cli: Callable[..., Any], project: Any) -> Any:
    """A task for SAM, with a recording that solves it."""
    project.record(KEY, DOCSTRING, DONE)
    cli("dispatch", "sam", "Say what it does")
    return project


def test_run_until_idle(cli: Callable[..., Any], one_task: Any) -> None:
    ended = cli("run", "--until", "idle", "--json")

    assert ended.code == 0
    report = ended.json
    assert report["reason"] == "idle"
    (line,) = report["attempts"]
    assert (line["agent"], line["rung"], line["ending"]) == ("sam", "dispatch", "completed")
    assert "verify" in line["path"]
    assert report["idle_model_calls"] == 0
    assert (report["input_tokens"], report["output_tokens"]) == (20, 10)
    assert "Sum." in one_task.git("show", "neveridle/1-say-what-it-does:addition.py")


@pytest.mark.usefixtures("one_task")
def test_run_shows_what_happens_and_a_table(cli: Callable[..., Any]) -> None:
    ended = cli("run", "--until", "idle")

    assert ended.code == 0
    for words in (
        "#1 works on it: Say what it does",
        "#1 is on branch neveridle/1-say-what-it-does",
        "#1 is completed",
        "agent   rung",
        "nothing left",
        "model calls while idle: 0",
    ):
        assert words in ended.out
    assert "\x1b" not in ended.out


@pytest.mark.usefixtures("one_task")
def test_run_only_some_agents(cli: Callable[..., Any]) -> None:
    assert cli("run", "--until", "idle", "--agents", "leo", "--json").json["attempts"] == []
    unknown = cli("run", "--agents", "leo,nobody", "--json")
    assert (unknown.code, unknown.json["error"]["code"]) == (4, "not-found")


def test_once_is_one_tick_of_each_agent(cli: Callable[..., Any], project: Any) -> None:
    project.record(KEY, DOCSTRING, DONE)
    for number in range(3):
        cli("dispatch", "sam", "Say what it does", "--ticket", str(number))
    report = cli("run", "--once", "--json").json

    assert len(report["attempts"]) == 1
    assert report["ticks"] <= 2


def test_once_lets_everybody_finish_their_tick(cli: Callable[..., Any], project: Any) -> None:
    slow = ("run", {"command": "sleep 1"})
    steps = {"dispatch:quick": [DONE], "dispatch:slow": [slow, DONE]}
    project.record_all(steps)
    cli("dispatch", "sam", "Quick", "--no-change")
    cli("dispatch", "leo", "Slow", "--no-change")
    report = cli("run", "--once", "--json").json

    assert {line["agent"]: line["ending"] for line in report["attempts"]} == {
        "sam": "completed",
        "leo": "completed",
    }


@pytest.mark.usefixtures("one_task")
def test_a_limit_of_time_ends_a_run_that_would_wait(cli: Callable[..., Any]) -> None:
    report = cli("run", "--agents", "leo", "--timeout", "0.2", "--json").json

    assert report["reason"] == "timeout"


def test_work_that_failed_ends_with_1(cli: Callable[..., Any], project: Any) -> None:
    project.configure("[limits]\nattempts = 1\n")
    project.record(KEY, ("TaskOutcome", {"status": "completed", "summary": "Trust me."}))
    cli("dispatch", "sam", "Say what it does")
    ended = cli("run", "--until", "idle")

    assert ended.code == 1
    assert "no file was changed" in ended.out
    # A peer was asked before a person.
    assert [one["state"] for one in cli("tasks", "--json").json] == ["waiting", "blocked"]


@pytest.mark.usefixtures("project")
def test_without_a_model_it_says_exactly_what_to_set(
    cli: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    ended = cli("run", "--json")

    assert ended.code == 2
    assert ended.json["error"]["code"] == "model-not-configured"
    assert "`default` in [model] of neveridle.toml" in ended.json["error"]["remedy"]
    without_key = cli("run", "--model", "openai:gpt-5", "--json")
    assert without_key.code == 2
    assert "OPENAI_API_KEY" in without_key.json["error"]["remedy"]


def test_without_checks_it_says_so(cli: Callable[..., Any], one_task: Any) -> None:
    path = one_task.folder / "neveridle.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("tests = ", "# tests = "), encoding="utf-8")
    ended = cli("run", "--json")

    assert (ended.code, ended.json["error"]["code"]) == (2, "settings-invalid")
    assert "[checks]" in ended.json["error"]["remedy"]


def test_a_folder_that_is_no_repository_is_said(
    cli: Callable[..., Any], project: Any, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    text = (project.folder / "neveridle.toml").read_text(encoding="utf-8")
    elsewhere = f'[team]\nrepository = "{(tmp_path / "elsewhere").as_posix()}"'
    (project.folder / "neveridle.toml").write_text(
        text.replace("[team]", elsewhere), encoding="utf-8"
    )
    ended = cli("run", "--json")

    assert (ended.code, ended.json["error"]["code"]) == (2, "repository-unusable")


def test_a_model_of_the_command_line_stands_in_for_all(
    cli: Callable[..., Any], one_task: Any
) -> None:
    (one_task.folder / "recording.jsonl").rename(one_task.folder / "other.jsonl")
    one_task.configure('[agents.sam]\nmodel = "replay:missing.jsonl"\n')
    ended = cli("run", "--until", "idle", "--model", "replay:other.jsonl", "--json")

    assert ended.code == 0
    assert len(ended.json["attempts"]) == 1


def test_with_model_leaves_the_rest_as_it_is(tmp_path: Path) -> None:
    before = settings_from(
        {
            "model": {"default": "a:b", "work": "c:d", "timeout": 7.0},
            "agents": {"sam": {"model": "e:f", "skills": ["x"]}},
        },
        tmp_path,
    )
    after = with_model(before, "openai:gpt-5")

    assert after.model.model_dump() | {"default": "a:b", "work": "c:d"} == before.model.model_dump()
    assert (after.model.default, after.model.work, after.model.learn) == ("openai:gpt-5", "", "")
    assert after.agents["sam"].model == ""
    assert after.agents["sam"].skills == ["x"]
    assert isinstance(after, Settings)


@pytest.mark.parametrize(
    ("endings", "bad"),
    [
        ([], False),
        (["completed"], False),
        (["failed", "completed"], False),
        (["failed"], True),
        (["blocked"], True),
        (["handed_off"], False),
        (["released"], False),
    ],
)
def test_when_a_run_ended_badly(endings: list[str], bad: bool) -> None:
    report = RunReport()
    for ending in endings:
        report.add(
            AttemptLine(agent="sam", task=1, title="t", rung="dispatch", ending=ending, path=())
        )

    assert failed(report) is bad


def test_what_others_wrote_is_shown_as_text(cli: Callable[..., Any], project: Any) -> None:
    project.record(
        "dispatch:hostile-0-owned",
        ("TaskOutcome", {"status": "blocked", "summary": "s", "owner": "human",
                         "action": "Look \x1b[2J[bold]here\x07"}),
    )  # fmt: skip
    cli("dispatch", "sam", "Hostile \x1b]0;owned\x07")
    ended = cli("run", "--until", "idle")
    shown = ended.out + cli("tasks").out + cli("tasks", "show", "1").out + cli("status").out

    assert "\\x1b[2J[bold]here\\x07" in shown
    assert not {"\x1b", "\x07"} & set(shown)


def test_the_board_is_free_afterwards(cli: Callable[..., Any], one_task: Any) -> None:
    cli("run", "--until", "idle")

    async def active(board: Board) -> int:
        return len(await board.attempts.active())

    assert one_task.on_board(active) == 0
    assert all(not agent["alive"] for agent in cli("status", "--json").json["agents"])


def test_agents_that_name_nobody_are_not_everybody(cli: Callable[..., Any], one_task: Any) -> None:
    """As from an unset variable of a shell."""
    ended = cli("run", "--agents", "", "--until", "idle", "--json")

    assert (ended.code, ended.json["error"]["code"]) == (2, "usage")


def test_a_check_that_does_nothing_is_no_check(cli: Callable[..., Any], one_task: Any) -> None:
    config = one_task.folder / "neveridle.toml"
    lines = [
        'tests = " "' if line.startswith("tests =") else line
        for line in config.read_text(encoding="utf-8").splitlines()
    ]
    number = lines.index('tests = " "') + 1
    config.write_text("\n".join(lines), encoding="utf-8")

    ended = cli("run", "--until", "idle", "--json")

    assert (ended.code, ended.json["error"]["code"]) == (2, "settings-invalid")
    # The whole table is at fault, for all that is known of it: its line, or that of its key.
    assert any(
        f"neveridle.toml:{line}:" in ended.json["error"]["message"]
        for line in (number, lines.index("[checks]") + 1)
    )
