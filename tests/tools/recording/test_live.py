"""Recording a model, and replaying it: the same answers for the same requests, no others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from langchain.agents import (
    create_agent,  # pyright: ignore[reportUnknownVariableType] - langchain leaves a part untyped
)
from langchain.agents.structured_output import ToolStrategy
from langchain_core.callbacks import UsageMetadataCallbackHandler
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from neveridle.errors import RecordingMismatch
from neveridle.tools.recording import (
    Recording,
    RecordingChatModel,
    RecordingWriter,
    ReplayChatModel,
    Scope,
)

SHA = "16c7e42f292c6912e7710c838347ae178b4a90ab"


class Outcome(BaseModel):
    """How it ended."""

    status: str


def scope(agent: str = "sam", task: str = "dispatch:1", attempt: int = 1) -> Scope:
    return Scope(task, attempt, "work", agent)


@pytest.fixture
def live(authored: Callable[..., Recording]) -> Callable[..., ReplayChatModel]:
    """A model to record: one that answers what the test wrote, by step."""

    def make(*contents: Any) -> ReplayChatModel:
        entries = [
            {
                "task": "live",
                "step": step,
                **(content if isinstance(content, dict) else {"content": content}),
                "usage": {"input_tokens": 7, "output_tokens": step},
            }
            for step, content in enumerate(contents, start=1)
        ]
        return ReplayChatModel(recording=authored(*entries), scope=Scope("live", 1, "work"))

    return make


def record(path: Path, inner: ReplayChatModel, asked: Scope, **roots: Path) -> RecordingChatModel:
    return RecordingChatModel(inner=inner, writer=RecordingWriter(path), scope=asked, roots=roots)


def replay(path: Path, asked: Scope, **roots: Path) -> ReplayChatModel:
    return ReplayChatModel(recording=Recording.load(path), scope=asked, roots=roots)


def work(model: Any, folder: Path, sha: str, *, prompt: str = "Fix it") -> dict[str, Any]:
    """An agent's work in a folder, whose tool says what differs between runs."""

    @tool
    def run(command: str) -> str:
        """Run a command."""
        return f"{command!r} in {folder}/src: [main {sha[:7]}], 2 passed in 0.{len(str(folder))}s"

    made = cast(
        "Any",
        create_agent(
            model,
            tools=[run],
            system_prompt=f"You work in {folder}.",
            response_format=ToolStrategy(Outcome),
        ),
    )
    state: dict[str, Any] = made.invoke({"messages": [HumanMessage(prompt)]})
    return state


def test_an_agents_work_is_replayed_in_another_folder(
    live: Callable[..., ReplayChatModel], tmp_path: Path
) -> None:
    one, two, path = tmp_path / "one", tmp_path / "another", tmp_path / "r.jsonl"
    inner = live(
        {"tool_calls": [{"name": "run", "args": {"command": f"ls {one}/src"}}]},
        {"tool_calls": [{"name": "run", "args": {"command": f"git show {SHA[:7]}"}}]},
        {"tool_calls": [{"name": "Outcome", "args": {"status": "completed"}}]},
    )
    recorded = work(record(path, inner, scope(), workspace=one), one, SHA)
    replayed = work(replay(path, scope(), workspace=two), two, "0f1e2d3" + SHA[7:])

    assert recorded["structured_response"] == Outcome(status="completed")
    assert replayed["structured_response"] == Outcome(status="completed")
    answers = [m for m in replayed["messages"] if isinstance(m, AIMessage)]
    assert [call["args"] for m in answers[:2] for call in m.tool_calls] == [
        {"command": f"ls {two}/src"},
        {"command": "git show 0f1e2d3"},
    ]
    assert [m.usage_metadata for m in answers] == [
        m.usage_metadata for m in recorded["messages"] if isinstance(m, AIMessage)
    ]
    assert [m.tool_calls[0]["id"] for m in answers] == [
        m.tool_calls[0]["id"] for m in recorded["messages"] if isinstance(m, AIMessage)
    ]


