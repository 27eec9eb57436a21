"""A live run becomes a recorded task, and its replay comes to the same."""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from neveridle.board import Board, NewTask, Source
from neveridle.cli.app import app
from neveridle.errors import RecordingInvalid, StageTaken
from neveridle.evals.case import CaseRequest
from neveridle.evals.record import record_task
from neveridle.evals.record.secrets import find_secrets
from neveridle.evals.record.starting import take
from neveridle.evals.record.toml_text import toml_text
from neveridle.evals.recorded_task import load_task
from neveridle.evals.suite import run_in_process
from neveridle.settings import Settings
from neveridle.tools.standin.http import HttpFault
from neveridle.tools.standin.linear import LinearStandin

Project = Callable[..., Settings]


def put(settings: Settings, *tasks: NewTask) -> None:
    """Put tasks on the project's own board; ``after`` counts them from 1."""

    async def work() -> None:
        settings.home.mkdir(parents=True, exist_ok=True)
        async with Board(settings.board_url) as board:
            for one in tasks:
                await board.tasks.add(one)

    asyncio.run(work())


MERGE = """
[delivery]
mode = "merge"
unsandboxed_merge = true

[tracker]
kind = "linear"

[services.linear]
url = "{url}"
team = "AGT"

[observability]
log_file = "team.log"
"""
TOKEN = "lin_api_of_the_test_only"


@pytest.fixture
def linear(monkeypatch: pytest.MonkeyPatch) -> Generator[LinearStandin]:
    monkeypatch.setenv("LINEAR_API_KEY", TOKEN)
    with LinearStandin(token=TOKEN) as one:
        yield one


