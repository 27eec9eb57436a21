"""How the status reads: each state in its words, and no line longer than the screen."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from neveridle.cli.cells import cells, plain
from neveridle.cli.facts import status_of
from neveridle.cli.sections import fitted, stacked
from neveridle.cli.status_view import sections
from neveridle.settings import Settings

NOW = 1_800_000_000.0
SETTINGS = Settings.model_validate(
    {"model": {"default": "openai:gpt-5"}, "agents": {"max": {"paused": True}},
     "budgets": {"day": {"cost": 2.0}, "team": {"tokens": 0}, "timezone": "Asia/Tokyo"}}
)  # fmt: skip


def numbers(**given: Any) -> dict[str, Any]:
    """The board's numbers, with nothing on it but what is given."""
    nothing: dict[str, Any] = {
        name: []
        for name in ("tasks", "agents", "processes", "blocked", "stuck", "sync_points",
                     "controls", "doing", "stopped", "services", "budgets", "inbox_counts",
                     "inbox", "events")
    }  # fmt: skip
    model = {"calls": 0, "input_tokens": 0, "output_tokens": 0, "nanos": 0, "unpriced": 0}
    return {"now": NOW, "outage": None, "living": {}, "next_due": None, **nothing,
            "model": model, **given}  # fmt: skip


def agent(name: str = "sam", seen: float | None = NOW, task: int | None = None) -> dict[str, Any]:
    return {"name": name, "role": "backend", "heartbeat_at": seen, "task": task}


def doing(name: str = "sam") -> dict[str, Any]:
    return {"agent": name, "task": 7, "title": "Seven", "rung": "roadmap", "phase": "worked",
            "since": NOW - 240, "number": 1}  # fmt: skip


def control(mode: str, who: str = "sam", ago: float = 600.0) -> dict[str, Any]:
    return {"agent": who, "mode": mode, "reason": "a look", "by": "", "since": NOW - ago}


def shown(found: dict[str, Any], given: Settings | None = None, width: int = 100) -> str:
    facts = status_of(found, lease=120, settings=given)
    return "\n".join(map(plain, stacked(sections(facts, team="t", width=width))))


CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"agents": [agent(seen=None)]}, "away", "not running"),
    ({"agents": [agent(seen=None)], "controls": [control("paused")]}, "away",
     "paused, not running"),
    ({"agents": [agent(seen=NOW - 600)]}, "silent", "silent for 10 min"),
    ({"agents": [agent()]}, "resting", "rests"),
    ({"agents": [agent()], "doing": [doing()]}, "working",
     "works for 4 min  #7 roadmap, worked: Seven"),
    ({"agents": [agent()], "controls": [control("paused")]}, "paused",
     "paused for 10 min  a look"),
    ({"agents": [agent()], "controls": [control("paused", "*")], "doing": [doing()]}, "paused",
     "finishes #7 roadmap, worked, 4 min: Seven"),
    ({"agents": [agent()], "controls": [control("draining")], "living": {"sam": NOW - 900},
      "doing": [doing()]}, "draining", "draining for 10 min"),
    ({"agents": [agent()], "controls": [control("draining")], "living": {"sam": NOW - 900}},
     "drained", "drained for 10 min"),
    ({"agents": [agent()], "controls": [control("draining")], "living": {"sam": NOW - 60}},
     "resting", "rests"),
    ({"agents": [agent()], "living": {"sam": NOW - 900},
      "stopped": [{"agent": "sam", "at": NOW - 300, "code": "c", "message": "No key.",
                   "remedy": "Set one."}]}, "stopped", "stopped for 5 min  No key. Set one."),
    ({"agents": [agent()], "living": {"sam": NOW - 60},
      "stopped": [{"agent": "sam", "at": NOW - 300, "code": "c", "message": "m",
                   "remedy": "r"}]}, "resting", "rests"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "state", "words"), CASES)
def test_each_state_in_its_words(given: dict[str, Any], state: str, words: str) -> None:
    (one,) = status_of(numbers(**given), lease=120)["agents"]

    assert one["state"] == state
    assert words in shown(numbers(**given))


def test_who_is_paused_by_the_settings_is_paused() -> None:
    found = status_of(numbers(agents=[agent("max")]), lease=120, settings=SETTINGS)
    (one,) = found["agents"]
    assert (one["state"], one["reason"]) == ("paused", "paused = true in neveridle.toml")
    assert "paused  paused = true in neveridle.toml" in shown(
        numbers(agents=[agent("max")]), SETTINGS
    )


