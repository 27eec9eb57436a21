"""The four rungs, in their order; none stops the others."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from neveridle.board import NewTask, Source, Task, TaskState
from neveridle.graph.report import RunReport
from neveridle.graph.sources.tracker import Ticket


class Outside:
    """A tracker that is not the board; it may be out of order."""

    name = "outside"

    def __init__(self, *tickets: Ticket) -> None:
        self.listed = list(tickets)
        self.error: Exception | None = None
        self.asked = 0

    async def changed(self, token: str) -> str | None:
        self.asked += 1
        if self.error is not None:
            raise self.error
        now = repr(self.listed)
        return None if token == now else now

    async def tickets(self) -> Sequence[Ticket]:
        return self.listed

    async def create(self, ticket: Ticket) -> str:
        self.listed.append(ticket)
        return ticket.ref

    async def set_state(self, task: Task, state: str) -> None:
        """Nothing."""

    async def comment(self, task: Task, text: str) -> None:
        """Nothing."""


async def test_agents_pull_from_dispatch_backlog_roadmap_improvement_in_this_order(
    project: Any, hands: Any
) -> None:
    project.commit({"ROADMAP.md": "- [ ] Plan\n", "old.py": "# TODO: tidy up\n"})
    project.use("improvement", enabled=True, finders=["todo"], threshold=0.0)
    async with project.team(worker=hands) as team:
        await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="Ticket"))
        await team.dispatch("sam", "Order")

        report = await team.run(until="idle", timeout=60)

    assert [line.rung for line in report.attempts] == [
        "dispatch",
        "backlog",
        "roadmap",
        "improvement",
    ]
    assert [line.ending for line in report.attempts] == ["completed"] * 4
    rungs = [f"check_{line.rung}" for line in report.attempts]
    assert [line.path[line.path.index("claim") - 1] for line in report.attempts] == rungs
    assert report.attempts[3].path[:6] == ("heartbeat", *rungs, "claim")
    assert report.reason == "idle"
    assert report.idle_model_calls == 0


async def test_a_roadmap_that_cannot_be_read_and_a_tracker_that_is_down_stop_nothing(
    project: Any, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(text: str, path: str, roster: Any) -> Any:
        raise RecursionError("nested too deeply")

    project.commit({"ROADMAP.md": "- [ ] Plan\n", "old.py": "# TODO: tidy up\n"})
    project.use("improvement", enabled=True, finders=["todo"], threshold=0.0)
    tracker = Outside(Ticket(ref="A-1", title="From outside"))
    tracker.error = ConnectionError("nobody is there")
    monkeypatch.setattr("neveridle.graph.sources.sources.roadmap_entries", broken)
    await project.script()
    async with project.team(worker=hands, tracker=tracker) as team:
        await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="Ticket"))
        await team.dispatch("sam", "Order")

        report = await team.run(until="idle")

        assert [line.rung for line in report.attempts] == ["dispatch", "backlog", "improvement"]
        assert {problem["message"].split(" at ")[0] for problem in report.problems} == {
            "RecursionError",
            "ConnectionError",
        }

        monkeypatch.undo()
        tracker.error = None
        await team.board.clock.advance(3600)
        later = await team.run(until="idle")
    assert {line.title for line in later.attempts} == {"From outside", "Plan"}


async def test_a_source_that_stays_broken_is_told_of_once_and_asked_once_a_minute(
    project: Any, hands: Any
) -> None:
    tracker = Outside()
    tracker.error = ConnectionError("nobody is there")
    await project.script()
    async with project.team(worker=hands, tracker=tracker) as team:
        for _ in range(5):
            await team.run(until="idle")
        asked = tracker.asked
        for _ in range(3):
            await team.board.clock.advance(61)
            await team.run(until="idle")
        problems = await team.board.events.find(kind="team.problem")
    assert asked == 1  # when the team was opened
    assert tracker.asked == asked + 3
    assert len(problems) == 1


async def test_an_outside_tracker_is_looked_at_again_without_being_told_to(
    project: Any, hands: Any
) -> None:
    tracker = Outside()
    await project.script()
    async with project.team(worker=hands, tracker=tracker) as team:
        assert (await team.run(until="idle")).attempts == []
        tracker.listed.append(Ticket(ref="A-1", title="New"))
        await team.board.clock.advance(61)
        report = await team.run(until="idle")
    assert [line.title for line in report.attempts] == ["New"]


async def test_tasks_go_to_whom_they_are_addressed_and_to_whoever_can(
    project: Any, hands: Any
) -> None:
    project.soul("leo", role="frontend", skills="html")
    async with project.team(worker=hands) as team:
        await team.dispatch("LEO", "For Leo")
        await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="Page", skills=("html",)))
        await team.board.tasks.add(
            NewTask(source=Source.BACKLOG, title="Nobody can", skills=("cobol",))
        )
        report = await team.run(until="idle", timeout=60)
        counts = await team.board.tasks.counts()
    assert {(line.title, line.agent) for line in report.attempts} == {
        ("For Leo", "leo"),
        ("Page", "leo"),
    }
    assert counts[TaskState.PENDING] == 1


async def test_a_paused_agent_takes_nothing(project: Any, hands: Any) -> None:
    project.settings["agents"] = {"sam": {"paused": True}}
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Order")
        report = await team.run(until="idle", timeout=60)
        state = await team.graph.ainvoke({"agent": "sam"})
    assert report.attempts == []
    assert state["path"] == ["heartbeat", "rest"]


async def test_two_teams_on_one_board_do_each_task_once(project: Any, hands: Any) -> None:
    project.soul("leo")
    project.soul("quinn")
    project.settings["delivery"]["mode"] = "branch"
    async with project.team(worker=hands) as one, project.team(worker=hands) as other:
        for number in range(8):
            await one.board.tasks.add(NewTask(source=Source.BACKLOG, title=f"Task {number}"))
        runs = (team.run(until="idle", timeout=120) for team in (one, other))
        reports: list[RunReport] = await asyncio.gather(*runs)
        completed = await one.board.events.find(kind="task.completed")
    lines = [line for report in reports for line in report.attempts]
    assert sorted(line.title for line in lines) == [f"Task {number}" for number in range(8)]
    assert {line.ending for line in lines} == {"completed"}
    assert len(completed) == len(hands.seen) == 8


async def test_a_lost_claim_returns_to_its_rung_a_bounded_number_of_times(
    team: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else is always faster: each task seen is gone when it is claimed."""
    for number in range(10):
        await team.board.tasks.add(NewTask(source=Source.BACKLOG, title=f"Task {number}"))
    claim = team.board.attempts.claim
    rival = await team.board.runs.start("rival", role="", skills=[])

    async def slow_claim(**who: Any) -> Any:
        named: dict[str, Any] = {**who, "agent": "rival", "run": rival}
        taken = await claim(**named)
        assert taken is not None
        return None

    monkeypatch.setattr(team.board.attempts, "claim", slow_claim)
    state = await team.graph.ainvoke({"agent": "sam"})
    limit = team.settings.limits.claim_retries
    assert state["path"] == [
        "heartbeat",
        "check_dispatch",
        *["check_backlog", "claim"] * limit,
        "check_roadmap",
        "check_improvement",
        "rest",
    ]


