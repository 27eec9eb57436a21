"""LangChain's real agent over an authored recording: tools, outcome, interruption, crash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from langchain.agents import (
    create_agent,  # pyright: ignore[reportUnknownVariableType] - langchain leaves a part untyped
)
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command, interrupt
from pydantic import BaseModel

from neveridle.errors import RecordingMismatch
from neveridle.tools.recording import Recording, ReplayChatModel, Scope

SCOPE = Scope("roadmap:export-csv", 1, "work", "sam")


class Outcome(BaseModel):
    """How it ended."""

    status: str
    summary: str


def entry(step: int, *calls: tuple[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "task": SCOPE.task,
        "step": step,
        "tool_calls": [{"name": name, "args": args} for name, args in calls],
        "usage": {"input_tokens": 100 * step, "output_tokens": step},
        **more,
    }


ENTRIES = (
    entry(1, ("ask", {"question": "which format?"}), ("look", {"path": "a.py"}), content="Hm"),
    entry(2, ("look", {"path": "b.py"})),
    entry(3, ("Outcome", {"status": "completed", "summary": "done"})),
)


@tool
def look(path: str) -> str:
    """Read a file."""
    return f"content of {path}"


@tool
def ask(question: str) -> str:
    """Ask a person."""
    return f"they say {interrupt(question)}"


def agent(model: ReplayChatModel) -> Any:
    return cast(
        "Any",
        create_agent(
            model,
            tools=[look, ask],
            response_format=ToolStrategy(Outcome),
            checkpointer=InMemorySaver(),
        ),
    )


CONFIG: RunnableConfig = {"configurable": {"thread_id": "t"}}
ASKED: dict[str, Any] = {"messages": [HumanMessage("Export CSV")]}


async def test_an_interrupted_agent_goes_on_at_the_right_step(
    authored: Callable[..., Recording],
) -> None:
    made = agent(ReplayChatModel(recording=authored(*ENTRIES), scope=SCOPE))

    parked = await made.ainvoke(ASKED, CONFIG)
    assert [i.value for i in parked["__interrupt__"]] == ["which format?"]
    # What resumes need not be the process that began: nothing is kept in the model.
    state = await made.ainvoke(Command(resume="RFC 4180"), CONFIG)

    assert state["structured_response"] == Outcome(status="completed", summary="done")
    results = {m.content for m in state["messages"] if m.type == "tool"}
    assert {"they say RFC 4180", "content of a.py", "content of b.py"} <= results
    answers = [m for m in state["messages"] if isinstance(m, AIMessage)]
    assert [m.usage_metadata and m.usage_metadata["total_tokens"] for m in answers] == [
        101,
        202,
        303,
    ]
    ids = [call["id"] for m in answers for call in m.tool_calls]
    assert len(set(ids)) == 4


def test_the_agent_works_without_asyncio_too(authored: Callable[..., Recording]) -> None:
    made = agent(ReplayChatModel(recording=authored(*ENTRIES), scope=SCOPE))

    made.invoke(ASKED, CONFIG)
    state = made.invoke(Command(resume="x"), CONFIG)

    assert state["structured_response"].status == "completed"


async def test_streaming_gives_the_answer(authored: Callable[..., Recording]) -> None:
    model = ReplayChatModel(recording=authored(entry(1, content="Hello")), scope=SCOPE)

    chunks = [chunk async for chunk in model.astream("hi")]

    assert "".join(str(chunk.content) for chunk in chunks) == "Hello"


async def test_the_wording_may_change_and_the_answer_stays(
    authored: Callable[..., Recording],
) -> None:
    model = ReplayChatModel(recording=authored(*ENTRIES), scope=SCOPE)

    one = await model.ainvoke("Export CSV, please")
    two = await model.ainvoke("Make a CSV export")

    assert one.content == two.content == "Hm"
    assert one.tool_calls == two.tool_calls
    assert one.tool_calls[0]["id"] != one.tool_calls[1]["id"]


async def test_scopes_are_kept_apart(authored: Callable[..., Recording]) -> None:
    recording = authored(
        entry(1, content="first"),
        entry(1, content="second try", attempt=2),
        entry(1, content="a lesson", purpose="learn"),
        entry(1, content="other", task="dispatch:1"),
    )

    async def said(task: str, attempt: int, purpose: str, agent: str = "sam") -> object:
        scope = Scope(task, attempt, purpose, agent)
        return (await ReplayChatModel(recording=recording, scope=scope).ainvoke("x")).content

    assert await said(SCOPE.task, 2, "work") == "second try"
    assert await said(SCOPE.task, 1, "work") == "first"
    assert await said(SCOPE.task, 1, "work", agent="leo") == "first"
    assert await said(SCOPE.task, 1, "learn") == "a lesson"
    assert await said("dispatch:1", 1, "work") == "other"
    with pytest.raises(RecordingMismatch, match="attempt 3, purpose 'work', step 1"):
        await said(SCOPE.task, 3, "work")


async def test_structured_output_through_a_tool(authored: Callable[..., Recording]) -> None:
    recording = authored(entry(1, ("Outcome", {"status": "failed", "summary": "no"})))
    model = ReplayChatModel(recording=recording, scope=SCOPE)

    answer = await model.with_structured_output(Outcome).ainvoke("well?")

    assert answer == Outcome(status="failed", summary="no")
