"""``neveridle status``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neveridle.board import Board, NewTask, Source
from neveridle.cli.status import status_of


def test_without_a_board_it_says_so_and_makes_none(cli: Callable[..., Any], project: Any) -> None:
    ended = cli("status")

    assert ended.code == 2
    assert "There is no board" in ended.err
    assert "neveridle run" in ended.err
    assert not project.board_file.parent.exists()


async def _busy(board: Board) -> None:
    for number, source in enumerate((Source.DISPATCH, Source.BACKLOG, Source.BACKLOG), start=1):
        await board.tasks.add(NewTask(source=source, title=f"Task {number} \x1b[2J[bold]"))
    sam = await board.runs.start("sam", role="backend", skills=[])
    leo = await board.runs.start("leo", role="frontend", skills=[])
    dispatch = await board.attempts.claim(
        agent="sam", run=sam, skills=[], source=Source.DISPATCH, lease=60
    )
    backlog = await board.attempts.claim(
        agent="leo", run=leo, skills=[], source=Source.BACKLOG, lease=60
    )
    assert dispatch is not None
    assert backlog is not None
    await board.attempts.block(backlog.attempt, owner="human", action="Choose a colour.")
    await board.events.append(
        "model.call", {"input_tokens": 1200, "output_tokens": 34}, agent="sam", task=1
    )
    await board.runs.end([leo])


def test_it_shows_agents_tasks_blocks_and_cost(cli: Callable[..., Any], project: Any) -> None:
    project.on_board(_busy)
    found = cli("status", "--json").json
    out = cli("status").out

    assert found["team"] == "testers"
    by_name = {agent["name"]: agent for agent in found["agents"]}
    assert by_name["sam"]["alive"] is True
    assert by_name["sam"]["task"] == 1
    assert by_name["leo"] == {
        "name": "leo", "role": "frontend", "alive": False, "heartbeat_at": None,
        "seconds_ago": None, "task": None, "state": "away", "since": None, "until": None,
        "reason": "", "paused": False, "doing": None,
    }  # fmt: skip
    sam = by_name["sam"]
    assert (sam["state"], sam["doing"]["rung"], sam["doing"]["phase"]) == (
        "working", "dispatch", "claimed",
    )  # fmt: skip
    counts = {(one["state"], one["source"]): one["count"] for one in found["tasks"]}
    assert counts == {
        ("in_progress", "dispatch"): 1,
        ("blocked", "backlog"): 1,
        ("pending", "backlog"): 1,
    }
    (blocked,) = found["blocked"]
    assert (blocked["owner"], blocked["action"]) == ("human", "Choose a colour.")
    assert found["model"] == {
        "calls": 1, "input_tokens": 1200, "output_tokens": 34, "cost": 0.0, "unpriced": 1,
    }  # fmt: skip
    for words in (
        "1 of 2 agents alive",
        "not running",
        "in progress",
        "Choose a colour.",
        "1,200 tokens in",
    ):
        assert words in out
    assert "\\x1b[2J[bold]" in out
    assert "\x1b" not in out
    assert max(map(len, out.splitlines())) <= 80


def test_tasks_that_wait_for_ever_are_shown(cli: Callable[..., Any], project: Any) -> None:
    async def work(board: Board) -> None:
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="Base"))
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="Top", after=(1,)))
        await board.tasks.cancel(1)

    project.on_board(work)

    assert cli("status", "--json").json["stuck"] == [
        {"id": 2, "title": "Top", "on": 1, "on_state": "cancelled"}
    ]
    assert "waits for #1, which is cancelled" in cli("status").out


def test_an_agent_is_alive_within_its_lease() -> None:
    def alive(heartbeat: float | None) -> bool:
        agent = {"name": "sam", "role": "r", "heartbeat_at": heartbeat, "task": None}
        numbers = {"now": 1000.0, "agents": [agent], "processes": []}
        (shown,) = status_of(numbers, lease=120)["agents"]
        return bool(shown["alive"])

    assert alive(1000.0)
    assert alive(880.0)
    assert not alive(879.0)
    assert not alive(None)


def test_where_agents_run_is_shown_where_there_are_several_processes(
    cli: Callable[..., Any], project: Any
) -> None:
    async def runs(board: Board) -> list[str]:
        from sqlalchemy import update

        from neveridle.board.schema import runs

        ids = [await board.runs.start(name, role="backend", skills=[]) for name in "abc"]
        where = {"host": "far.example", "pid": 77, "heartbeat_at": runs.c.heartbeat_at - 3600}
        await board.database.write(
            lambda c: c.execute(update(runs).where(runs.c.id == ids[2]).values(**where))
        )
        return ids

    ids = project.on_board(runs)
    found = cli("status", "--json").json["processes"]
    out = cli("status").out

    assert [(one["agents"], one["alive"]) for one in found] == [(2, True), (1, False)]
    assert (found[1]["host"], found[1]["pid"]) == ("far.example", 77)
    assert "far.example" in out
    assert "silent for 60 min" in out

    async def bury(board: Board) -> None:
        await board.runs.bury(ids)

    project.on_board(bury)
    assert cli("status", "--json").json["processes"] == []
    assert "Processes" not in cli("status").out
