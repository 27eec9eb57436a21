"""A team in one process: opened, run, closed, several times and side by side."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable
from typing import Any

import pytest

from neveridle.board import NewTask, Source, TaskState
from neveridle.errors import (
    BoardUnusable,
    ModelNotConfigured,
    NeveridleError,
    NotFound,
    RecordingMismatch,
    RepositoryUnusable,
    SandboxMissing,
    SettingsInvalid,
    SoulInvalid,
    StateConflict,
)
from neveridle.graph.report import LINES, AttemptLine, RunReport


def ours() -> set[str]:
    """Threads and asyncio tasks of a team."""
    threads = {thread.name for thread in threading.enumerate()}
    tasks = {task.get_name() for task in asyncio.all_tasks()}
    return {name for name in threads | tasks if name.startswith("neveridle-")}


async def gone() -> bool:
    """Whether all of them end; a thread takes a moment."""
    for _ in range(500):
        if not ours():
            return True
        await asyncio.sleep(0.01)
    return False


async def test_a_closed_team_leaves_nothing_behind_and_can_be_opened_again(
    project: Any, hands: Any
) -> None:
    team = project.team(worker=hands)
    await team.open()
    assert await team.open() is team
    await team.dispatch("sam", "One")
    first = await team.run(until="idle", timeout=60)
    await team.close()
    await team.close()
    assert await gone(), ours()
    async with team:
        await team.dispatch("sam", "Two")
        second = await team.run(until="idle", timeout=60)
    assert (first.endings, second.endings) == ({"completed": 1}, {"completed": 1})
    assert await gone(), ours()


def broken_soul(project: Any) -> None:
    (project.root / "agents" / "leo.md").write_text("no front matter")


def broken_repository(project: Any) -> None:
    project.use("team", repository="nowhere")


def broken_board(project: Any) -> None:
    (project.home / "board.db").write_text("this is no database, whatever its name says" * 100)


def broken_sandbox(project: Any) -> None:
    project.use("delivery", unsandboxed_merge=False)
    project.use("sandbox", kind="none")


def empty_repository(project: Any) -> None:
    (project.root / "empty").mkdir()
    project.repo = project.root / "empty"
    project.git("init", "-q", "-b", "main")
    project.use("team", repository="empty")


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (broken_soul, SoulInvalid),
        (broken_repository, RepositoryUnusable),
        (empty_repository, RepositoryUnusable),
        (broken_sandbox, SandboxMissing),
        (broken_board, BoardUnusable),
    ],
)
async def test_a_team_that_cannot_be_opened_says_why_and_leaves_nothing_open(
    project: Any, spoil: Callable[[Any], None], error: type[NeveridleError]
) -> None:
    spoil(project)
    team = project.team()
    with pytest.raises(error) as raised:
        await team.open()
    assert str(raised.value)
    await team.close()
    assert await gone(), ours()


async def test_a_team_that_fails_late_in_opening_closes_what_was_open(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(self: Any) -> None:
        raise BoardUnusable("The board went away.")

    monkeypatch.setattr("neveridle.graph.keeper.Keeper.sweep", broken)
    with pytest.raises(BoardUnusable):
        await project.team().open()
    assert await gone(), ours()


async def test_a_run_needs_a_model_and_checks(project: Any, hands: Any) -> None:
    project.use("model", default="")
    async with project.team() as team:
        with pytest.raises(ModelNotConfigured) as raised:
            await team.run()
        assert "[model]" in raised.value.remedy
    project.settings["checks"] = {}
    async with project.team(worker=hands) as team:
        with pytest.raises(SettingsInvalid) as invalid:
            await team.run()
        assert "[checks]" in invalid.value.remedy
        with pytest.raises(SettingsInvalid):
            await team.run(until="tomorrow")


async def test_a_team_runs_once_at_a_time(project: Any, hands: Any) -> None:
    begun, held = asyncio.Event(), asyncio.Event()

    async def act(assignment: Any) -> Any:
        begun.set()
        await held.wait()
        return await hands.leave({"a.txt": "a\n"})(assignment)

    hands.do("Task", act)
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Task")
        first = asyncio.create_task(team.run(until="idle", timeout=60))
        await begun.wait()
        with pytest.raises(StateConflict):
            await team.run()
        held.set()
        assert (await first).endings == {"completed": 1}


async def test_names_of_agents_may_be_written_in_any_case(team: Any, hands: Any) -> None:
    await team.dispatch(" SAM ", "Task")
    report = await team.run(until="idle", timeout=60, agents=["Sam", "sam"])
    assert report.endings == {"completed": 1}
    state = await team.graph.ainvoke({"agent": "SAM"})
    assert (state["agent"], state["path"][-1]) == ("sam", "rest")
    with pytest.raises(NotFound) as raised:
        await team.run(agents=["nobody"])
    assert "sam" in raised.value.remedy


async def test_as_many_ticks_as_asked_and_each_is_finished(project: Any, hands: Any) -> None:
    project.soul("leo")
    project.soul("quinn")
    async with project.team(worker=hands) as team:
        for number in range(3):
            await team.board.tasks.add(NewTask(source=Source.BACKLOG, title=f"Task {number}"))
        report = await team.run(until="idle", ticks=1)
        counts = await team.board.tasks.counts()
        assert (report.reason, report.ticks, report.endings) == ("ticks", 1, {"completed": 1})
        assert counts[TaskState.PENDING] == 2
        rest = await team.run(until="idle", ticks=50)
    assert (rest.reason, rest.endings) == ("idle", {"completed": 2})


async def test_a_run_reports_its_own_calls_only(project: Any) -> None:
    for title in ("one", "two"):
        key = f"dispatch:{title}"
        project.says(key, project.write(f"{title}.txt", "x\n"), project.done())
    async with project.team() as team:
        await team.dispatch("sam", "one")
        first = await team.run(until="idle", timeout=60)
        await team.dispatch("sam", "two")
        second = await team.run(until="idle", timeout=60)
    for report in (first, second):
        assert (report.model_calls, report.input_tokens, report.output_tokens) == (2, 20, 4)
        assert [line.ending for line in report.completed] == ["completed"]
        assert report.as_dict()["attempts"][0]["path"][0] == "heartbeat"


async def test_another_process_calls_are_not_ours(project: Any, hands: Any) -> None:
    async def act(assignment: Any) -> Any:
        async with project.board() as board:
            for run in (assignment.attempt.run, "somebody-elses"):
                used = {"input_tokens": 7, "output_tokens": 3}
                await board.events.append("model.call", used, run=run, task=assignment.task.id)
        return await hands.leave({"a.txt": "a\n"})(assignment)

    hands.do("Task", act)
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Task")
        report = await team.run(until="idle", timeout=60)
    assert (report.model_calls, report.input_tokens, report.output_tokens) == (1, 7, 3)


async def test_those_who_rest_end_with_the_last_tick(project: Any, hands: Any) -> None:
    project.soul("leo")
    async with project.team(worker=hands) as team:
        for number in range(5):
            await team.dispatch("sam", f"Task {number}")
        report = await team.run(until="forever", ticks=4)
    assert (report.reason, report.ticks) == ("ticks", 4)
    assert report.endings["completed"] >= 2


def test_a_report_of_days_does_not_grow_for_ever() -> None:
    report = RunReport()
    for number in range(LINES + 500):
        report.add(
            AttemptLine(
                agent="sam", task=number, title="", rung="backlog", ending="completed", path=()
            )
        )
    assert len(report.attempts) == LINES
    assert report.attempts[-1].task == LINES + 499
    assert report.endings == {"completed": LINES + 500}


def test_run_sync_owns_its_loop_and_can_be_called_again(project: Any, hands: Any) -> None:
    team = project.team(worker=hands)
    assert team.run_sync(until="idle", timeout=60).reason == "idle"
    assert team.run_sync(until="idle", timeout=60).reason == "idle"


async def test_a_recording_that_lacks_an_answer_blocks_the_task_and_says_which(
    project: Any,
) -> None:
    project.says("dispatch:fix", project.run("true"))
    async with project.team() as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        blocked = await team.board.tasks.get(task.id)
        assert report.endings == {"blocked": 1}
        assert blocked.state is TaskState.BLOCKED
        assert "step 2" in blocked.blocked_action
        assert [problem["code"] for problem in report.problems] == [RecordingMismatch.code]

    project.says("dispatch:fix", project.write("a.txt", "a\n"), project.done(), first=2)
    async with project.team() as team:
        await team.board.tasks.retry(task.id)
        report = await team.run(until="idle", timeout=60)
    assert (report.endings, report.model_calls) == ({"completed": 1}, 2)


async def test_clones_and_threads_of_an_older_board_are_not_taken_for_ours(
    project: Any,
) -> None:
    """Somebody deleted the board, and ids begin again at one."""
    project.says("dispatch:old", project.write("old.txt", "old\n"), project.run("true"))
    async with project.team() as team:
        await team.dispatch("sam", "Old")
        assert (await team.run(until="idle", timeout=60)).endings == {"blocked": 1}
        assert team.workspaces is not None
    assert project.clones == ["1-1"]
    for path in project.home.glob("board.db*"):
        path.unlink()

    project.says("dispatch:new", project.write("new.txt", "new\n"), project.done())
    async with project.team() as team:
        await team.dispatch("sam", "New")
        report = await team.run(until="idle", timeout=60)
    assert (report.endings, report.model_calls) == ({"completed": 1}, 2)
    assert (project.shows("old.txt"), project.shows("new.txt")) == (None, "new")


@pytest.mark.parametrize("how_far", ["claimed", "worked"])
async def test_a_clone_that_somebody_removed_means_to_begin_again(
    project: Any, how_far: str, reaches: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "dispatch:fix"
    project.says(key, project.write("a.txt", "a\n"), project.run("true"), project.done())
    project.says(key, project.write("a.txt", "b\n"), project.done(), attempt=2)
    async with project.team() as team:
        task = await team.dispatch("sam", "Fix")
        there = asyncio.Event()

        async def held(*_: Any, **__: Any) -> None:
            there.set()
            await asyncio.Event().wait()

        with monkeypatch.context() as patch:
            if how_far == "worked":
                patch.setattr("neveridle.graph.nodes.verify.run_checks", held)
            else:
                from neveridle.tools.workspace import Workspace

                patch.setattr(Workspace, "commit", held)
            run = asyncio.create_task(team.run(until="idle", timeout=60))
            await reaches(there, run)
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
        shutil.rmtree(project.home / "work" / "1-1")

        report = await team.run(until="idle", timeout=60)
        attempts = await team.board.attempts.of(task.id)

    if how_far == "claimed":  # nothing was promised yet: the attempt just begins again
        assert [one.number for one in attempts] == [1, 1]
        assert (report.endings, report.model_calls) == ({"completed": 1}, 3)
        assert project.shows("a.txt") == "a"
    else:
        assert report.endings == {"failed": 1, "completed": 1}
        assert (
            attempts[1].error == "The clone that held this work is gone. It has to be done again."
        )
        assert project.shows("a.txt") == "b"


async def test_a_target_whose_commit_cannot_be_read_without_a_process_still_works(
    project: Any, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with project.team(worker=hands) as team:
        monkeypatch.setattr(team.workspaces, "head_hint", lambda: None)
        await team.dispatch("sam", "Task")
        report = await team.run(until="idle", timeout=60)
    assert report.endings == {"completed": 1}
