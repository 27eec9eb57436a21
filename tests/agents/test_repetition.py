"""What makes a circle, and what only looks like one."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from neveridle.agents.repetition import FORGIVEN, KNOWN, LONGEST, Act, Finding, Trail, Why
from neveridle.agents.rounds import rounds_of
from neveridle.settings import LimitSettings

LIMITS = LimitSettings()
SHARED = Path(os.environ.get("NEVERIDLE_SHARED", Path(__file__).resolve().parents[3] / "shared"))
ACTS = st.builds(Act, action=st.text(max_size=3), result=st.text(max_size=3))
ROUND = st.lists(ACTS, min_size=1, max_size=3)


def key(acts: Sequence[Act]) -> frozenset[tuple[str, str]]:
    return frozenset((act.action, act.result) for act in acts)


def walk(trail: Trail, rounds: Sequence[Sequence[Act]], *, repeats: int, quiet: int = 0) -> Any:
    """The first that is found, and after how many rounds; None: nothing is."""
    for at, acts in enumerate(rounds, start=1):
        trail.add(acts, keep=LONGEST * repeats)
        found = trail.look(repeats=repeats, quiet=quiet)
        if found is not None:
            return found, at
    return None


@given(
    st.lists(ROUND, max_size=6),
    st.lists(ROUND, min_size=1, max_size=4),
    st.integers(2, 6),
)
def test_whatever_goes_round_often_enough_is_found_at_the_latest_then(
    before: list[list[Act]], turn: list[list[Act]], repeats: int
) -> None:
    rounds = [*before, *turn * repeats]
    found = walk(Trail(), rounds, repeats=repeats)
    assert found is not None
    assert found[1] <= len(rounds)
    finding = found[0]
    last = [key(acts) for acts in rounds[found[1] - finding.rounds : found[1]]]
    assert len(last) == finding.period * repeats  # and what is found is a circle
    assert last == last[: finding.period] * repeats


@given(st.lists(ROUND, max_size=40), st.integers(2, 6), st.integers(1, 12))
def test_what_never_comes_to_the_same_is_never_found(
    rounds: list[list[Act]], repeats: int, quiet: int
) -> None:
    fresh = [
        [Act(act.action, f"{at}:{act.result}") for act in acts] for at, acts in enumerate(rounds)
    ]
    assert walk(Trail(), fresh, repeats=repeats, quiet=quiet) is None


@given(st.lists(ROUND, max_size=40), st.integers(2, 6), st.integers(1, 12))
def test_it_is_the_same_after_a_resumption_at_any_round(
    rounds: list[list[Act]], repeats: int, quiet: int
) -> None:
    one, other = Trail(), Trail()
    for acts in rounds:
        one.add(acts, keep=LONGEST * repeats)
        other.add(acts, keep=LONGEST * repeats)
        found = one.look(repeats=repeats, quiet=quiet)
        assert other.look(repeats=repeats, quiet=quiet) == found
        if found is not None:
            one.tell(found)
            other.tell(found)
        other = Trail.from_dict(json.loads(json.dumps(other.as_dict())))
        assert other == one


def test_four_rounds_make_the_longest_turn() -> None:
    turn = [[Act(name, name)] for name in "abcd"]
    assert walk(Trail(), turn * 3, repeats=3) == (Finding(Why.REPEATS, 4, 3), 12)


def test_what_is_kept_is_bounded() -> None:
    trail = Trail()
    for at in range(3 * KNOWN):
        trail.add([Act(f"{at:016}", f"{at:016}")], keep=16)
    assert (len(trail.rounds), len(trail.results), len(trail.actions)) == (16, KNOWN, KNOWN)
    assert len(json.dumps(trail.as_dict())) < 12_000


def test_looking_round_in_what_is_known_brings_nothing_and_changing_things_does() -> None:
    looks = [[Act(f"look {n}", f"file {n}", changes=False)] for n in range(8)]
    shuffled = [looks[n] for n in (3, 1, 7, 0, 5, 2, 6, 4, 1, 6, 3, 0)]
    trail = Trail()
    assert walk(trail, [*looks, *shuffled], repeats=4, quiet=12) == (
        Finding(Why.NO_NEWS, 0, 12),
        20,
    )
    edits = [[Act(f"edit {n}", "Edited.")] for n in range(12)]
    mixed = [one for pair in zip(shuffled, edits, strict=True) for one in pair]
    assert walk(Trail(), [*looks, *mixed], repeats=4, quiet=12) is None
    trail = Trail()  # the same edit over and over changes nothing
    assert walk(trail, [*looks, *shuffled[:5], edits[0], *shuffled], repeats=4, quiet=12) == (
        Finding(Why.NO_NEWS, 0, 12),
        8 + 5 + 1 + 12,
    )


def test_what_was_folded_is_news_once_more() -> None:
    looks = [[Act(f"look {n}", f"file {n}", changes=False)] for n in range(8)]
    trail = Trail()
    assert walk(trail, [*looks, *looks[::-1]], repeats=4, quiet=12) is None
    trail.forget()
    assert walk(trail, [looks[n] for n in (2, 0, 3, 1, 7, 5)], repeats=4, quiet=12) is None
    assert trail.quiet == 0


def test_who_was_told_is_forgiven_when_news_come_again() -> None:
    trail = Trail()
    found = Finding(Why.REPEATS, 1, 4)
    trail.tell(found)
    for at in range(FORGIVEN - 1):
        trail.add([Act(str(at), str(at))], keep=16)
    assert trail.told == found
    trail.add([Act("one more", "one more")], keep=16)
    assert trail.told is None


def call(tool: str, args: dict[str, Any], result: str, **more: Any) -> list[BaseMessage]:
    asked = {"name": tool, "args": args, "id": f"{tool}-{len(result)}"}
    answer = AIMessage("", tool_calls=[asked])
    return [answer, ToolMessage(result, tool_call_id=asked["id"], name=tool, **more)]


def judged(rounds: Sequence[Sequence[BaseMessage]]) -> Any:
    messages = [HumanMessage("Fix"), *(m for one in rounds for m in one)]
    acts = [[done.act for done in one] for one in rounds_of(messages, 1_000)]
    assert len(acts) == len(rounds)
    return walk(Trail(), acts, repeats=LIMITS.stuck_repeats, quiet=LIMITS.stuck_rounds)


RUN = {"command": "pytest"}
FAILED = "exit code 1 after 0.3 seconds\n1 failed in 0.21s"


@pytest.mark.parametrize(
    "rounds",
    [
        [call("run", {"command": "gh checks"}, f"{n} of 30 checks done") for n in range(30)],
        [
            one
            for n in range(12)
            for one in (
                call("edit_file", {"path": "a", "old": str(n), "new": str(n + 1)}, "Edited a."),
                call("run", RUN, FAILED),
                call("read_file", {"path": "a"}, f"1: {n + 1}"),
            )
        ],
        [call("read_file", {"path": "a", "start": 1 + 400 * n}, f"{n}: x") for n in range(30)],
        [call("write_file", {"path": f"{n}"}, "Made it, 1 lines.") for n in range(30)],
        [call("run", {"command": f"mkdir {n}"}, "exit code 0") for n in range(30)],
        [call("run", RUN, FAILED)] * 3,
        [call("read_file", {"path": "a"}, "1: x"), call("read_file", {"path": "b"}, "1: y")] * 3,
    ],
    ids=["polling", "edit, test, read", "paging", "new files", "commands", "thrice", "a b thrice"],
)
def test_legitimate_repetition_is_left_alone(rounds: list[list[BaseMessage]]) -> None:
    assert judged(rounds) is None


@pytest.mark.parametrize(
    ("rounds", "found", "after"),
    [
        (  # times and durations differ, the order of arguments does, and nothing else
            [
                call("run", dict([*RUN.items(), ("timeout", 9)][:: (-1) ** n]),
                     f"exit code 1 after {n}.3 seconds\nat 2026-01-01 10:00:0{n}: 1 failed")
                for n in range(8)
            ],
            Finding(Why.REPEATS, 1, 4), 4,
        ),
        (
            [call("edit_file", {"new": f"{n % 2}"}, "Edited a.") for n in range(20)],
            Finding(Why.REPEATS, 2, 4), 8,
        ),
        (
            [call("search", {"pattern": f"{n}"}, "No matches.") for n in range(30)],
            Finding(Why.NO_NEWS, 0, 12), 13,
        ),
        (  # each error quotes what it was given, so each is another
            [call("TaskOutcome", {"status": f"{n}"}, f"Error: no {n}") for n in range(30)],
            Finding(Why.NO_NEWS, 0, 12), 12,
        ),
        (
            [[AIMessage("I am done."), HumanMessage("Error: no outcome.")]] * 30,
            Finding(Why.REPEATS, 1, 4), 4,
        ),
        (  # edits that are refused change nothing, however different
            [
                call("edit_file", {"old": f"{n}"}, "It does not occur.", status="error")
                for n in range(30)
            ],
            Finding(Why.NO_NEWS, 0, 12), 13,
        ),
    ],
    ids=["same", "to and fro", "in vain", "no end", "talk", "refused"],
)  # fmt: skip
def test_circles_are_found(rounds: list[list[BaseMessage]], found: Finding, after: int) -> None:
    assert judged(rounds) == (found, after)


def test_evidence_is_short_and_without_secrets() -> None:
    secret = "ghp_" + "a1B2" * 9
    messages = [HumanMessage("Fix"), *call("run", {"command": f"x {secret}"}, f"{secret} " * 200)]
    ((done,),) = rounds_of(messages, 1)
    evidence = done.as_evidence()
    assert secret not in json.dumps(evidence)
    assert all(len(text) <= 301 for text in evidence.values())
    assert evidence["tool"] == "run"


def test_recorded_runs_that_succeeded_would_not_have_been_stopped() -> None:
    path = SHARED / "data" / "taubench" / "gpt-4o-airline-dev.json"
    if not path.exists():
        pytest.skip(f"there are no recorded runs at {path}")
    runs: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    stopped: dict[float, int] = {}
    nudged: dict[float, int] = {}
    for run in runs:
        trail = Trail()
        for one in rounds_of([message(said) for said in run["traj"]], 10_000):
            trail.add([done.act for done in one], keep=LONGEST * LIMITS.stuck_repeats)
            found = trail.look(repeats=LIMITS.stuck_repeats, quiet=LIMITS.stuck_rounds)
            if found is not None and trail.told is not None:
                stopped[run["reward"]] = stopped.get(run["reward"], 0) + 1
                break
            if found is not None:
                nudged[run["reward"]] = nudged.get(run["reward"], 0) + 1
                trail.tell(found)
    assert len(runs) == 60
    assert 1.0 not in stopped
    print(f"stopped {stopped}, told {nudged}")  # noqa: T201 - what was measured, with -s


def message(said: dict[str, Any]) -> BaseMessage:
    text = said.get("content") or ""
    if said["role"] == "tool":
        return ToolMessage(text, tool_call_id=said["tool_call_id"], name=said["name"])
    if said["role"] != "assistant":
        return HumanMessage(text)
    calls = [
        {"name": one["function"]["name"], "args": json.loads(one["function"]["arguments"]),
         "id": one["id"]}
        for one in said.get("tool_calls") or ()
    ]  # fmt: skip
    return AIMessage(text, tool_calls=calls)
