"""State that cannot be read any more stops one agent; its task begins anew, the others go on."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from neveridle.board import AttemptState, TaskState
from neveridle.errors import LimitReached


@pytest.fixture
async def parked(project: Any, api: Any) -> Any:
    """Sam's attempt waits for its provider, with a conversation and a file in its clone."""
    await project.script()
    project.soul("leo")
    api.use(project)
    project.use("model", attempts=1)
    write = api.tool("write_file", path="a.txt", content="a\n")
    api.says("Fix", write, 503, api.outcome())
    api.says("Other", api.tool("write_file", path="b.txt", content="b\n"), api.outcome())
    async with project.team() as team:
        await team.dispatch("sam", "Fix")
        await team.run(until="idle", ticks=1, agents=["sam"])
        await team.board.clock.advance(5)
        await team.keeper.sweep()
    return project


async def goes_on(project: Any) -> tuple[Any, list[Any], list[Any]]:
    """What a run comes to, then the attempts at the task, and those once it was done anew."""
    async with project.team() as team:
        await team.dispatch("leo", "Other")
        report = await team.run(until="idle", timeout=600)
        attempts = await team.board.attempts.of(1)
        assert set(report.stopped) == {"sam"}
        assert report.stopped["sam"]["code"] == "state-corrupted"
        assert report.endings == {"failed": 1, "completed": 1}
        assert (await team.board.tasks.get(2)).state is TaskState.COMPLETED
        (stopped,) = await team.board.events.find(kind="agent.stopped")
        assert stopped.agent == "sam"
        # Somebody has looked at the disk.
        again = await team.run(until="idle", timeout=600)
        assert again.endings == {"completed": 1}
        assert (await team.board.tasks.get(1)).state is TaskState.COMPLETED
        return report, attempts, await team.board.attempts.of(1)


@pytest.mark.parametrize("garbage", [b"\xc1\xc1garbage", b"\x05", b""], ids=["bytes", "5", "none"])
async def test_a_checkpoint_that_cannot_be_read(parked: Any, api: Any, garbage: bytes) -> None:
    with sqlite3.connect(parked.home / "checkpoints.db") as file:
        changed = file.execute("UPDATE checkpoints SET checkpoint = ?", (garbage,)).rowcount
    file.close()
    assert changed == 1
    _, attempts, done = await goes_on(parked)
    assert [one.state for one in attempts] == [AttemptState.PARKED, AttemptState.FAILED]
    assert attempts[-1].error.startswith("The checkpoint of attempt 1:2 cannot be read: ")
    assert (done[-1].number, done[-1].resumes) == (2, None)
    # Its conversation began anew; its files were still there.
    roles = [message["role"] for message in api.asked[-1]["messages"]]
    assert roles == ["system", "user"]
    assert "That was not your doing" in api.asked[-1]["messages"][1]["content"]
    assert parked.shows("a.txt") == "a"


@pytest.mark.parametrize("what", ["refs", "objects", "marker"])
async def test_a_clone_that_cannot_be_read(parked: Any, api: Any, what: str) -> None:
    git = parked.home / "work" / "1-1" / "git"
    if what == "refs":
        (git / "HEAD").write_text("ref: refs/heads/../../\n")
    elif what == "objects":  # git finds none of the repository's any more
        (git / "objects" / "info" / "alternates").write_text("/nowhere\n")
    else:
        (git / "neveridle.json").write_text("{")
    api.says("Fix", api.tool("write_file", path="new.txt", content="new\n"), api.outcome())
    _, attempts, done = await goes_on(parked)
    assert attempts[-1].error.startswith("The clone 1-1 cannot be read any more: ")
    assert (done[-1].number, done[-1].resumes) == (2, None)
    assert (parked.shows("new.txt"), parked.shows("a.txt")) == ("new", None)  # it is lost
    assert parked.clones == []


async def test_a_clone_that_breaks_under_the_work(project: Any, hands: Any) -> None:
    project.soul("leo")

    async def breaks(assignment: Any) -> Any:
        git = assignment.tree.parent / "git"
        (git / "objects" / "info" / "alternates").write_text("/nowhere\n")
        return await hands.leave({"a.txt": "a\n"})(assignment)

    hands.do("Fix", breaks, hands.leave({"a.txt": "a\n"}))
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        await team.dispatch("leo", "Other")
        report = await team.run(until="idle", timeout=60)
        again = await team.run(until="idle", timeout=60)
        first, second = await team.board.attempts.of(1)
    assert {name: one["code"] for name, one in report.stopped.items()} == {"sam": "state-corrupted"}
    assert (report.endings, again.endings) == ({"failed": 1, "completed": 1}, {"completed": 1})
    assert first.error.startswith("The clone 1-1 cannot be read any more: ")
    assert (second.number, project.shows("a.txt")) == (2, "a")


@pytest.mark.parametrize(
    ("column", "value"), [("outcome", '{"status": '), ("evidence", "5"), ("phase", "sunk")]
)
async def test_a_row_that_cannot_be_read(parked: Any, column: str, value: str) -> None:
    with sqlite3.connect(parked.home / "board.db") as board:
        board.execute("PRAGMA ignore_check_constraints = ON")
        update = f"UPDATE attempts SET {column} = ? WHERE task_id = 1"  # noqa: S608 - ours
        board.execute(update, (value,))
    board.close()
    async with parked.team() as team:
        await team.dispatch("leo", "Other")
        report = await team.run(until="idle", timeout=600)
        (lost,) = await team.board.events.find(kind="attempt.unreadable")
        attempts = await team.board.attempts.of(1)
        again = await team.run(until="idle", timeout=600)
        done = await team.board.attempts.of(1)
    assert {name: one["code"] for name, one in report.stopped.items()} == {"sam": "state-corrupted"}
    assert report.endings == {"completed": 1}  # Leo's
    assert lost.data["lost"] == {column: value}
    assert [(one.state, one.error_code) for one in attempts] == [
        (AttemptState.FAILED, "state-corrupted")
    ]
    assert again.endings == {"completed": 1}
    assert (done[-1].number, done[-1].resumes, done[-1].state) == (2, None, "completed")


async def test_a_row_that_breaks_under_the_work(project: Any, hands: Any) -> None:
    project.soul("leo")
    project.use("limits", attempts=9)

    async def breaks(assignment: Any) -> Any:
        with sqlite3.connect(project.home / "board.db") as board:
            board.execute("UPDATE attempts SET evidence = '[' WHERE task_id = 1 AND fence = 1")
        board.close()
        raise LimitReached("Too hard.")

    hands.do("Fix", hands.fail(LimitReached("Too hard.")), breaks, hands.leave({"a.txt": "a\n"}))
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        await team.dispatch("leo", "Other")
        report = await team.run(until="idle", timeout=60)
        again = await team.run(until="idle", timeout=60)
        attempts = await team.board.attempts.of(1)
    assert set(report.stopped) == {"sam"}
    assert (report.endings, again.endings) == ({"failed": 3, "completed": 1}, {"completed": 1})
    codes = [one.error_code for one in attempts]
    assert codes == ["state-corrupted", "limit-reached", "state-corrupted", ""]