def test_who_rests_for_want_of_money_or_of_a_model_says_until_when() -> None:
    row = {"scope": "day", "window": "2027-01-15", "ends_at": NOW + 600, "tokens": 9,
           "nanos": 1_990_000_000, "calls": 3, "held_tokens": 0, "held_nanos": 0,
           "closed_at": NOW - 60, "cap_tokens": None, "cap_nanos": 2_000_000_000}  # fmt: skip
    spent = status_of(numbers(agents=[agent()], budgets=[row]), lease=120, settings=SETTINGS)
    (one,) = spent["agents"]
    assert (one["until"], one["reason"]) == (NOW + 600, "the budget day is spent")
    text = shown(numbers(agents=[agent()], budgets=[row]), SETTINGS)
    assert "$1.99 of $2.00" in text
    assert "spent; until" in text

    raised = SETTINGS.model_copy(update={"budgets": SETTINGS.budgets.model_copy(
        update={"day": SETTINGS.budgets.day.model_copy(update={"cost": 3.0}),
                "team": SETTINGS.budgets.team.model_copy(update={"tokens": None})})})  # fmt: skip
    facts = status_of(numbers(agents=[agent()], budgets=[row]), lease=120, settings=raised)
    assert [one["closed"] for one in facts["budgets"]] == [False]
    assert facts["agents"][0]["until"] is None

    away = {"name": "openai", "state": "open", "reason": "busy", "failures": 5,
            "opened_at": NOW - 5, "retry_at": NOW + 60, "tasks": 2}  # fmt: skip
    facts = status_of(numbers(agents=[agent()], services=[away]), lease=120, settings=raised)
    assert facts["agents"][0]["until"] == NOW + 60
    assert "2 tasks wait: busy" in shown(numbers(agents=[agent()], services=[away]), raised)
    held = {**away, "name": "github", "state": "held", "retry_at": None}
    assert "neveridle services reset github" in shown(numbers(services=[held]), raised)


def test_budgets_of_which_nothing_was_spent_are_there_by_the_day_of_their_zone() -> None:
    facts = status_of(numbers(), lease=120, settings=SETTINGS)
    (day, team) = facts["budgets"]

    assert (day["scope"], day["window"], day["closed"]) == ("day", "2027-01-15", False)
    assert (day["cap_cost"], day["cost"]) == (2.0, 0.0)
    assert (team["scope"], team["closed"]) == ("team", True)  # 0 allows nothing


def test_the_inbox_says_what_to_type_and_an_emergency_is_loud() -> None:
    newest = [
        {"id": 3, "kind": "approval", "level": "EMERGENCY", "title": "git push", "action": "x",
         "agent": "sam", "task": 1, "created_at": NOW - 60, "count": 1},
    ]  # fmt: skip
    counts = [{"kind": "approval", "level": "EMERGENCY", "count": 1},
              {"kind": "question", "level": "HUMAN_ALERT", "count": 2}]  # fmt: skip
    found = numbers(inbox=newest, inbox_counts=counts)
    out = shown(found)

    assert "3 for you" in out
    assert "Inbox: 1 approval, 2 questions, 1 of them an EMERGENCY" in out
    assert "neveridle approve 3" in out
    inbox = status_of(found, lease=120)["inbox"]
    assert (inbox["open"], inbox["kinds"]) == (3, {"approval": 1, "question": 2})


def test_everybody_who_is_paused_is_said_at_the_top_and_a_drain_that_is_over_is_not() -> None:
    out = shown(numbers(controls=[control("paused", "*"), control("draining", "*")]))

    assert "Everybody is paused for 10 min: a look. `neveridle resume` lifts that." in out
    assert "to end" not in out


TEXT = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        ["日本語の題名がとても長い" * 6, "👩\u200d👩\u200d👧" * 9, "x" * 200, "\x1b[2J"]
    ),
)


@st.composite
def boards(draw: st.DrawFn) -> dict[str, Any]:
    """Numbers of which every text is anything at all."""

    def one(*names: str, **fixed: Any) -> dict[str, Any]:
        return {**{name: draw(TEXT) for name in names}, **fixed}

    at = st.none() | st.floats(NOW - 1e6, NOW + 1e6)
    return numbers(
        agents=[one("name", "role", heartbeat_at=draw(at), task=draw(st.none() | st.just(3)))
                for _ in range(draw(st.integers(0, 4)))],
        tasks=[{"state": "pending", "source": "backlog", "count": draw(st.integers(0, 10**12))}],
        processes=[one("host", pid=1, agents=1, heartbeat_at=NOW - 5)] * 2,
        blocked=[one("title", "owner", "action", id=10**9)],
        stuck=[one("title", "on_state", id=1, on=2)],
        sync_points=[one("name", "agent", "status", "reason", deadline=NOW - 5, id=1)],
        controls=[one("agent", "reason", "by", mode="paused", since=NOW - 5)],
        services=[one("name", "reason", state="open", failures=1, opened_at=NOW,
                      retry_at=NOW + 5, tasks=1)],
        inbox=[one("title", "agent", id=1, kind="question", level="EMERGENCY", action="", task=1,
                   created_at=NOW, count=1)],
        inbox_counts=[{"kind": "question", "level": "EMERGENCY", "count": 1}],
        events=[one("agent", "title", "source", id=1, at=NOW, kind="task.claimed", task=1,
                    data={"title": draw(TEXT)})] * 3,
        outage={"began_at": NOW - 9, "held_until": NOW + 9, "silent": [draw(TEXT)], "agents": 9},
    )  # fmt: skip


@settings(max_examples=30)
@given(boards(), TEXT, st.integers(40, 200), st.integers(1, 60), st.booleans())
def test_no_line_is_longer_than_the_screen_and_there_are_no_more_than_fit(
    found: dict[str, Any], team: str, width: int, height: int, brief: bool
) -> None:
    facts = status_of(found, lease=120, settings=SETTINGS)
    parts = sections(facts, team=team, width=width, brief=brief)

    for line in [*stacked(parts), *fitted(parts, height)]:
        assert max(cells(plain(line)), cell_len(plain(line))) <= width
    assert len(fitted(parts, height)) <= height