async def test_a_finished_dependency_wakes_what_waited_for_it(team: Any) -> None:
    first = await team.dispatch("sam", "First")
    second = await team.dispatch("sam", "Second", priority="urgent", after=(first.id,))
    report = await team.run(until="idle", timeout=60)
    assert [line.task for line in report.attempts] == [first.id, second.id]


async def test_what_a_tick_itself_reads_from_the_roadmap_it_sees(team: Any, project: Any) -> None:
    assert (await team.graph.ainvoke({"agent": "sam"}))["path"][-1] == "rest"
    project.commit({"ROADMAP.md": "- [ ] New\n"})
    team.sources.stale = True
    state = await team.graph.ainvoke({"agent": "sam"})
    assert (state["rung"], state["ending"]) == ("roadmap", "completed")


async def test_a_roadmap_that_is_not_utf_8_is_said_and_not_read(project: Any, hands: Any) -> None:
    (project.repo / "ROADMAP.md").write_bytes("- [ ] one\n- [ ] café\n".encode("latin-1"))
    project.git("add", "-A")
    project.git("commit", "-qm", "by a person")
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        hands.do("Fix", hands.leave({"a.txt": "whole\n"}))
        report = await team.run(until="idle", timeout=60)
    assert report.endings == {"completed": 1}
    assert [one["code"] for one in report.problems] == ["roadmap-invalid"]
    assert "ROADMAP.md:2:" in report.problems[0]["message"]
