"""Compaction in the running team: long conversations are folded, killed and gone on with."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from neveridle.memory.compaction.summary import HEADING

SUMMARY = "Summary so far"


def summary(**parts: list[str]) -> dict[str, Any]:
    """What the model answers when it is asked for a summary."""
    empty: dict[str, list[str]] = {
        name: [] for name in ("goal", "decisions", "files", "questions", "steps", "done")
    }
    return {"role": "assistant", "content": json.dumps({**empty, **parts})}


def small(project: Any, api: Any, **more: Any) -> None:
    api.use(project)
    project.use("compaction", window=9000, share=0.7, keep=4, **more)
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
    last = asked[-1]
    assert last[1]["content"].startswith("# Task: Fix")
    assert last[1]["content"].count(HEADING) == 1
    assert "> - Repair it." in last[1]["content"]
    told = [m["content"] for m in last if m["role"] == "tool"]
    assert any("message 3, tool read_file" in text and "NEV-17" in text for text in told)
