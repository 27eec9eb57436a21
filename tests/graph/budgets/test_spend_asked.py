"""Spending that a person is asked about, with calls that are really paid for."""

from __future__ import annotations

from typing import Any

from neveridle.board import TaskState
from neveridle.board.inbox_item import ItemKind

CALL = 0.85
"""US dollars of one call: 1,500 tokens sent and 100 answered, at the prices below."""


def priced(paid: Any, step: float) -> None:
    paid.project.settings["prices"] = {"openai:scripted": {"input": 500.0, "output": 1000.0}}
    paid.project.use("approvals", spend=step)


async def approvals(team: Any) -> list[Any]:
    found = await team.board.inbox.find()
    return [one for one in found if one.kind is ItemKind.APPROVAL]


async def test_paid_calls_are_asked_about_at_each_multiple_and_nothing_stays_held(
    paid: Any,
) -> None:
    priced(paid, 2 * CALL)
    paid.api.says(
        "A",
        *[paid.api.tool("run", command=f"echo {n}") for n in range(3)],
        paid.api.tool("write_file", path="a.txt", content="a\n"),
        paid.api.outcome(),
    )
    async with paid.project.team() as team:
        task = await team.dispatch("sam", "A")
        for number in (1, 2):
            report = await team.run(until="idle", timeout=60)
            assert report.endings == {"parked": 1}
            assert len(paid.api.asked) == 2 * number
            assert await paid.held(team.board) == (0, 0, 0)
            (item,) = await approvals(team)
            assert item.fingerprint == f"spend:{task.id}:{task.id}x{number}"
            assert item.evidence["spent"] == round(2 * number * CALL, 6)
            await team.board.answering.answer(item.id, by="eve")
        assert (await team.run(until="idle", timeout=60)).endings == {"completed": 1}
        (first, *_), rows = await team.board.attempts.of(task.id), await paid.rows(team.board)
        numbers = {one.number for one in await team.board.attempts.of(task.id)}
        calls = len(await team.board.events.find(kind="model.call"))
    assert (first.number, numbers) == (1, {1})  # one attempt went on
    assert calls == len(paid.api.asked) == rows[f"task:{task.id}", ""]["calls"]


async def test_a_no_blocks_the_task_with_one_alert_and_others_work_on(paid: Any) -> None:
    priced(paid, CALL)
    paid.api.says("A", paid.api.tool("run", command="true"), paid.api.outcome())
    async with paid.project.team() as team:
        task = await team.dispatch("sam", "A", needs_change=False)
        assert (await team.run(until="idle", timeout=60)).endings == {"parked": 1}
        (item,) = await approvals(team)
        await team.board.answering.answer(item.id, approved=False, by="eve")
        assert (await team.run(until="idle", timeout=60)).endings == {"blocked": 1}
        assert (await team.board.tasks.get(task.id)).state is TaskState.BLOCKED
        (alert,) = await team.board.inbox.find()
        assert alert.fingerprint == f"alert:task-blocked:{task.id}"
        assert not team.allowances.any_away
        assert await paid.held(team.board) == (0, 0, 0)
        asked = len(paid.api.asked)
        paid.works("B")
        await team.dispatch("sam", "B")
        report = await team.run(until="idle", timeout=60)
        assert report.endings["parked"] == 1  # its own step is asked about
    assert asked == 1


async def test_a_yes_holds_for_whom_the_work_is_handed_over_to(paid_here: Any) -> None:
    paid_here.project.soul("leo")
    priced(paid_here, 3 * CALL)
    outcome = paid_here.api.outcome(status="handed_off", handoff={"to": "leo", "action": "go on"})
    write = paid_here.api.tool("write_file", path="a.txt", content="a\n")
    runs = [paid_here.api.tool("run", command=f"echo {n}") for n in range(2)]
    paid_here.api.says("A", *runs, write, outcome)
    more = paid_here.api.tool("write_file", path="b.txt", content="b\n")
    paid_here.api.says("Continue: go on", more, paid_here.api.outcome())
    async with paid_here.project.team() as team:
        task = await team.dispatch("sam", "A")
        await team.run(until="idle", timeout=60)
        (item,) = await approvals(team)
        assert item.fingerprint == f"spend:{task.id}:{task.id}x1"
        await team.board.answering.answer(item.id, by="eve")
        await team.run(until="idle", timeout=60)
        asked = await team.board.inbox.find(state=None)
        attempts = [
            one for task in await team.board.tasks.find()
            for one in await team.board.attempts.of(task.id)
        ]  # fmt: skip
    assert {one.agent for one in attempts} == {"sam", "leo"}
    assert [one.fingerprint for one in asked if one.kind is ItemKind.APPROVAL] == [item.fingerprint]
