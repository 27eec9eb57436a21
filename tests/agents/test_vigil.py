"""The vigil in the running team: who goes round in circles is told once, then stopped."""

from __future__ import annotations

from typing import Any

from neveridle.board import TaskState


async def test_who_repeats_itself_is_told_once_and_then_stopped(project: Any, api: Any) -> None:
    api.use(project)
    project.use("limits", attempts=1)
    api.says("Fix", api.tool("read_file", path="calc.py"))
    async with project.team() as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        (attempt,) = await team.board.attempts.of(task.id)
        nudged = await team.board.events.find(kind="attempt.nudged")
        state = (await team.board.tasks.get(task.id)).state
    assert (report.endings, state) == ({"failed": 1}, TaskState.BLOCKED)
    assert attempt.error_code == "stuck"
    assert len(api.asked) == 8
    told = ["# You go round in circles" in body["messages"][0]["content"] for body in api.asked]
    assert told == [False] * 4 + [True] * 4
    assert [event.data["why"] for event in nudged] == ["repeats"]
