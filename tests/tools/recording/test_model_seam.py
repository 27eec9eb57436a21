"""What a replayed model has of the live one: its streams, failures, costs and time."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Generator, Iterable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, InvalidToolCall, ToolCall
from langchain_core.messages.ai import UsageMetadata

from neveridle.board import Board
from neveridle.board.breaker import BreakerState
from neveridle.errors import NeveridleError, RecordingMismatch, ServiceUnavailable
from neveridle.settings import ModelSettings
from neveridle.tools.models import Models, Replaying, call_model, classify_model_error
from neveridle.tools.models.billed import surely_free
from neveridle.tools.models.prices import Prices, recorded_cost
from neveridle.tools.recording import Recording, Scope
from neveridle.tools.recording.chunks import chunks_of, result_of
from neveridle.tools.services import ServiceKit
from neveridle.tools.standin.http import Answer, HttpFault, HttpStandin, StandinRequest

SCOPE = Scope("dispatch:1", 1, "work", "sam")
USAGE = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
ARGUMENTS = '{"command": "pytest -q", "times": 2}'
CALL: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "run", "arguments": ARGUMENTS},
}
TOOLS = [{"type": "function", "function": {"name": "run", "parameters": {"type": "object"}}}]


class Brain(HttpStandin):
    """An OpenAI-compatible API that says what it is asked, and calls a tool where it has any."""

    def handle(self, request: StandinRequest) -> Answer:
        asked = request.json
        said = f"You said: {asked['messages'][-1]['content']}. So be it, all of it."
        calls = [CALL] if asked.get("tools") else []
        head = {"id": "c", "created": 1, "model": "gpt-4o-mini-2024-07-18"}
        if not asked.get("stream"):
            message = {"role": "assistant", "content": said, "tool_calls": calls}
            choice = {"index": 0, "finish_reason": "stop", "message": message}
            done = {**head, "object": "chat.completion", "choices": [choice], "usage": USAGE}
            return Answer(200, done)
        half = len(said) // 2
        deltas: list[dict[str, Any]] = [
            {"role": "assistant", "content": said[:half]}, {"content": said[half:]}
        ]  # fmt: skip
        if calls:
            first = {**CALL, "index": 0, "function": {"name": "run", "arguments": ""}}
            more = [{"index": 0, "function": {"arguments": ARGUMENTS[at : at + 9]}}
                    for at in range(0, len(ARGUMENTS), 9)]  # fmt: skip
            deltas += [{"tool_calls": [one]} for one in (first, *more)]
        parts: list[Any] = [
            {"choices": [{"index": 0, "delta": one, "finish_reason": None}]} for one in deltas
        ]
        parts.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        parts.append({"choices": [], "usage": USAGE})
        lines = [json.dumps({**head, "object": "chat.completion.chunk", **part}) for part in parts]
        data = "".join(f"data: {line}\n\n" for line in (*lines, "[DONE]")).encode()
        return Answer(200, data=data, headers={"Content-Type": "text/event-stream"})


@pytest.fixture
def brain(monkeypatch: pytest.MonkeyPatch) -> Generator[Brain]:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-the-test-1")
    with Brain() as one:
        yield one


@pytest.fixture
async def board(tmp_path: Path) -> AsyncGenerator[Board]:
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as one:
        yield one


def live(brain: Brain, root: Path, **given: Any) -> Models:
    settings = ModelSettings(default="openai:gpt-4o-mini", base_url=brain.url, record="r.jsonl")
    return Models(settings, {}, root=root, prices=Prices({}), **given)


def replayed(root: Path, **given: Any) -> Models:
    return Models(ModelSettings(default="replay:r.jsonl"), {}, root=root, **given)


def whole(chunks: Iterable[Any]) -> Any:
    first, *more = chunks
    return sum(more, first)


def parts_of(message: Any) -> tuple[Any, ...]:
    calls = [(one["id"], one["name"], one["args"]) for one in message.tool_calls]
    return message.text, calls, message.usage_metadata


async def test_a_stream_is_recorded_whole_and_replayed_as_one(brain: Brain, tmp_path: Path) -> None:
    made = live(brain, tmp_path)
    model = made.for_scope(SCOPE).bind_tools(TOOLS)
    first = [chunk async for chunk in model.astream("hello", stream_usage=True)]
    await made.aclose()
    again_model = replayed(tmp_path).for_scope(SCOPE).bind_tools(TOOLS)
    again = [chunk async for chunk in again_model.astream("hello")]

    assert len(first) > 5
    assert len(again) > 5
    assert parts_of(whole(again)) == parts_of(whole(first))
    assert whole(again).tool_calls[0]["args"] == {"command": "pytest -q", "times": 2}
    assert whole(again).usage_metadata["total_tokens"] == 1200
    # A call that is not streamed asks the same, and is answered the same.
    once = await again_model.ainvoke("hello")
    assert parts_of(once) == parts_of(whole(first))
    assert parts_of(whole(again_model.stream("hello"))) == parts_of(once)


async def test_a_stream_that_is_left_early_is_not_recorded(brain: Brain, tmp_path: Path) -> None:
    made = live(brain, tmp_path)
    stream: Any = made.for_scope(SCOPE).astream("hello")
    await anext(stream)
    await stream.aclose()
    await made.aclose()

    assert Recording.load(tmp_path / "r.jsonl").calls == 0


async def test_a_model_without_a_stream_is_streamed_whole(tmp_path: Path, authored: Any) -> None:
    from neveridle.tools.recording import RecordingChatModel, RecordingWriter, ReplayChatModel

    class Plain(ReplayChatModel):
        """One that answers at once only."""

        _astream = BaseChatModel._astream
        _stream = BaseChatModel._stream

    inner = Plain(recording=authored({"task": "t", "step": 1, "content": "all of it at once"}),
                  scope=Scope("t", 1, "work"))  # fmt: skip
    writer = RecordingWriter(tmp_path / "r.jsonl")
    model = RecordingChatModel(inner=inner, writer=writer, scope=SCOPE)
    heard = [chunk async for chunk in model.astream("hi")]
    heard_now = list(model.stream("hi"))
    writer.close()

    assert whole(heard).text == whole(heard_now).text == "all of it at once"
    assert Recording.load(tmp_path / "r.jsonl").calls == 2


FAULTS = [
    HttpFault("status", status=429, headers={"Retry-After": "7"}),
    HttpFault("status", status=429, said={"error": {"code": "insufficient_quota", "type": "x"}}),
    HttpFault("status", status=500),
    HttpFault("status", status=502, headers={"Retry-After": "3"}),
    HttpFault("status", status=401),
    HttpFault("status", status=404),
    HttpFault("status", status=400, said={"error": {"code": "context_length_exceeded"}}),
    HttpFault("cut"),
    HttpFault("malformed"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: f"{one.kind}-{one.status}-{one.said}")
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
async def test_a_failed_call_fails_again_and_means_the_same(
    brain: Brain, tmp_path: Path, fault: HttpFault, streamed: bool
) -> None:
    async def raised(made: Models) -> Exception | None:
        model = made.for_scope(SCOPE)
        try:
            if streamed:
                assert [chunk async for chunk in model.astream("hello")]
            else:
                await model.ainvoke("hello")
        except Exception as error:  # noqa: BLE001 - whatever it is, is what is compared
            return error
        return None

    brain.faults.append(fault)
    made = live(brain, tmp_path)
    first, second = await raised(made), await raised(made)
    await made.aclose()
    replay = replayed(tmp_path)
    again, then = await raised(replay), await raised(replay)

    if fault.kind == "malformed" and streamed:
        assert (first, again) == (None, None)  # a stream is not read as JSON
        return
    assert first is not None
    assert again is not None
    assert second is then is None
    one, other = classify_model_error(first, "openai"), classify_model_error(again, "openai")
    assert type(other) is type(one)
    assert facts(other) == facts(one)
    assert other.message == one.message
    assert type(again).__name__ == type(first).__name__
    assert surely_free(again) == surely_free(first)


def facts(error: NeveridleError) -> tuple[Any, ...]:
    return tuple(getattr(error, name, None) for name in ("wait", "health", "service", "remedy"))


async def test_a_replay_passes_the_breaker_of_the_recorded_provider(
    brain: Brain, board: Board, tmp_path: Path
) -> None:
    made = live(brain, tmp_path)
    brain.faults.append(HttpFault("status", status=500, times=2))
    model = made.for_scope(SCOPE)
    for _ in range(2):
        with pytest.raises(Exception, match="500"):
            await model.ainvoke("hello")
    await made.aclose()
    settings = ModelSettings(default="replay:r.jsonl", attempts=1, breaker_threshold=2)
    kit = ServiceKit(board.breakers, board.clock)
    replay = Models(settings, {}, root=tmp_path, kit=kit)
    guard, again = replay.guard_for("work", "sam"), replay.for_scope(SCOPE)

    assert replay.provider_for("work", "sam") == "openai"
    for _ in range(2):
        with pytest.raises(NeveridleError, match="answered 500"):
            await call_model(guard, lambda: again.ainvoke("hello"))
    assert (await board.breakers.get("openai")).state is BreakerState.OPEN
    with pytest.raises(ServiceUnavailable):
        await call_model(guard, lambda: again.ainvoke("hello"))


async def test_a_replayed_call_costs_what_it_cost(brain: Brain, tmp_path: Path) -> None:
    made = live(brain, tmp_path)
    first = await made.for_scope(SCOPE).ainvoke("hello")
    await made.aclose()

    again = await replayed(tmp_path).for_scope(SCOPE).ainvoke("hello")

    expected = Prices({}).cost("openai:gpt-4o-mini", usage(first))
    assert expected is not None
    assert expected > 0
    assert recorded_cost([again]) == expected
    assert recorded_cost([first]) is None
    assert again.response_metadata["model_name"] == "gpt-4o-mini-2024-07-18"
    assert again.usage_metadata == first.usage_metadata


def usage(message: AIMessage) -> Any:
    from neveridle.tools.models.prices import usage_of

    return usage_of([message])


async def test_a_replayed_call_takes_its_time_where_one_wants_it(
    brain: Brain, tmp_path: Path
) -> None:
    made = live(brain, tmp_path)
    brain.faults.append(HttpFault("status", status=500))
    with pytest.raises(Exception, match="500"):
        await made.for_scope(SCOPE).ainvoke("hello")
    await made.for_scope(SCOPE).ainvoke("hello")
    await made.aclose()
    path = tmp_path / "r.jsonl"
    timed(path, 3.5)
    taken: list[float] = []

    async def wait(seconds: float) -> None:
        taken.append(seconds)

    model = replayed(tmp_path, replaying=Replaying(wait=wait)).for_scope(SCOPE)
    with pytest.raises(Exception, match="500"):
        await model.ainvoke("hello")
    await model.ainvoke("hello")
    assert [chunk async for chunk in model.astream("hello")]

    assert taken == [3.5, 3.5, 3.5]


def timed(path: Path, seconds: float) -> None:
    """Have each call of a recording take so long."""
    head, *lines = path.read_text().splitlines()
    lines = [json.dumps({**json.loads(line), "seconds": seconds}) for line in lines]
    path.write_text("\n".join((head, *lines)) + "\n")


async def test_lenient_answers_with_the_nearest_of_the_same_task_and_step(
    brain: Brain, tmp_path: Path
) -> None:
    made = live(brain, tmp_path)
    other = Scope("dispatch:2", 1, "work", "sam")
    await made.for_scope(SCOPE).ainvoke("Mend the door of the shed")
    await made.for_scope(SCOPE).ainvoke([("human", "Mend it"), ("ai", "x"), ("human", "go on")])
    await made.for_scope(other).ainvoke("Mend the door of the barn")
    await made.aclose()
    replay = replayed(tmp_path, replaying=Replaying(lenient=True))

    found = await replay.for_scope(SCOPE).ainvoke("Mend the door of the barn, please")
    second = await replay.for_scope(SCOPE).ainvoke(
        [("human", "Mend it!"), ("ai", "x"), ("human", "go on")]
    )
    with pytest.raises(RecordingMismatch):
        await replay.for_scope(Scope("dispatch:3", 1, "work")).ainvoke("hello")

    assert "shed" in found.text
    assert "go on" in second.text
    strays = replay.recordings[0].strays
    assert (strays.lenient_matches, strays.mismatches) == (2, 1)
    assert "+    Mend the door of the barn, please" in strays.differences[0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
TEXT = st.text(max_size=200)
CALLS = st.tuples(st.sampled_from(["run", "read"]), st.dictionaries(st.text(), JSON, max_size=3))


@st.composite
def messages(draw: st.DrawFn) -> AIMessage:
    content: Any = draw(TEXT | st.lists(TEXT, min_size=1, max_size=3))
    if isinstance(content, list):
        content = [{"type": "text", "text": text} for text in cast("list[str]", content)]
    used = draw(st.integers(0, 10_000))
    calls = enumerate(draw(st.lists(CALLS, max_size=3)))
    return AIMessage(
        content=content,
        tool_calls=[ToolCall(name=name, args=args, id=f"call_{i}") for i, (name, args) in calls],
        usage_metadata=UsageMetadata(input_tokens=used, output_tokens=1, total_tokens=used + 1)
        if used
        else None,
        response_metadata={"model_name": "m"},
    )


@given(messages())
def test_the_sum_of_the_chunks_is_the_message(message: AIMessage) -> None:
    made = result_of(chunks_of(message))
    assert made is not None
    summed = made.generations[0].message

    assert isinstance(summed, AIMessage)
    assert summed.content == message.content
    assert [(one["id"], one["name"], one["args"]) for one in summed.tool_calls] == [
        (one["id"], one["name"], one["args"]) for one in message.tool_calls
    ]
    assert summed.usage_metadata == message.usage_metadata
    assert summed.response_metadata == message.response_metadata


def test_calls_that_could_not_be_read_stay_unread() -> None:
    broken = InvalidToolCall(
        type="invalid_tool_call", id="c", name="run", args='{"a": 1', error="cut"
    )
    made = result_of(chunks_of(AIMessage(content="hm", invalid_tool_calls=[broken])))

    assert made is not None
    summed = made.generations[0].message
    assert isinstance(summed, AIMessage)
    assert summed.invalid_tool_calls == [broken]
    assert summed.tool_calls == []
    assert result_of([]) is None
