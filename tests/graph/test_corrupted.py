"""State that cannot be read any more stops one agent; its task begins anew, the others go on."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from neveridle.board import AttemptState, TaskState


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
