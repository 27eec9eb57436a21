"""``neveridle metrics``: the figures of a board, in words, as JSON, at 80 columns."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from neveridle.board import Board, NewTask, Source

NOW = 1_000_000.0


async def _day(board: Board) -> None:
    """One task done in ten minutes, one given up, in forty minutes of an agent."""
    await board.clock.script(NOW - 7_200)
    run = await board.runs.start("sam", role="backend", skills=[])
    for title in ("one", "two"):
        await board.tasks.add(NewTask(source=Source.BACKLOG, title=title))
    for ends in (True, False):
        claim = await board.attempts.claim(
            agent="sam", run=run, skills=[], source=Source.BACKLOG, lease=9_999
        )
        assert claim is not None
        await board.clock.advance(600)
        data = {"purpose": "work", "model": "gpt-5", "rung": "backlog", "input_tokens": 1_000,
                "output_tokens": 50, "cost": 12_000_000, "tries": 2}  # fmt: skip
        await board.events.append("model.call", data, agent="sam", task=claim.task.id)
        if ends:
            await board.attempts.complete(claim.attempt)
        else:
            await board.attempts.block(claim.attempt, owner="human", action="decide")
    await board.clock.advance(1_200)
    await board.runs.end([run])
    await board.clock.script(NOW)


@pytest.fixture
def day(project: Any) -> Any:
    """The project after that day."""
    project.board_file.parent.mkdir(exist_ok=True)
    project.on_board(_day)
    return project


def test_json_has_all_figures(cli: Callable[..., Any], day: Any) -> None:
    found = cli("metrics", "--json", "--by", "hour").json
    assert found["team"] == "testers"
    values = {name: (one["value"], one["status"]) for name, one in found["metrics"].items()}
    assert values == {
        "throughput": (1.5, "missed"),  # one task in 40 minutes of an agent
        "success_rate": (0.5, "missed"),
        "mean_time": (600.0, "ok"),
        "idle_time": (0.5, "missed"),
        "retry_rate": (0.5, "missed"),
        "escalation_rate": (0.0, "ok"),
    }
    assert found["dashboard"] == {
        "tasks": 2, "completion_seconds": 600.0, "success_rate": 0.5, "utilization": 0.5,
        "cost": 0.024,
    }  # fmt: skip
    assert found["spend"]["idle"]["calls"] == 0
    assert found["spend"]["by_rung"]["backlog"]["cost"] == 0.024
    assert [one["agent"] for one in found["agents"]] == ["sam"]
    assert len(found["series"]) == 24
    assert sum(one["counts"]["completed"] for one in found["series"]) == 1


def test_of_nobody_there_is_nothing_to_judge(cli: Callable[..., Any], day: Any) -> None:
    found = cli("metrics", "--json", "--agent", "nobody").json
    assert {one["status"] for one in found["metrics"].values()} == {"none"}
    assert {one["value"] for one in found["metrics"].values()} == {None}
    assert found["dashboard"]["cost"] == 0.0
    assert "series" not in found


@pytest.mark.parametrize("by", ["agent", "rung", "model", "hour", "day"])
def test_it_fits_into_80_columns(
    cli: Callable[..., Any], day: Any, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    ended = cli("metrics", "--since", "all", "--by", by)
    assert ended.code == 0
    lines = ended.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "Metrics of team testers" in lines[0]
    assert any(line.startswith("Success rate") and "50.0%" in line for line in lines)
    assert any(line.startswith("while idle") for line in lines)
    assert "$0.02" in ended.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--since", "yesterday"], "'yesterday' is no time"),
        (["--since", "1h", "--until", "2h"], "ends before it begins"),
        (["--by", "colour"], "'colour' is no way"),
        (["--since", "9w", "--by", "hour"], "up to 1,000 buckets"),
    ],
)
def test_a_window_that_is_none_is_refused(
    cli: Callable[..., Any], day: Any, words: list[str], says: str
) -> None:
    ended = cli("metrics", *words)
    assert ended.code in (2, 4)
    assert says in ended.err


def test_without_a_board_it_says_so_and_makes_none(cli: Callable[..., Any], project: Any) -> None:
    ended = cli("metrics")
    assert ended.code == 2
    assert "There is no board" in ended.err
    assert not project.board_file.parent.exists()


def test_it_starts_without_sqlalchemy(day: Any) -> None:
    code = (
        "import sys\nfrom neveridle.cli.app import run\n"
        "code = run(['metrics', '--json', '--config', sys.argv[1]])\n"
        "heavy = [name for name in ('sqlalchemy', 'langgraph', 'alembic') if name in sys.modules]\n"
        "print(heavy, file=sys.stderr)\nsys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, str(day.folder / "neveridle.toml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "[]"