@pytest.mark.whole_in_chaos
def test_a_run_with_a_tracker_is_recorded_and_its_replay_holds(
    project: Project, writer: Any, linear: LinearStandin, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    settings = project(MERGE.format(url=linear.url), {"big.bin": b"x" * 1_100_000})
    ticket = linear.store.add("Write note three")
    put(settings, NewTask(source=Source.DISPATCH, title="Write note one", assignee="ada"))
    folder = tmp_path / "task"

    found = record_task(settings, folder, replay=False)
    asked, served = len(writer.requests), len(linear.requests)
    state = linear.store.find(ticket)
    linear.close()
    monkeypatch.delenv("LINEAR_API_KEY")
    monkeypatch.delenv("OPENAI_API_KEY")
    stage = tmp_path / "stage"
    replayed = asyncio.run(run_in_process(CaseRequest(task=folder, stage=stage)))

    task = load_task(folder)
    missed = [one for one in replayed.scores if not one.passed]
    assert (replayed.status, replayed.trouble, missed) == ("passed", None, [])
    assert state is not None
    assert state.state == "Done"
    assert asked == found.model_calls == 6
    assert served == found.exchanges > 5
    assert (len(writer.requests), len(linear.requests)) == (asked, served)  # nobody was called
    assert [(one.source, one.title, one.agent) for one in task.tasks] == [
        ("dispatch", "Write note one", "ada")
    ]
    expect = task.expect
    assert (expect.completed, expect.measures, expect.states) == (2, {"model_calls": 6}, {})
    assert expect.files_changed == ("notes/one.md", "notes/three.md")
    assert expect.path is not None
    assert sorted(line.split(" ", 1)[1] for line in expect.path) == [
        "backlog completed: Write note three",
        "dispatch completed: Write note one",
    ]
    # Usage, price and time are the recorded ones.
    for name in ("input_tokens", "cost", "simulated_seconds", "service_calls"):
        assert replayed.measures[name] == pytest.approx(found.measures[name]), name
    assert replayed.measures["cost"] > 0
    assert found.left_out == ["big.bin: 1,100,000 bytes"]
    text = (folder / "neveridle.toml").read_text(encoding="utf-8")
    assert "127.0.0.1" not in text
    assert "https://linear.invalid" in text
    assert "observability" not in text
    everything = "".join(
        one.read_text(encoding="utf-8") for one in folder.rglob("*") if one.is_file()
    )
    assert TOKEN not in everything
    assert str(tmp_path) not in everything


def test_a_run_in_which_the_model_fails_is_recorded_as_that(
    project: Project, writer: Any, tmp_path: Path
) -> None:
    settings = project("[limits]\nattempts = 1\n")
    writer.faults.append(
        HttpFault("status", status=400, said={"error": {"message": "too long"}}, times=1000)
    )
    put(settings, NewTask(source=Source.DISPATCH, title="Write note one", assignee="ada"))
    folder = tmp_path / "task"

    ended = CliRunner().invoke(
        app, ["eval", "record", str(folder), "--settings", str(settings.root), "--json"]
    )

    assert ended.exit_code == 0, ended.output
    said = json.loads(ended.stdout)
    assert said["holds"] is True
    assert said["replay"]["status"] == "passed"
    assert said["model_calls"] == len(writer.requests) >= 1
    expect = load_task(folder).expect
    assert (expect.completed, expect.measures) == (0, {"model_calls": 0})
    assert "Write note one" in expect.states
    assert expect.path is not None
    assert len(expect.path) >= 1
    recorded = (folder / "recording.jsonl").read_text(encoding="utf-8")
    assert '"means":"ModelMistake"' in recorded


def test_a_secret_in_the_repository_is_found_before_anything_is_paid_for(
    project: Project, writer: Any, tmp_path: Path
) -> None:
    key = "ghp_" + "a1B2" * 9
    settings = project(files={"src/config.py": f"# config\nTOKEN = '{key}'\n"})

    with pytest.raises(RecordingInvalid) as raised:
        record_task(settings, tmp_path / "task")

    assert "repository/src/config.py:2" in str(raised.value)
    assert key not in str(raised.value)
    assert writer.requests == ()
    assert not (tmp_path / "task" / "task.toml").exists()


def test_a_secret_in_a_task_keeps_it_from_being_finished(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = project("", {"README.md": "# Shelf\n"})
    put(settings, NewTask(source=Source.DISPATCH, title="Use open-sesame-now", assignee="ada"))
    monkeypatch.setenv("SHOP_PASSPHRASE", "open-sesame-now")

    with pytest.raises(RecordingInvalid, match=r"task\.toml\.draft:\d+") as raised:
        record_task(settings, tmp_path / "task", agents=("sam",))

    assert "open-sesame-now" not in str(raised.value)
    assert not (tmp_path / "task" / "task.toml").exists()


def test_a_folder_that_holds_something_is_left_alone(project: Project, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")

    with pytest.raises(StageTaken):
        record_task(project(), tmp_path / "mine")

    assert [one.name for one in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


async def test_open_tasks_are_taken_in_an_order_that_names_what_they_wait_for(
    project: Project, tmp_path: Path
) -> None:
    settings = project()
    settings.home.mkdir(parents=True)
    async with Board(settings.board_url) as board:
        done = await board.tasks.add(NewTask(source=Source.BACKLOG, title="Done"))
        await board.tasks.cancel(done.id)
        late = await board.tasks.add(NewTask(source=Source.BACKLOG, title="Late"))
        same = await board.tasks.add(NewTask(source=Source.BACKLOG, title="Same"))
        again = await board.tasks.add(NewTask(source=Source.BACKLOG, title="Same"))
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="Ticket", ref="linear:AGT-1"))
        for on in (same, again):
            await board.tasks.depend(late.id, on.id)

    taken = await take(settings, tmp_path / "task")

    assert [(one.title, one.after) for one in taken.tasks] == [
        ("Same", ()),
        ("Same (2)", ()),
        ("Late", ("Same", "Same (2)")),
    ]
    assert taken.left_out == ["1 open tasks of roadmap, improvement, tracker or handoff"]
    assert (tmp_path / "task" / "repository" / "README.md").read_text() == "# Shelf\n"
    assert sorted(one.name for one in (tmp_path / "task" / "agents").iterdir()) == [
        "ada.md", "sam.md",
    ]  # fmt: skip


SCALARS = st.text() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(-1e9, 1e9)
NAMES = st.text(min_size=1, max_size=10)
TABLES = st.recursive(
    st.dictionaries(NAMES, SCALARS | st.lists(SCALARS, max_size=3), max_size=4),
    lambda inner: st.dictionaries(NAMES, SCALARS | inner | st.lists(inner, min_size=1), max_size=3),
    max_leaves=8,
)


@given(TABLES)
def test_what_is_written_as_toml_is_read_as_the_same(data: dict[str, Any]) -> None:
    assert tomllib.loads(toml_text(data)) == data


def test_where_a_secret_is_left(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    begin, end = (f"-----{word} PRIVATE KEY-----" for word in ("BEGIN", "END"))
    (tmp_path / "deep" / "id").write_text(f"words\n{begin}\nabcd\n{end}\n", encoding="utf-8")
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n{"b": "open-sesame-now"}\n', encoding="utf-8")
    (tmp_path / "clean").write_bytes(b"\xff<secret>\n/run/agent.sock")
    environ = {"SHOP_PASSPHRASE": "open-sesame-now", "SSH_AUTH_SOCK": "/run/agent.sock"}

    assert find_secrets(tmp_path, environ) == ["a.jsonl:2", "deep/id:2"]
