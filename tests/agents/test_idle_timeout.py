"""An attempt in which nothing finishes ends; so does one that worked for too long in all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.tools import tool

from neveridle.board import Phase, TaskState
from neveridle.errors import SettingsInvalid
from neveridle.settings import Settings
from neveridle.settings.loader import settings_from


async def test_an_attempt_in_which_nothing_finishes_fails_with_its_own_code(
    project: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.use(project)
    await project.script()
    project.use("limits", idle_timeout=200, attempts=1)
    stuck = asyncio.Event()

    @tool
    async def hang() -> str:
        """Never answer."""
        stuck.set()
        await asyncio.sleep(3600)
        return "unreachable"

    def tools_for(workspace: Any) -> list[Any]:
        return [hang]

    api.says("Fix", api.tool("hang"))
    async with project.team() as team:
        monkeypatch.setattr(team, "tools_for", tools_for)
        task = await team.dispatch("sam", "Fix")
        run = asyncio.create_task(team.run(until="idle"))
        await stuck.wait()
        await team.board.clock.advance(199)
        await asyncio.sleep(0.1)
        assert team.desk.jobs
        await team.board.clock.advance(1)
        report = await run
        (attempt,) = await team.board.attempts.of(task.id)
    assert report.endings == {"failed": 1}
    assert attempt.error_code == "no-progress"
    assert attempt.error == (
        "Nothing finished for 200 seconds: no model call, no tool call. "
        "limits.idle_timeout sets how long."
    )


async def test_what_finishes_is_progress(
    project: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.use(project)
    await project.script()
    project.use("limits", idle_timeout=200, attempts=1)
    calls = 0

    @tool
    async def step() -> str:
        """Take 150 seconds."""
        nonlocal calls
        calls += 1
        await team.board.clock.advance(150)
        return "done"

    def tools_for(workspace: Any) -> list[Any]:
        return [step, *real(workspace)]

    write = api.tool("write_file", path="a.txt", content="a\n")
    api.says("Fix", *[api.tool("step")] * 5, write, api.outcome())
    async with project.team() as team:
        real = team.tools_for
        monkeypatch.setattr(team, "tools_for", tools_for)
        await team.dispatch("sam", "Fix")
        report = await team.run(until="idle")
    assert (report.endings, calls) == ({"completed": 1}, 5)


async def test_a_command_has_limits_of_its_own(project: Any, api: Any, until: Any) -> None:
    """It may run for longer than the attempt may be idle, as long as it says something."""
    api.use(project)
    await project.script()
    project.use("limits", idle_timeout=200, attempts=1)
    talks = "touch begun; while [ ! -e go ]; do echo at it; sleep 0.05; done"
    write = api.tool("write_file", path="a.txt", content="a\n")
    api.says("Fix", api.tool("run", command=talks), write, api.outcome())
    async with project.team() as team:
        await team.dispatch("sam", "Fix")
        run = asyncio.create_task(team.run(until="idle"))
        await until(lambda: list((project.home / "work").glob("*/tree/begun")))
        for _ in range(5):
            await team.board.clock.advance(199)
            await asyncio.sleep(0.05)
        next((project.home / "work").glob("*/tree/begun")).with_name("go").touch()
        report = await run
    assert report.endings == {"completed": 1}


async def test_a_silent_command_is_ended_and_the_model_is_told(project: Any, api: Any) -> None:
    api.use(project)
    project.use("model", timeout=0.5)
    project.use("limits", idle_timeout=0.6, attempts=1)
    write = api.tool("write_file", path="a.txt", content="a\n")
    api.says("Fix", api.tool("run", command="echo first; sleep 361.5"), write, api.outcome())
    async with project.team() as team:
        await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
    assert report.endings == {"completed": 1}
    said = [m["content"] for m in api.asked[1]["messages"] if m["role"] == "tool"]
    assert "it had printed nothing for too long (limits.idle_timeout)" in said[0]
    assert said[0].endswith("first")


async def test_the_total_counts_what_was_worked_before_a_resumption(
    project: Any, api: Any, until: Any
) -> None:
    api.use(project)
    await project.script()
    project.use("limits", attempt_timeout=600, attempts=1)
    wait = api.tool("run", command="touch begun; while true; do echo x; sleep 0.1; done")
    api.says("Fix", wait)
    async with project.team() as team:
        task = await team.dispatch("sam", "Fix")
        run = asyncio.create_task(team.run(until="idle"))
        await until(lambda: list((project.home / "work").glob("*/tree/begun")))
        for _ in range(20):
            await team.board.clock.advance(20)
            await team.keeper.beat()
        run.cancel()  # Ctrl-C after 400 seconds of work
        await asyncio.gather(run, return_exceptions=True)
        await team.board.clock.advance(50_000)  # it was night

        next((project.home / "work").glob("*/tree/begun")).unlink()
        run = asyncio.create_task(team.run(until="idle"))
        await until(lambda: list((project.home / "work").glob("1-2/tree/begun")))
        for passed in range(0, 200, 20):
            assert team.desk.jobs, passed
            await team.board.clock.advance(20)
            await team.keeper.beat()
        report = await run
        first, second = await team.board.attempts.of(task.id)
        assert await team.board.attempts.worked_before(second) == 400.0
    assert report.endings == {"failed": 1}
    assert (first.number, second.number, second.error_code) == (1, 1, "limit-reached")
    assert second.error.startswith("The attempt took longer than 600 seconds.")


async def test_who_has_no_time_left_calls_no_model(project: Any, api: Any) -> None:
    api.use(project)
    await project.script()
    project.use("limits", attempt_timeout=100, attempts=1)
    project.use("leases", lease=60, heartbeat=20)
    async with project.team() as team:
        task = await team.dispatch("sam", "Fix")
        # Of another process: what nobody here works on our keeper would return.
        run = await team.board.runs.start("sam", role="backend", skills=["python"])
        won = await team.board.attempts.claim(
            agent="sam", run=run, skills=["python"], source=task.source, lease=60
        )
        await team.board.attempts.record(won.attempt, phase=Phase.CLAIMED)
        for _ in range(5):
            await team.board.clock.advance(20)
            await team.board.attempts.renew([run], lease=60)
        await team.board.attempts.release(won.attempt)
        await team.run(until="idle", ticks=1)
        assert (await team.board.tasks.get(task.id)).state is TaskState.BLOCKED
    assert api.asked == []


def test_what_contradicts_is_refused() -> None:
    assert Settings().idle_timeout == 900.0
    settings = Settings.model_validate({"sandbox": {"timeout": 4000}, "model": {"timeout": 600}})
    assert settings.idle_timeout == 4000
    settings = Settings.model_validate({"model": {"timeout": 600}})
    assert settings.idle_timeout == 1200
    settings = Settings.model_validate({"limits": {"idle_timeout": 300}})
    assert settings.idle_timeout == 300  # and a silent command is ended then


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"limits": {"idle_timeout": 100}}, "a model call within its time would end the attempt"),
        ({"limits": {"idle_timeout": 4000}}, "it could never be reached"),
        ({"leases": {"lease": 30, "heartbeat": 20}}, "heartbeat must be at most half of lease"),
    ],
)
def test_a_contradiction_is_explained(tables: Any, said: str, tmp_path: Any) -> None:
    with pytest.raises(SettingsInvalid, match=said):
        settings_from(tables, tmp_path)
