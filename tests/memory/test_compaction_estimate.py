"""The estimate of tokens, against counts of the real tokenizer that were recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.messages.base import BaseMessage

from neveridle.memory.compaction.counting import Tally, message_tokens
from neveridle.memory.compaction.estimate import LONGEST, estimate_tokens
from neveridle.memory.compaction.shorten import shorten_message, shorten_text

COUNTS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "cl100k_counts.json").read_text(encoding="utf-8")
)["texts"]
KINDS = sorted({one["kind"] for one in COUNTS})


@pytest.mark.parametrize("kind", KINDS)
def test_the_estimate_is_within_a_tenth_of_cl100k(kind: str) -> None:
    texts = [one for one in COUNTS if one["kind"] == kind]
    assert len(texts) >= 4
    real = sum(one["tokens"] for one in texts)
    assert sum(estimate_tokens(one["text"]) for one in texts) == pytest.approx(real, rel=0.1)
    for one in texts:  # a short text is less sure than many
        assert estimate_tokens(one["text"]) == pytest.approx(one["tokens"], rel=0.2), one["name"]


def test_of_an_enormous_text_samples_are_counted() -> None:
    text = str(COUNTS[0]["text"])
    many = text * (3 * LONGEST // len(text))
    whole = estimate_tokens(text) * (3 * LONGEST // len(text))
    assert estimate_tokens(many) == pytest.approx(whole, rel=0.02)


@given(st.text(st.characters(), max_size=400))
def test_any_text_has_an_estimate(text: str) -> None:
    tokens = estimate_tokens(text)
    assert (tokens == 0) == (text == "")
    assert tokens <= 4 * len(text.encode("utf-8", "surrogatepass")) + 1


@settings(max_examples=40)
@given(st.text(max_size=2000), st.integers(0, 300))
def test_a_shortened_text_fits_and_says_what_is_missing(text: str, tokens: int) -> None:
    note = "[… {left} characters …]"
    short = shorten_text(text, tokens, note)
    if estimate_tokens(text) <= tokens:
        assert short == text
        return
    assert estimate_tokens(short) <= max(tokens, estimate_tokens(note.format(left=len(text))) + 2)
    assert "characters …]" in short


def test_a_shortened_call_is_still_a_call() -> None:
    call = {"name": "write", "args": {"path": "a.txt", "n": 3, "text": "word " * 9000}, "id": "c"}
    message = AIMessage("said " * 5000, tool_calls=[call], id="m")
    short = shorten_message(message, 300, 7)
    assert isinstance(short, AIMessage)
    assert message_tokens(short) <= 300
    assert (short.id, short.tool_calls[0]["id"]) == ("m", "c")
    args = short.tool_calls[0]["args"]
    assert (args["path"], args["n"]) == ("a.txt", 3)
    assert "recall_history(number=7)" in args["text"]
    assert message.tool_calls[0]["args"]["text"] == "word " * 9000


class Counting:
    """Counts how many messages were counted."""

    def __init__(self) -> None:
        self.counted = 0

    def __call__(self, message: BaseMessage) -> int:
        self.counted += 1
        return message_tokens(message)


def conversation(size: int) -> list[BaseMessage]:
    return [HumanMessage(f"message {at}", id=f"m{at}") for at in range(size)]


def test_each_message_is_counted_once() -> None:
    counting = Counting()
    tally = Tally(counting)
    messages = conversation(2000)
    total = tally.total(messages)
    assert (counting.counted, total) == (2000, sum(map(message_tokens, messages)))
    for _ in range(50):
        assert tally.total(list(messages)) == total
    messages.append(ToolMessage("x", tool_call_id="c", id="t"))
    assert tally.total(messages) == total + message_tokens(messages[-1])
    assert counting.counted == 2001


def test_what_is_not_looked_at_again_is_bounded() -> None:
    """A check reads a bounded number of messages: it costs the same however many there are."""

    class Watched(list[BaseMessage]):
        reads = 0

        def __getitem__(self, at: Any) -> Any:
            Watched.reads += 1
            return cast("Any", super()).__getitem__(at)

        def __iter__(self) -> Any:
            raise AssertionError("all of them are read")

    tally = Tally()
    messages = Watched(conversation(3000))
    tally.total(messages)
    Watched.reads = 0
    for _ in range(10):
        tally.total(messages)
    assert Watched.reads <= 100


def test_a_replaced_message_is_noticed() -> None:
    tally = Tally()
    messages = conversation(40)
    tally.total(messages)
    messages[17] = HumanMessage("much longer " * 50, id="m17")
    exact = sum(map(message_tokens, messages))
    assert exact in [tally.total(messages) for _ in range(40)]
    assert tally.total(messages) == exact


def test_a_shorter_and_a_reloaded_conversation_are_counted_right() -> None:
    counting = Counting()
    tally = Tally(counting)
    messages = conversation(30)
    tally.total(messages)
    assert tally.total(messages[:10]) == sum(map(message_tokens, messages[:10]))
    again = [message.model_copy() for message in messages[:10]]
    assert tally.total(again) == sum(map(message_tokens, again))
    assert counting.counted == 30  # the same, though not the same objects
    assert tally.total([]) == 0
