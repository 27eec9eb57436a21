"""A task that its agent and the peer failed at waits for a person, who is called once."""

from __future__ import annotations

from typing import Any

from neveridle.board import HandoffDocument, NewTask, Source, TaskState
from neveridle.board.inbox_item import ItemState
from neveridle.errors import LimitReached, Stuck

CIRCLES = {"why": "repeats", "period": 1, "times": 8, "actions": [{"tool": "run"}]}


async def test_one_alert_has_all_attempts_of_all_agents_as_evidence(
    project: Any, hands: Any
) -> None:
    project.soul("leo")

    async def act(assignment: Any) -> Any:
        raise LimitReached(f"Too hard for {assignment.agent.name}.")

    hands.do("*", act)
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        (handoff,) = await team.board.handoffs.latest()
        (item,) = await team.board.inbox.find()
        assert (await team.run(until="idle", timeout=60)).attempts == []
    assert report.endings == {"failed": 6}
    leaf = handoff.dispatch_id
    assert (item.fingerprint, item.task, item.count) == (f"alert:task-failed:{leaf}", leaf, 1)
    assert item.title == f"Task {leaf} failed 6 times: Fix"
    assert f"`neveridle tasks retry {leaf}`" in item.body
    tried = [(one["task"], one["agent"], one["error"]) for one in item.evidence["attempts"]]
    assert tried == [
        *[(task.id, "sam", "Too hard for sam.")] * 3,
        *[(leaf, "leo", "Too hard for leo.")] * 3,
    ]
    async with project.team(worker=hands) as team:  # nor is it taken up after a restart
        assert (await team.run(until="idle", timeout=60)).attempts == []
        assert len(await team.board.inbox.find()) == 1


async def test_who_acts_is_not_called_any_more(project: Any, hands: Any) -> None:
    project.use("limits", attempts=1)
    hands.do("*", hands.fail(LimitReached("Too hard.")))
    async with project.team(worker=hands) as team:
        for how in ("retry", "hand over", "cancel"):
            task = await team.dispatch("sam", how)
            await team.run(until="idle", timeout=60)
            (item,) = await team.board.inbox.find()
            assert (item.task, item.state) == (task.id, ItemState.OPEN)
            if how == "retry":
                await team.board.tasks.retry(task.id)
            elif how == "hand over":
                await team.board.handoffs.give_by_hand(
                    task.id, sender="max", to="zoe",
                    document=HandoffDocument(summary="It is hard.", action="Do it"),
                )  # fmt: skip
            else:
                await team.board.tasks.cancel(task.id)
            assert await team.board.inbox.find() == []
            assert (await team.board.inbox.get(item.id)).state is ItemState.WITHDRAWN
            if how == "retry":
                await team.board.tasks.cancel(task.id)


async def test_a_task_that_went_in_circles_calls_until_it_is_done(project: Any, hands: Any) -> None:
    stuck = hands.fail(Stuck("Round and round.", evidence=CIRCLES))
    calls: list[list[Any]] = []

    async with project.team(worker=hands) as team:

        async def then(assignment: Any) -> Any:
            calls.append(await team.board.inbox.find())
            return await hands.leave({"a.txt": "a\n"})(assignment)

        hands.do("Fix", stuck, stuck, then)
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        attempts = await team.board.attempts.of(task.id)
        assert await team.board.inbox.find() == []
    assert report.endings == {"failed": 2, "completed": 1}
    ((item,),) = calls
    assert (item.fingerprint, item.count) == (f"alert:stuck:{task.id}", 2)
    assert item.evidence == CIRCLES
    assert attempts[0].evidence["circles"] == CIRCLES
    assert (attempts[0].error_code, attempts[0].error) == ("stuck", "Round and round.")


async def test_no_rung_brings_it_back(project: Any, hands: Any) -> None:
    """Neither roadmap nor an improvement finder makes the same task again."""
    project.commit({
        "ROADMAP.md": "# Roadmap\n\n- [ ] Page\n",
        "odd.py": "def odd(x):\n    return x % 2  # TODO: say what happens with negative numbers\n",
    })  # fmt: skip
    project.use("improvement", enabled=True, finders=["todo"])
    await project.script()
    hands.do("*", hands.fail(LimitReached("Too hard.")))
    async with project.team(worker=hands) as team:
        first = await team.run(until="idle")
        tasks = await team.board.tasks.find()
    assert {one.source for one in tasks} == {Source.ROADMAP, Source.IMPROVEMENT}
    assert first.endings == {"failed": 3 * len(tasks)}
    assert {one.state for one in tasks} == {TaskState.BLOCKED}
    project.commit({"more.txt": "somebody works on\n"})
    async with project.team(worker=hands) as team:
        for _ in range(3):
            await team.board.clock.advance(86_400)
            assert (await team.run(until="idle")).attempts == []
        assert len(await team.board.tasks.find()) == len(tasks)
        assert len(await team.board.inbox.find()) == len(tasks)
        await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="Other"))
        hands.do("Other", hands.leave({"b.txt": "b\n"}))
        assert (await team.run(until="idle")).endings == {"completed": 1}
