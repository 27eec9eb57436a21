"""Who tried often enough asks a peer, once; then a person."""

from __future__ import annotations

from typing import Any

from neveridle.board import NewTask, Source, TaskState
from neveridle.errors import LimitReached, ServiceError


async def test_a_peer_with_the_skill_is_asked_and_goes_on_from_the_work_so_far(
    project: Any, hands: Any
) -> None:
    project.soul("ann", skills="design")
    project.soul("leo", skills="python, sql")
    seen: list[Any] = []

    async def act(assignment: Any) -> Any:
        seen.append(assignment)
        if assignment.agent.name == "leo":
            assert (assignment.tree / "half.txt").read_text() == "half\n"
            return await hands.leave({"whole.txt": "whole\n"})(assignment)
        (assignment.tree / "half.txt").write_text("half\n")
        raise LimitReached("Too hard.")

    hands.do("*", act)
    async with project.team(worker=hands) as team:
        task = await team.board.tasks.add(
            NewTask(source=Source.DISPATCH, title="Fix", assignee="sam", skills=("python",))
        )
        report = await team.run(until="idle", timeout=60)
        (handoff,) = await team.board.handoffs.latest()
        (event,) = await team.board.events.find(kind="task.escalated")
        attempts = await team.board.attempts.of(task.id)
        states = {one.id: one.state for one in await team.board.tasks.find()}
    assert report.endings == {"failed": 3, "completed": 1}
    assert [one.agent.name for one in seen] == ["sam", "sam", "sam", "leo"]
    assert states == {task.id: TaskState.COMPLETED, handoff.dispatch_id: TaskState.COMPLETED}
    assert [one.error_code for one in attempts] == ["limit-reached"] * 3
    assert event.data == {
        "level": "PEER_ASSIST",
        "code": "limit-reached",
        "to": "leo",
        "failures": 3,
    }
    assert (handoff.sender, handoff.receiver, handoff.verified) == ("sam", "leo", False)
    assert "3 attempts failed, the last with: Too hard." in handoff.document.summary
    assert seen[-1].handoff == handoff
    assert (project.shows("half.txt"), project.shows("whole.txt")) == ("half", "whole")
    assert (project.clones, project.branches) == ([], [])


async def test_one_peer_is_asked_and_then_a_person(project: Any, hands: Any) -> None:
    project.soul("leo")
    project.soul("zoe")
    hands.do("*", hands.fail(LimitReached("Too hard.")))
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        (handoff,) = await team.board.handoffs.latest()
        asked = await team.board.tasks.get(handoff.dispatch_id)
        waiting = await team.board.tasks.get(task.id)
        events = await team.board.events.find(kind="task.escalated")

        assert report.endings == {"failed": 6}
        assert (waiting.state, waiting.waiting_on) == (TaskState.WAITING, f"task:{asked.id}")
        assert (asked.state, asked.blocked_owner) == (TaskState.BLOCKED, "human")
        assert [one.data["level"] for one in events] == ["PEER_ASSIST", "HUMAN_ALERT"]

        # A person lets it be tried again: no further peer is asked.
        await team.board.tasks.retry(asked.id)
        await team.run(until="idle", timeout=60)
        assert len(await team.board.handoffs.latest()) == 1
        assert (await team.board.tasks.get(asked.id)).state is TaskState.BLOCKED


async def test_nobody_is_asked_who_cannot(project: Any, hands: Any) -> None:
    project.soul("ann", skills="design")
    project.soul("leo", skills="python")
    project.use("agents", leo={"paused": True})
    hands.do("*", hands.fail(LimitReached("Too hard.")))
    async with project.team(worker=hands) as team:
        task = await team.board.tasks.add(
            NewTask(source=Source.DISPATCH, title="Fix", assignee="sam", skills=("python",))
        )
        await team.run(until="idle", timeout=60)
        assert await team.board.handoffs.latest() == []
        assert (await team.board.tasks.get(task.id)).state is TaskState.BLOCKED


async def test_an_outage_breeds_no_dispatches(project: Any, hands: Any) -> None:
    project.soul("leo")
    hands.do("*", hands.fail(ServiceError("Down.")))
    await project.script()
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        for _ in range(12):
            await team.run(until="idle", ticks=2)
            await team.board.clock.advance(600)
            await team.keeper.sweep()
        assert (await team.board.tasks.get(task.id)).state is TaskState.BLOCKED
        assert await team.board.handoffs.latest() == []
