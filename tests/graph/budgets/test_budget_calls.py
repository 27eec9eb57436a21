"""Which calls are paid for, and what is left of one whose process was killed."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from typing import Any

import pytest
from sqlalchemy import select

from neveridle.board import NewTask, Source, TaskState
from neveridle.board.schema import events, metadata

RUN = """
import asyncio, json, sys
from pathlib import Path
from neveridle import Team
from neveridle.settings.loader import settings_from

async def main():
    async with Team(settings_from(json.loads(sys.argv[2]), Path(sys.argv[1]))) as team:
        await team.run(until="forever")

asyncio.run(main())
"""


@pytest.mark.postgres_in_chaos
async def test_a_process_killed_in_the_middle_of_a_call_leaves_no_room_for_another(
    paid: Any, running: Any, until: Any
) -> None:
    there, go = threading.Event(), threading.Event()

    def hang() -> dict[str, Any]:
        there.set()
        go.wait(60)
        return dict(paid.api.outcome())

    paid.api.says("A", {"hang": hang})
    await paid.project.script()
    async with paid.project.board() as board:
        task = await board.tasks.add(NewTask(source=Source.BACKLOG, title="A"))
    given = json.dumps(paid.project.settings)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, str(paid.project.root), given
    )
    try:
        await until(lambda: there.is_set() or process.returncode is not None)
        assert process.returncode is None
    finally:
        process.kill()
        await process.wait()
        go.set()
    async with paid.project.board() as board:
        worst = (await paid.rows(board))["team", ""]["held_tokens"]
    assert worst > 1000

    paid.caps(team={"tokens": worst + 100})
    async with paid.project.team() as team:
        run = running(team)
        await team.board.clock.advance(
            team.purse.seconds + 1
        )  # its lease has ended, and its call is lost
        await team.keeper.sweep()
        await team.board.budgets.book_lost()
        for _ in range(100):
            await asyncio.sleep(0.01)
            run.check()
        rows = await paid.rows(team.board)
        (lost,) = await team.board.events.find(kind="budget.call_lost")
        state = (await team.board.tasks.get(task.id)).state
    assert (rows["team", ""]["tokens"], rows["team", ""]["held_tokens"]) == (worst, 0)
    assert (lost.agent, lost.task_id) == ("sam", task.id)
    assert (len(paid.api.asked), state) == (1, TaskState.PENDING)


@pytest.mark.parametrize("cap", [9_000, 16_000])
async def test_a_runaway_model_is_stopped_before_the_call_that_might_exceed_the_cap(
    paid_here: Any, running: Any, cap: int
) -> None:
    paid_here.runs_away("A")
    paid_here.caps(day={"tokens": cap})
    worst: list[int] = []
    async with paid_here.project.team() as team:
        reserve = team.board.budgets.reserve

        async def watched(call: Any, caps: Any) -> Any:
            worst.append(call.tokens)
            return await reserve(call, caps)

        team.board.budgets.reserve = watched
        await team.dispatch("sam", "A")
        await running(team).waits()
        rows = await paid_here.rows(team.board)
    (day,) = [row for (scope, _), row in rows.items() if scope == "day"]
    made = len(paid_here.api.asked)
    assert day["tokens"] == 1600 * made
    assert len(worst) == made + 1  # one was refused, and nothing was tried again
    for before, held in enumerate(worst):
        assert (1600 * before + held <= cap) == (before < made)


async def test_an_answer_is_as_long_as_the_worst_case_says_where_there_is_a_budget(
    paid_here: Any,
) -> None:
    paid_here.works("A", "B")
    paid_here.project.use("model", max_output_tokens=None)
    async with paid_here.project.team() as team:
        await team.dispatch("sam", "A")
        await team.run(until="idle")
    assert {body.get("max_completion_tokens") for body in paid_here.api.asked} == {None}
    paid_here.api.asked.clear()
    paid_here.project.use("agents", sam={"budget": {"cost": 100.0}})
    async with paid_here.project.team() as team:
        assert any("openai:scripted is not known" in one for one in team.notices)
        await team.dispatch("sam", "B")
        await team.run(until="idle")
    assert {body.get("max_completion_tokens") for body in paid_here.api.asked} == {200}


async def test_lessons_and_summaries_are_paid_for_too(paid_here: Any) -> None:
    paid_here.project.use("memory", enabled=True)
    paid_here.project.use("compaction", window=9000, share=0.7, keep=4)
    lines = [f"line {number} of some length, ticket NEV-{number}" for number in range(60)]
    paid_here.project.commit({"long.txt": "\n".join(lines)})
    steps = [paid_here.api.tool("read_file", path="long.txt")] * 8
    paid_here.api.says("A", *steps, paid_here.api.outcome())
    parts = ("goal", "decisions", "files", "questions", "steps", "done")
    summary = {name: ["It was read."] if name == "done" else [] for name in parts}
    paid_here.api.says("Summary so far", paid_here.api.text(json.dumps(summary)))
    async with paid_here.project.team() as team:
        await team.dispatch("sam", "A", needs_change=False)
        report = await team.run(until="idle")
        calls = await team.board.events.find(kind="model.call")
        rows = await paid_here.rows(team.board)
        assert await paid_here.held(team.board) == (0, 0, 0)
    spent = sum(one.data["input_tokens"] + one.data["output_tokens"] for one in calls)
    assert {one.data["purpose"] for one in calls} == {"work", "learn", "compact"}
    assert len(calls) == len(paid_here.api.asked) == report.model_calls
    assert all(row["tokens"] == spent for row in rows.values())


async def test_no_secret_and_no_text_of_a_call_is_written(
    paid_here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sk-a-secret-of-the-purse-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    paid_here.api.says("Secretive title", 401)
    paid_here.caps(day={"tokens": 100_000})
    async with paid_here.project.team() as team:
        await team.dispatch("sam", "Secretive title")
        await team.run(until="idle")

        def everything(c: Any) -> str:
            tables = [metadata.tables[name] for name in ("budgets", "reservations", "permits")]
            rows = [str(row) for table in tables for row in c.execute(select(table))]
            rows += [
                str(row) for row in c.execute(select(events).where(events.c.kind.like("budget%")))
            ]
            return "\n".join(rows)

        written = await team.board.database.read(everything)
        left = await paid_here.held(team.board)
    assert written
    assert secret not in written
    assert "Secretive" not in written
    assert left == (0, 0, 0)
