from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.errors import OutcomeInvalid
from neveridle.memory import LEARNING_SCHEMA, Learning, learning_from, learning_text

ANSWER: dict[str, Any] = {
    "type": "failure",
    "context": "calling the Linear API",
    "observation": "429 after 1,500 requests",
    "lesson": "Wait until the reset time in the header.",
    "tags": ["linear", "rate limit", "linear"],
}


def test_an_answer_becomes_a_learning() -> None:
    learning = learning_from(ANSWER, agent="sam")
    assert learning == Learning(
        agent="sam", type="failure", context=ANSWER["context"], lesson=ANSWER["lesson"],
        observation=ANSWER["observation"], tags=["linear", "rate limit"],
    )  # fmt: skip


def test_the_agent_is_ours_to_say() -> None:
    assert learning_from({**ANSWER, "agent": "somebody"}, agent="sam").agent == "sam"


def test_its_text_starts_with_the_lesson() -> None:
    text = learning_text(learning_from(ANSWER, agent="sam"))
    assert text.splitlines() == [
        "failure: Wait until the reset time in the header.",
        "Context: calling the Linear API",
        "Observation: 429 after 1,500 requests",
    ]
    bare = learning_from({**ANSWER, "context": " ", "observation": ""}, agent="sam")
    assert learning_text(bare) == "failure: Wait until the reset time in the header."


@pytest.mark.parametrize(
    ("change", "named"),
    [({"type": "maybe"}, "type"), ({"lesson": "  "}, "lesson"), ({"context": None}, "context")],
)
def test_no_learning(change: dict[str, Any], named: str) -> None:
    with pytest.raises(OutcomeInvalid, match=named):
        learning_from({**ANSWER, **change}, agent="sam")


def test_rambling_is_cut() -> None:
    assert len(learning_from({**ANSWER, "lesson": "x" * 9_000}, agent="sam").lesson) == 2_000


def test_the_schema_asks_for_everything_but_the_agent() -> None:
    asked = ["type", "context", "observation", "lesson", "tags"]
    assert LEARNING_SCHEMA["required"] == asked
    assert list(LEARNING_SCHEMA["properties"]) == asked
    assert LEARNING_SCHEMA["additionalProperties"] is False
    assert "$ref" not in repr(LEARNING_SCHEMA)


@given(
    st.dictionaries(
        st.sampled_from([*ANSWER, "agent", "other"]),
        st.none() | st.text() | st.integers() | st.lists(st.text() | st.integers()),
    )
)
def test_whatever_a_model_answers(answer: dict[str, Any]) -> None:
    try:
        learning = learning_from(answer, agent="sam")
    except OutcomeInvalid:
        return
    assert learning_text(learning)
