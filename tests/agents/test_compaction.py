"""Compaction in the running team: long conversations are folded, killed and gone on with."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import empty_checkpoint

from neveridle.agents.checkpoints import Checkpoints, thread_config
from neveridle.agents.folded_history import ThreadHistory
from neveridle.memory.compaction.history import Folded
from neveridle.memory.compaction.summary import HEADING

SUMMARY = "Summary so far"


@pytest.fixture(params=["sqlite", "postgres"])
def board(request: pytest.FixtureRequest) -> str:
    """The URL of the board; empty: SQLite."""
    on_postgres = request.param == "postgres"
    return str(request.getfixturevalue("postgres_url")) if on_postgres else ""


@pytest.fixture
async def there(board: str, tmp_path: Path) -> AsyncGenerator[Checkpoints]:
    """Checkpoints that hold a thread, 1:1."""
    opened = Checkpoints(tmp_path / "checkpoints.db", board)
    await (await opened.saver()).aput(thread_config("1:1"), empty_checkpoint(), {}, {})
    yield opened
    await opened.close()


def summary(**parts: list[str]) -> dict[str, Any]:
    """What the model answers when it is asked for a summary."""
    empty: dict[str, list[str]] = {
        name: [] for name in ("goal", "decisions", "files", "questions", "steps", "done")
    }
    return {"role": "assistant", "content": json.dumps({**empty, **parts})}


def small(project: Any, api: Any, **more: Any) -> None:
    api.use(project)
    project.use("compaction", window=9000, share=0.7, keep=4, **more)
    project.use("limits", stuck_repeats=0, stuck_rounds=0)  # one file is read over and over
    lines = "\n".join(f"line {number} of some length, ticket NEV-{number}" for number in range(60))
    project.commit({"long.txt": lines})


def conversations(api: Any) -> list[list[dict[str, Any]]]:
    """The messages of each call for the work."""
    asked = [body["messages"] for body in api.asked]
    return [messages for messages in asked if "# Task: Fix" in str(messages[1]["content"])]


def check_order(messages: list[dict[str, Any]]) -> None:
    """What every provider wants: a person first, then in turn, each call with its results."""
    assert [m["role"] for m in messages[:2]] == ["system", "user"]
    wanted: list[str] = []
    for before, message in pairwise(messages[1:]):
        if message["role"] == "tool":
            assert message["tool_call_id"] in wanted
            wanted.remove(message["tool_call_id"])
            continue
        assert not wanted
        assert before["role"] != message["role"]
        wanted = [call["id"] for call in message.get("tool_calls") or ()]
    assert not wanted


async def test_a_long_conversation_is_folded_and_nothing_is_lost(project: Any, api: Any) -> None:
    small(project, api)
    api.says(
        "Fix",
        *[api.tool("read_file", path="long.txt")] * 8,
        api.tool("recall_history", number=3),
        api.tool("recall_history", query="ticket NEV-17"),
        api.tool("write_file", path="a.txt", content="a\n"),
        api.outcome(),
    )
    api.says(SUMMARY, summary(goal=["Repair it."], files=["long.txt was read"]))
    async with project.team() as team:
        await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        compacted = await team.board.events.find(kind="conversation.compacted")
        calls = await team.board.events.find(kind="model.call")
    assert report.endings == {"completed": 1}
    assert compacted
    assert all(event.data["by_model"] for event in compacted)
    assert [c.data["purpose"] for c in calls].count("compact") == len(compacted)
    asked = conversations(api)
    for messages in asked:
        check_order(messages)
    bodies = [body for body in api.asked if "tools" in body]
    offered = [{tool["function"]["name"] for tool in body["tools"]} for body in bodies]
    assert "recall_history" not in offered[0]  # there is nothing to recall yet
    assert "recall_history" in offered[-1]
    last = asked[-1]
    assert last[1]["content"].startswith("# Task: Fix")
    assert last[1]["content"].count(HEADING) == 1
    assert "> - Repair it." in last[1]["content"]
    told = [m["content"] for m in last if m["role"] == "tool"]
    assert any("message 3, tool read_file" in text and "NEV-17" in text for text in told)


async def test_limits_count_what_was_folded(project: Any, api: Any) -> None:
    small(project, api, summarize=False)
    project.use("limits", model_calls=14, attempts=1)
    api.says("Fix", *[api.tool("read_file", path="long.txt")] * 30, api.outcome())
    async with project.team() as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        (attempt,) = await team.board.attempts.of(task.id)
    assert report.endings == {"failed": 1}
    assert attempt.error_code == "limit-reached"
    assert len(conversations(api)) == 14


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (400, "model-mistake"),
        ({"role": "assistant", "content": ""}, ""),
        (summary(), "no-summary"),
        (summary(done=["I read the file again."] * 50), "no-summary"),
        (summary(goal=["and so on " * 400]), "no-summary"),
        (summary(done=[f"step {at}: read long.txt" for at in range(4000)]), "no-summary"),
    ],
    ids=["refused", "nothing", "empty", "the same lines", "the same words", "enormous"],
)
async def test_work_goes_on_when_no_summary_is_to_be_had(
    project: Any, api: Any, said: Any, code: str
) -> None:
    small(project, api)
    api.says("Fix", *[api.tool("read_file", path="long.txt")] * 8, api.outcome())
    api.says(SUMMARY, said)
    async with project.team() as team:
        await team.dispatch("sam", "Fix", needs_change=False)
        report = await team.run(until="idle", timeout=60)
        compacted = await team.board.events.find(kind="conversation.compacted")
        failed = await team.board.events.find(kind="summary.failed")
    assert report.endings == {"completed": 1}
    assert compacted
    assert not any(event.data["by_model"] for event in compacted)
    assert len(failed) == len(compacted)
    assert not code or {event.data["code"] for event in failed} == {code}
    last = conversations(api)[-1]
    check_order(last)
    assert "read_file" in last[1]["content"]  # taken from the messages
    assert "NEV-" in last[1]["content"]


async def test_a_summary_that_never_comes_is_not_waited_for(
    project: Any, api: Any, until: Any
) -> None:
    await project.script()
    small(project, api)
    api.says("Fix", *[api.tool("read_file", path="long.txt")] * 8, api.outcome())
    asked, go = threading.Event(), threading.Event()

    def hang() -> dict[str, Any]:
        asked.set()
        go.wait(60)
        return summary(goal=["too late"])

    api.says(SUMMARY, {"role": "assistant", "content": "", "hang": hang})
    async with project.team() as team:
        await team.dispatch("sam", "Fix", needs_change=False)
        run = asyncio.create_task(team.run(until="idle"))
        while not run.done():
            await asyncio.sleep(0.05)
            if asked.is_set():
                asked.clear()
                await team.board.clock.advance(181)
        go.set()
        report = await run
        failed = await team.board.events.find(kind="summary.failed")
    assert report.endings == {"completed": 1}
    assert {event.data["code"] for event in failed} == {"timeout"}


async def test_a_kill_between_folding_and_the_next_step_loses_and_doubles_nothing(
    project: Any, api: Any, board: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The history is written, the answer is not: the next process folds the same again."""
    project.use("team", board=board)
    small(project, api, summarize=False)
    api.says(
        "Fix",
        *[api.tool("read_file", path="long.txt")] * 8,
        api.tool("recall_history", number=3),
        api.outcome(),
    )
    folding = ThreadHistory.add
    stop = asyncio.Event()

    async def add_then_hang(self: ThreadHistory, messages: Any) -> None:
        await folding(self, messages)
        stop.set()
        await asyncio.sleep(3600)

    async with project.team() as team:
        task = await team.dispatch("sam", "Fix", needs_change=False)
        with monkeypatch.context() as patch:
            patch.setattr(ThreadHistory, "add", add_then_hang)
            run = asyncio.create_task(team.run(until="idle"))
            await stop.wait()
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
        (first,) = await team.board.attempts.of(task.id)
        before = await ThreadHistory(team.checkpoints, first.thread).all()
        asked = len(conversations(api))
    async with project.team() as team:
        report = await team.run(until="idle", timeout=60)
        attempts = await team.board.attempts.of(task.id)
        threads = await team.checkpoints.threads()
    assert report.endings == {"completed": 1}
    assert len(attempts) == 2  # another attempt went on, on a thread of its own
    assert before
    assert [one.number for one in before] == list(range(1, len(before) + 1))
    after = conversations(api)[asked:]
    assert after
    for messages in after:
        check_order(messages)
    told = [m["content"] for m in after[-1] if m["role"] == "tool"]
    assert any("message 3, tool read_file" in text and "NEV-1" in text for text in told)
    assert threads == []  # nothing of it stays once the task is done
    assert len(conversations(api)) == 10


async def test_folded_messages_live_as_long_as_their_thread(
    there: Checkpoints,
) -> None:
    history = ThreadHistory(there, "1:1")
    kept = [Folded(at, f"m{at}", "tool", "read", f"text \x00 {at} \ud800") for at in (1, 2)]
    await history.add(kept)
    await history.add([Folded(2, "m2", "tool", "read", "again"), Folded(3, "m3", "ai", "", "")])
    assert await history.all() == [*kept, Folded(3, "m3", "ai", "", "")]
    assert await there.fork("1:1", "1:2")
    other = ThreadHistory(there, "1:2")
    await history.add([Folded(4, "m4", "human", "", "written by one thought dead")])
    assert [one.number for one in await other.all()] == [1, 2, 3]
    await there.drop("1:1")
    assert await history.all() == []
    assert [one.number for one in await other.all()] == [1, 2, 3]
    await other.add([])
