"""What it costs to see that a conversation needs no folding, and how good the estimate is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from bench.harness import Pair, Sampler, row, timed

CHECKS = 2_000
COUNTS = Path(__file__).parents[2] / "tests" / "memory" / "cl100k_counts.json"
CHECK = "compaction check, not triggered"


def conversation(size: int) -> list[Any]:
    """Messages as an agent with tools has them."""
    from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

    found: list[Any] = [HumanMessage("Repair what the tests say is broken.", id="0")]
    for at in range(1, size, 2):
        call = {"name": "read_file", "args": {"path": f"src/part_{at}.py"}, "id": f"call-{at}"}
        found.append(AIMessage("I look at it.", tool_calls=[call], id=str(at)))
        text = f"def part_{at}(value: int) -> int:\n    return value + {at}\n" * 4
        found.append(ToolMessage(text, tool_call_id=f"call-{at}", id=f"result-{at}"))
    return found[:size]


def ours(size: int) -> Sampler:
    """The middleware around a call of the model that answers at once."""
    from langchain.agents.middleware import ModelRequest, ModelResponse
    from langchain_core.language_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage, SystemMessage

    from neveridle.agents.compaction import Compaction
    from neveridle.memory.compaction.history import ListHistory
    from neveridle.settings import CompactionSettings

    unused: Any = None  # neither board nor attempt is asked unless something is folded
    settings = CompactionSettings(window=100_000_000)
    middleware = Compaction(unused, unused, settings, ListHistory())
    model = GenericFakeChatModel(messages=iter(()))
    request = ModelRequest(
        model=model,
        messages=conversation(size),
        system_message=SystemMessage("You are one."),
        tools=[*middleware.tools],
    )
    response = ModelResponse[Any](result=[AIMessage("")])

    async def handler(_: Any) -> ModelResponse[Any]:
        return response

    async def many() -> None:
        for _ in range(CHECKS):
            await middleware.awrap_model_call(request, handler)

    asyncio.run(many())  # each message is counted once, when it comes
    return timed(lambda: asyncio.run(many()), CHECKS)


def peer(size: int) -> Sampler:
    """LangChain's, which counts all messages at each call."""
    from langchain.agents.middleware import SummarizationMiddleware
    from langchain_core.language_models import GenericFakeChatModel

    model = GenericFakeChatModel(messages=iter(()))
    middleware = SummarizationMiddleware(model, trigger=("tokens", 100_000_000))
    state: Any = {"messages": conversation(size)}
    runtime: Any = None
    checks = max(3, 20_000 // size)

    def many() -> None:
        for _ in range(checks):
            assert middleware.before_model(state, runtime) is None

    return timed(many, checks)


@row(f"{CHECK}, 2,000 messages", floor="LangChain's middleware", compare="ours", limit=5e-5)
def check() -> Generator[Pair]:
    """Both around nothing else."""
    yield Pair(ours=ours(2_000), floor=peer(2_000))


@row(f"{CHECK}, 2,000 messages", floor="the same with 200 messages", limit=1.5)
def flat() -> Generator[Pair]:
    """It does not grow with the conversation."""
    yield Pair(ours=ours(2_000), floor=ours(200))


@row(f"{CHECK}, 20,000 messages", floor="the same with 200 messages", limit=2.0)
def flat_when_long() -> Generator[Pair]:
    """Nor does it later; what is read is only colder."""
    yield Pair(ours=ours(20_000), floor=ours(200))


def error(count: Callable[[str], float], kind: str) -> float:
    """By which share a count is off, over all recorded texts of a kind."""
    texts = json.loads(COUNTS.read_text(encoding="utf-8"))["texts"]
    known = [one for one in texts if one["kind"] == kind]
    real = sum(one["tokens"] for one in known)
    return float(abs(sum(count(one["text"]) for one in known) / real - 1))


def estimates(kind: str) -> Generator[Pair]:
    """Ours and LangChain's approximation, of which no time is taken."""
    from langchain_core.messages import HumanMessage
    from langchain_core.messages.utils import count_tokens_approximately

    from neveridle.memory.compaction.estimate import estimate_tokens

    def approximately(text: str) -> float:
        return count_tokens_approximately([HumanMessage(text)])

    yield Pair(ours=lambda: error(estimate_tokens, kind), floor=lambda: error(approximately, kind))


def register(kind: str) -> None:
    """One row for one kind of text."""

    def measured() -> Generator[Pair]:
        yield from estimates(kind)

    name, floor = f"tokens of {kind}, off from cl100k by", "LangChain's approximation"
    row(name, floor=floor, compare="share", limit=0.1, rounds=1)(measured)


for one in ("prose", "code", "json", "logs", "non-Latin"):
    register(one)