def test_a_changed_prompt_is_an_error_that_shows_the_difference(
    live: Callable[..., ReplayChatModel], tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    inner = live({"tool_calls": [{"name": "Outcome", "args": {"status": "completed"}}]})
    work(record(path, inner, scope(), workspace=tmp_path), tmp_path, SHA)

    with pytest.raises(RecordingMismatch) as raised:
        work(replay(path, scope(), workspace=tmp_path), tmp_path, SHA, prompt="Fix it well")

    message = str(raised.value)
    assert "-    Fix it\n+    Fix it well\n" in message
    assert "     You work in ⟦workspace⟧." in message
    assert str(path) in message
    assert raised.value.remedy in message


def test_the_difference_is_bounded(live: Callable[..., ReplayChatModel], tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    record(path, live("x"), scope()).invoke("word " * 50_000)

    with pytest.raises(RecordingMismatch) as raised:
        replay(path, scope()).invoke("\n".join(map(str, range(5_000))))

    assert len(str(raised.value)) < 20_000
    assert "more lines" in str(raised.value)


@pytest.mark.parametrize(
    "change",
    [{"temperature": 1.0}, {"tool_choice": "any"}, {"stop": ["x"]}, {"response_format": {"a": 1}}],
)
def test_changed_options_are_a_mismatch(
    live: Callable[..., ReplayChatModel], tmp_path: Path, change: dict[str, Any]
) -> None:
    path = tmp_path / "r.jsonl"
    record(path, live("x"), scope()).invoke("hi", temperature=0.5)

    assert replay(path, scope()).invoke("hi", temperature=0.5).content == "x"
    with pytest.raises(RecordingMismatch, match=next(iter(change))):
        replay(path, scope()).bind(**{"temperature": 0.5, **change}).invoke("hi")


def test_sampling_that_is_asked_for_must_be_that_of_the_recording(
    live: Callable[..., ReplayChatModel], tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    record(path, live("x"), scope()).invoke("hi")
    model = ReplayChatModel(
        recording=Recording.load(path), scope=scope(), sampling={"temperature": 0.7}
    )

    with pytest.raises(RecordingMismatch, match=r"\+model temperature: 0.7"):
        model.invoke("hi")


def test_repeated_requests_get_their_answers_in_order_and_the_last_one_stays(
    live: Callable[..., ReplayChatModel], tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    for said in ("one", "two"):
        record(path, live(said), scope()).invoke("again")
    model = replay(path, scope())

    assert [model.invoke("again").content for _ in range(4)] == ["one", "two", "two", "two"]


async def test_agents_may_ask_in_any_order(
    live: Callable[..., ReplayChatModel], tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    for agent in ("sam", "leo"):
        for number in range(3):
            inner = live(f"{agent} {number}")
            await record(path, inner, scope(agent)).ainvoke("what next?")
    recording = Recording.load(path)
    heard: dict[str, list[object]] = {"sam": [], "leo": []}

    async def ask(agent: str) -> None:
        model = ReplayChatModel(recording=recording, scope=scope(agent))
        heard[agent].append((await model.ainvoke("what next?")).content)

    for agent in ("leo", "sam", "sam", "leo", "leo", "sam"):
        await asyncio.create_task(ask(agent))

    assert heard == {a: [f"{a} 0", f"{a} 1", f"{a} 2"] for a in heard}


def test_a_scope_that_never_asked_gets_the_answer_of_the_nearest(
    live: Callable[..., ReplayChatModel], tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    for task in ("dispatch:9", "dispatch:1"):
        record(path, live(task), scope(task=task)).invoke("hi")

    assert replay(path, scope(attempt=2)).invoke("hi").content == "dispatch:1"


def test_usage_is_counted_once(live: Callable[..., ReplayChatModel], tmp_path: Path) -> None:
    counted = UsageMetadataCallbackHandler()

    record(tmp_path / "r.jsonl", live("x"), scope()).invoke("hi", {"callbacks": [counted]})

    assert [usage["total_tokens"] for usage in counted.usage_metadata.values()] == [8]


def test_secrets_do_not_enter_a_recording(
    live: Callable[..., ReplayChatModel], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-very-secret-value")
    key = "sk-" + "proj-abcDEF123456ghiJKL7890"
    path = tmp_path / "r.jsonl"
    call = {"name": "run", "args": {"command": [f"curl -H 'Authorization: Bearer {key}'"]}}
    inner = live({"content": f"the key is {key}", "tool_calls": [call]})

    answer = record(path, inner, scope()).invoke(f"a-very-secret-value {key}")

    text = path.read_text()
    assert key not in text
    assert "a-very-secret-value" not in text
    assert key in str(answer.content)  # the running work is not disturbed
    assert replay(path, scope()).invoke(f"a-very-secret-value {key}").content == (
        "the key is <secret>"
    )


def test_a_failed_call_is_not_recorded(
    live: Callable[..., ReplayChatModel], tmp_path: Path
) -> None:
    model = record(tmp_path / "r.jsonl", live(), scope())

    with pytest.raises(RecordingMismatch):
        model.invoke("hi")

    assert Recording.load(tmp_path / "r.jsonl").calls == 0


def test_a_line_holds_what_the_format_says(
    live: Callable[..., ReplayChatModel], tmp_path: Path
) -> None:
    path = tmp_path / "r.jsonl"
    record(path, live("x"), scope()).bind_tools([Outcome]).invoke("hi")

    line = json.loads(path.read_text().splitlines()[1])

    assert set(line) == {"key", "scope", "request", "response", "seconds"}
    assert line["scope"] == {"task": "dispatch:1", "attempt": 1, "purpose": "work", "agent": "sam"}
    assert line["request"]["messages"] == [{"role": "human", "content": "hi"}]
    assert line["request"]["tools"][0]["function"]["name"] == "Outcome"
    assert line["request"]["model"]["name"]
    assert line["response"]["content"] == "x"
    assert line["response"]["usage"]["total_tokens"] == 8
    assert line["seconds"] >= 0
