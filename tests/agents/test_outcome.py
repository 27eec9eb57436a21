"""What an agent says at the end is checked before anybody acts on it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neveridle.agents.handing import document_of
from neveridle.agents.outcome import checked_outcome
from neveridle.board import HandoffDocument
from neveridle.errors import OutcomeInvalid

TEAM = ["leo", "sam"]


def checked(value: object) -> Any:
    return checked_outcome(value, receivers=TEAM, sender="sam")


def handed_off(summary: str = "-", **handoff: Any) -> dict[str, Any]:
    given = {"to": "leo", "action": "go on", **handoff}
    return {"status": "handed_off", "summary": summary, "handoff": given}


def in_parts(parts: dict[str, Any]) -> dict[str, Any]:
    return handed_off(**parts)


def test_good_outcomes_pass_as_they_are() -> None:
    for outcome in (
        {"status": "completed", "summary": "Done."},
        {"status": "failed", "summary": "No."},
        {"status": "blocked", "summary": "-", "owner": "human", "action": "act"},
    ):
        assert checked(outcome) == outcome


def test_a_receiver_may_be_written_in_any_case() -> None:
    handoff = {"to": " LEO ", "action": "go on"}
    outcome = checked({"status": "handed_off", "summary": "-", "handoff": handoff})
    assert outcome["handoff"]["to"] == "leo"


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (None, "Call the TaskOutcome tool"),
        ("completed", "Call the TaskOutcome tool"),
        ({"status": "completed"}, "summary"),
        ({"status": "great", "summary": "-"}, "completed, failed, blocked or handed_off"),
        ({"status": "blocked", "summary": "-", "owner": " ", "action": "act"}, "who must do what"),
        ({"status": "handed_off", "summary": "-", "handoff": {"to": "leo"}}, "leo"),
        (
            {"status": "handed_off", "summary": "-", "handoff": {"to": "sam", "action": "a"}},
            "one of leo",
        ),
        (handed_off(summary=" "), "no summary"),
        (handed_off(action="x" * 1001), "1001 characters; 1000 are allowed"),
        (handed_off(blockers=["x"] * 51), "51 blockers"),
        (handed_off(artifacts={"docs_url": "x" * 2000}), "among its artifacts"),
    ],
)
def test_what_is_missing_is_said(outcome: object, said: str) -> None:
    with pytest.raises(OutcomeInvalid) as raised:
        checked(outcome)
    assert said in str(raised.value)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = st.sampled_from(["status", "summary", "owner", "action", "handoff", "to", "decisions"])
STATUS = st.sampled_from(["completed", "failed", "blocked", "handed_off"])
PARTS = st.sampled_from(["summary", "acceptance_criteria", "blockers", "artifacts", "changes"])


@given(
    st.dictionaries(NAMES, VALUES | STATUS)
    | VALUES
    | st.dictionaries(PARTS, VALUES, max_size=3).map(in_parts)
)
@settings(suppress_health_check=[HealthCheck.too_slow])  # as it is on a machine with other work
def test_whatever_comes_is_an_outcome_or_refused(value: object) -> None:
    try:
        outcome = checked(value)
    except OutcomeInvalid:
        return
    assert isinstance(outcome["summary"], str)
    if outcome["status"] == "blocked":
        assert outcome["owner"].strip()
        assert outcome["action"].strip()
    if outcome["status"] == "handed_off":
        assert outcome["handoff"]["to"] == "leo"
        assert outcome["handoff"]["action"].strip()


def test_the_document_of_a_handoff_has_what_was_said_and_what_was_seen() -> None:
    outcome = {
        **handed_off("Done so far.", acceptance_criteria=["it runs", " "], blockers="none yet",
                     artifacts={"pr_url": "https://example.org/1", "docs_url": ""}),
        "decisions": ["JSON"], "open_questions": None, "files_changed": ["said.py"],
    }  # fmt: skip
    document = document_of(
        checked(outcome), changed=["seen.py"], checks=["lint", "tests"], branch="b", commit="c"
    )
    assert document == HandoffDocument(
        summary="Done so far.", action="go on", files_changed=("seen.py",), decisions=("JSON",),
        acceptance_criteria=("it runs",), blockers=("none yet",),
        artifacts={
            "pr_url": "https://example.org/1", "checks": "lint, tests", "changes": "asked for",
        },
        branch="b", commit="c",
    )  # fmt: skip
