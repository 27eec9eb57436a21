"""The key covers all that is asked, and nothing that a run makes up."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from pydantic import BaseModel

from neveridle.tools.recording.canonical import Names
from neveridle.tools.recording.request import canonical_request, key_of, with_model

TOOL = {"type": "function", "function": {"name": "run", "parameters": {"type": "object"}}}


def conversation(
    *,
    system: str = "You are Sam.",
    call_id: str = "call_abc",
    args: dict[str, Any] | None = None,
    result: str = "ok",
    status: Any = "success",
    message_id: str = "m1",
) -> list[BaseMessage]:
    call = {"name": "run", "args": args or {"command": "ls"}, "id": call_id, "type": "tool_call"}
    return [
        SystemMessage(system, id=message_id),
        HumanMessage("Fix it", id=message_id + "h"),
        AIMessage("Looking", tool_calls=[call], id=message_id + "a"),
        ToolMessage(result, tool_call_id=call_id, status=status, id=message_id + "t"),
    ]


def key(
    messages: Sequence[BaseMessage], *, model: str = "openai:x", stop: Any = None, **options: Any
) -> str:
    options = {"tools": [TOOL], **options}
    request = canonical_request(messages, names=Names(), stop=stop, options=options)
    return key_of(with_model(request, {"name": model}))


BASE = key(conversation())


@pytest.mark.parametrize(
    "other",
    [
        key(conversation(system="You are Leo.")),
        key(conversation(args={"command": "ls -a"})),
        key(conversation(result="failed")),
        key(conversation(status="error")),
        key(conversation()[:-1]),
        key(conversation(), tools=[{**TOOL, "function": {"name": "stop"}}]),
        key(conversation(), tools=None),
        key(conversation(), tool_choice="any"),
        key(conversation(), response_format={"type": "json_object"}),
        key(conversation(), temperature=0.5),
        key(conversation(), stop=["END"]),
        key(conversation(), model="openai:y"),
    ],
)
def test_what_is_asked_is_in_the_key(other: str) -> None:
    assert other != BASE


@pytest.mark.parametrize(
    "same",
    [
        key(conversation(call_id="toolu_0987", message_id="m2")),
        key(conversation(), tool_choice=None),
        key(conversation(), ls_structured_output_format={"schema": object()}),
        key(conversation(), extra_headers={"x": "y"}),
    ],
)
def test_what_a_run_makes_up_is_not_in_the_key(same: str) -> None:
    assert same == BASE


def test_tool_calls_are_told_apart() -> None:
    calls: list[Any] = [
        {"name": "run", "args": {}, "id": i, "type": "tool_call"} for i in ("x9", "a1")
    ]
    ai = AIMessage("", tool_calls=calls)
    first = [ai, ToolMessage("1", tool_call_id="x9"), ToolMessage("2", tool_call_id="a1")]
    swapped = [ai, ToolMessage("1", tool_call_id="a1"), ToolMessage("2", tool_call_id="x9")]

    assert key(first) != key(swapped)


def test_blocks_of_content_lose_the_ids_a_provider_made_up() -> None:
    def asked(made_up: str) -> str:
        call: Any = {"name": "run", "args": {}, "id": made_up, "type": "tool_call"}
        blocks: list[str | dict[Any, Any]] = [
            {"type": "text", "text": "hi", "id": made_up},
            {"type": "tool_use", "id": made_up, "name": "run", "input": {}},
        ]
        return key([AIMessage(blocks, tool_calls=[call])])

    assert asked("toolu_1") == asked("toolu_2")


def test_secrets_do_not_reach_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_TOKEN", "hunter2hunter2")
    secret = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
    messages = conversation(system=f"use {secret}", args={"command": ["curl", "hunter2hunter2"]})

    request = canonical_request(
        messages, names=Names(), options={"api_key": "abc", "note": f"Bearer {secret}"}
    )

    text = json.dumps(request)
    assert secret not in text
    assert "hunter2hunter2" not in text
    assert "api_key" not in text
    assert text.count("<secret>") == 3


class Answer(BaseModel):
    """A class bound as an option."""

    status: str


def test_a_schema_class_counts_as_its_schema() -> None:
    assert key([], response_format=Answer) == key([], response_format=Answer.model_json_schema())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.text(max_size=40), st.dictionaries(st.text(max_size=5), JSON, max_size=3))
def test_a_request_survives_being_written_and_read(content: str, args: dict[str, Any]) -> None:
    messages = conversation(system=content, args=args)
    request = canonical_request(messages, names=Names(), options={"tools": [TOOL]})

    assert key_of(json.loads(json.dumps(request))) == key_of(request)
