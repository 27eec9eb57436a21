"""What is noted of folded messages, how it is found again, and which answers are summaries."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from neveridle.memory.compaction.estimate import estimate_tokens
from neveridle.memory.compaction.history import Folded, ListHistory
from neveridle.memory.compaction.identifiers import holds, identifiers
from neveridle.memory.compaction.ledger import Ledger
from neveridle.memory.compaction.searching import PAGE, search, show
from neveridle.memory.compaction.summary import PARTS, Summary, bounded
from neveridle.memory.compaction.writing import question, sections_from


@pytest.mark.parametrize(
    ("text", "value", "label", "kind"),
    [
        ('{"user_id": "mei_chen_7287"}', "mei_chen_7287", "user_id", "code"),
        ('ok {"items": [{"price": 12.5}]} end', "12.5", "price", "number"),
        ('{"cards": {"card_77": {"sum": 1}}}', "card_77", "cards", "code"),
        ("see tests/board/test_claims.py:12", "tests/board/test_claims.py:12", "", "path"),
        ("write to mei.chen@example.org.", "mei.chen@example.org", "", "email"),
        ("on 2026-11-22, not before", "2026-11-22", "", "date"),
        ("My order is #W2378156.", "#W2378156", "", "code"),
        ("commit: 9f1c2ab77e", "9f1c2ab77e", "commit", "code"),
        ("at https://example.org/a?b=1 there", "https://example.org/a?b=1", "", "url"),
        ("fly from JFK", "JFK", "", "upper"),
        ("it costs $1,024.50 now", "$1,024.50", "", "number"),
    ],
)
def test_identifiers_are_found_letter_by_letter(
    text: str, value: str, label: str, kind: str
) -> None:
    found = {one.value: one for one in identifiers(text)}
    assert (found[value].label, found[value].kind) == (label, kind)


@given(st.text(max_size=500))
def test_any_text_may_be_looked_through(text: str) -> None:
    assert all(one.value in text for one in identifiers(text.replace("\\", ""))) or "{" in text


def test_deep_and_enormous_json_ends() -> None:
    assert identifiers("[" * 5000 + "]" * 5000) == []
    many = json.dumps([{"id": f"row-{at}"} for at in range(60_000)])
    assert len(identifiers(many)) == 20_000


def test_a_value_is_held_only_as_a_whole() -> None:
    assert holds("order 141, please", "141")
    assert holds("costs $141.", "141")
    assert not holds("order 1417", "141")
    assert not holds("costs 141.5", "141")
    assert not holds("card_141", "141")


def ledger() -> Ledger:
    made = Ledger()
    made.add(HumanMessage("I am mei_chen_7287."), 1)
    call = {"name": "read", "args": {"user_id": "mei_chen_7287"}, "id": "c"}
    made.add(AIMessage("", tool_calls=[call]), 2)
    rows = [{"order_id": f"#W{at:07}", "note": f"word{at} some words"} for at in range(200)]
    made.add(ToolMessage(json.dumps(rows), tool_call_id="c"), 3)
    made.add(AIMessage("Your newest order is #W0000007."), 4)
    return made


def test_what_was_used_or_spoken_of_comes_first() -> None:
    made = ledger()
    newer = [{"order_id": f"#W{at:07}"} for at in range(300, 310)]
    made.add(ToolMessage(json.dumps(newer), tool_call_id="d"), 5)
    values = [entry.value for entry in made.ranked()]
    assert set(values[:2]) == {"mei_chen_7287", "#W0000007"}
    assert set(values[2:12]) == {one["order_id"] for one in newer}


def test_a_ledger_fits_its_budget_and_says_nothing_twice() -> None:
    made = ledger()
    for tokens in (0, 10, 60, 300):
        lines = made.lines(tokens, without="as #W0000007 says")
        assert estimate_tokens("\n".join(lines)) <= tokens * 1.15
        assert "#W0000007" not in str(lines)
    assert made.lines(300)[0].startswith("order_id: ") or "user_id" in str(made.lines(300))


def test_a_ledger_survives_being_kept() -> None:
    made = ledger()
    again = Ledger.from_dict(json.loads(json.dumps(made.as_dict())))
    assert again.lines(500) == made.lines(500)


HISTORY = [
    Folded(1, "a", "human", "", "Please repair the export of invoices."),
    Folded(2, "b", "tool", "read_file", "def export(invoices):\n    return csv(invoices)\n" * 40),
    Folded(3, "c", "tool", "find_user", '{"user_id": "mei_chen_7287", "zip": "77243"}'),
    Folded(4, "d", "ai", "", "The cause is a missing header. " + "x" * (2 * PAGE)),
]


def test_a_search_finds_by_words_and_by_keys() -> None:
    assert search(HISTORY, "which user is it? zip").startswith("[message 3, tool find_user]")
    assert search(HISTORY, "what was the cause").startswith("[message 4, assistant]")
    assert "mei_chen_7287" in search(HISTORY, "invoices export user_id")
    assert search(HISTORY, "???").startswith("Nothing was found.")
    assert search([], "user").startswith("Nothing was found.")


@given(st.text(max_size=80), st.integers(50, 1500))
def test_a_search_is_bounded(query: str, tokens: int) -> None:
    assert estimate_tokens(search(HISTORY, query, tokens=tokens)) <= tokens + 700


def test_a_message_is_shown_page_by_page() -> None:
    whole, offset = "", 0
    for _ in range(3):
        page = show(HISTORY, 4, offset=offset)
        whole += page.split("\n", 1)[1].split("\n[…")[0]
        offset += PAGE
    assert whole == HISTORY[3].text
    assert show(HISTORY, 9) == "Message 9 was not folded. Folded messages: 1 to 4."
    assert show([], 1).endswith("none yet.")


async def test_a_history_keeps_the_first_of_a_number() -> None:
    history = ListHistory()
    await history.add([HISTORY[1], HISTORY[0]])
    await history.add([Folded(1, "z", "human", "", "other")])
    assert await history.all() == HISTORY[:2]


def said(**parts: Any) -> dict[str, Any]:
    return {**{name: [] for name in PARTS}, **parts}


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "text",
        said(),
        said(goal=["  "]),
        said(goal=7),
        said(done=["same"] * 6),
        said(goal=["again and again " * 60]),
        said(done=[f"line {at} " * 20 for at in range(400)]),
    ],
    ids=["none", "text", "empty", "blank", "shape", "lines", "words", "enormous"],
)
def test_what_is_no_summary_is_refused(answer: object) -> None:
    assert sections_from(answer) is None


def test_a_summary_is_taken_bounded_and_without_secrets() -> None:
    key = "ghp_" + "a1" * 12
    found = sections_from(said(goal="Repair it.", files=["a.py", "a.py", f"key {key}"]))
    assert found is not None
    assert found["goal"] == ["Repair it."]
    assert found["files"] == ["a.py", "key <secret>"]
    many = bounded({"done": [f"step {at}" for at in range(500)], "goal": ["word " * 400]})
    assert many["done"][-1] == "step 499"
    assert len(many["done"]) == 60
    assert len(many["goal"][0]) < 620


def test_the_model_is_asked_about_what_is_new_within_its_budget() -> None:
    messages = [ToolMessage(f"result {at} " * 400, tool_call_id="c") for at in range(50)]
    asked = question(messages, {"goal": ["Repair it."]}, 2000)
    assert estimate_tokens(asked) <= 2000
    assert '"goal": ["Repair it."]' in asked
    assert "result 0" in asked
    assert "result 49" in asked
    assert question([HumanMessage("# do this")], {}, 500).endswith("human:\n> # do this")


def test_a_summary_says_what_it_is_within_its_budget() -> None:
    summary = Summary("Do it. " * 300, 40, 3, 4, {"goal": ["Repair it."] * 3}, ledger())
    for tokens in (120, 200, 800, 4000):
        text = summary.render(tokens)
        assert estimate_tokens(text) <= tokens
        assert "Messages 2 to 40 are not shown any more." in text
    again = Summary.from_dict(json.loads(json.dumps(summary.as_dict())))
    assert again.render(800) == summary.render(800)
    assert (again.model_calls, again.tool_calls) == (3, 4)
