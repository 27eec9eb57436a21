"""Agents who work in parallel, and the lead who goes on when all of them are done."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from neveridle.board import NewTask, NextPhase, Policy, Source, Standing, TaskState


@pytest.fixture
def pair(project: Any) -> Any:
    project.soul("leo", role="frontend", skills="html")
    project.soul("max", role="lead", skills="git")
    project.commit({"ROADMAP.md": "Nothing planned.\n"})
    return project


async def parallel(team: Any, **more: Any) -> Any:
    """A sync point of sam and leo, each with a part; max goes on."""
    return await team.board.sync_points.create(
        "merge", participants=["sam", "leo"], lead="max",
        next_phase=NextPhase(title="Integrate", description="See that both fit."),
        tasks=[
            NewTask(source=Source.BACKLOG, title="API", assignee="sam"),
            NewTask(source=Source.BACKLOG, title="UI", assignee="leo"),
        ],
        **more,
    )  # fmt: skip


async def standings(team: Any) -> list[Standing]:
    return [place.status for place in (await team.board.sync_points.get("merge")).places]


async def test_the_lead_goes_on_when_the_agents_have_done_their_parts(
    pair: Any, hands: Any
) -> None:
    hands.do("API", hands.leave({"api.txt": "api\n"}))
    hands.do(
        "UI",
        hands.leave(
            {"ui.txt": "ui\n"}, status="handed_off", summary="Half.",
            handoff={"to": "sam", "action": "Finish it"},
        ),
    )  # fmt: skip
    hands.do("Continue: Finish it", hands.leave({"more.txt": "more\n"}))
    hands.do("Integrate", hands.leave({"all.txt": "all\n"}))
    async with pair.team(worker=hands) as team:
        await parallel(team)
        report = await team.run(until="idle", timeout=60)
        point = await team.board.sync_points.get("merge")
        states = {task.state for task in await team.board.tasks.find()}
    assert report.endings == {"completed": 3, "handed_off": 1}
    assert (str(point.state), states) == ("released", {TaskState.COMPLETED})
    integrate = next(a for a in hands.seen if a.task.title == "Integrate")
    assert hands.seen[-1] is integrate
    assert (integrate.agent.name, integrate.task.source) == ("max", Source.DISPATCH)
    assert integrate.task.description.startswith("See that both fit.\n\nAll have checked in")
    assert '"API": completed, branch neveridle/1-api ' in integrate.task.description
    assert '"UI": completed, branch neveridle/' in integrate.task.description
    assert integrate.tree is not None
    for name in ("api", "ui", "more", "all"):
        assert pair.shows(f"{name}.txt") == name


async def test_an_agent_that_is_blocked_holds_the_point_and_says_why(pair: Any, hands: Any) -> None:
    hands.do("API", hands.leave({"api.txt": "api\n"}))
    hands.do(
        "UI", hands.leave(status="blocked", summary="-", owner="human", action="draw the design")
    )
    hands.do("Integrate", hands.leave({"all.txt": "all\n"}))
    async with pair.team(worker=hands) as team:
        await team.board.clock.script(1e6)
        await parallel(team, within=60.0, policy=Policy.GO_ON)
        run = asyncio.create_task(team.run(until="idle"))
        while Standing.EXPECTED in await standings(team):  # noqa: ASYNC110 - another task's doing
            await asyncio.sleep(0.02)
        sam, leo = (await team.board.sync_points.get("merge")).places
        assert (sam.status, leo.status) == (Standing.READY, Standing.BLOCKED)
        assert leo.reason == f"task {leo.tasks[0]} waits for human: draw the design"
        said = [message.content for message in await team.board.messages.latest("dev")]
        assert f"@max I am blocked at sync point 'merge': {leo.reason}" in said
        assert not run.done()  # it waits for the deadline, and goes on without as declared
        await team.board.clock.advance(60)
        report = await run
    assert report.endings == {"completed": 2, "blocked": 1}
    assert 'leo: missing, blocked: "task 2 waits for human: draw' in (
        hands.seen[-1].task.description
    )
