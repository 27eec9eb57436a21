"""The gate: what must close it, and what must not."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.evals.report import (
    baseline_of,
    check_baseline,
    load_results,
    regressions,
    write_baseline,
)
from neveridle.evals.report.gate import hold
from neveridle.evals.result import CaseResult, ScoreLine, SuiteResult

Make = Callable[..., CaseResult]
Suite = Callable[..., SuiteResult]
Kinds = set[tuple[str, str, str]]


def kinds(baseline: SuiteResult, now: SuiteResult, tolerance: float = 0.05) -> Kinds:
    found = regressions(baseline, now, tolerance=tolerance)
    return {(one.task, one.kind, one.name) for one in found}


@pytest.mark.parametrize("status", ["failed", "error"])
def test_a_task_that_passed_and_does_not_now_closes_it(
    make: Make, suite: Suite, status: str
) -> None:
    trouble = "no git" if status == "error" else ""
    now = suite(make(status=status, trouble=trouble), make("other"))
    found = hold(suite(make(), make("other")), now)
    assert ("demo", "status") in {(one.task, one.kind) for one in found.regressions}
    assert not found.passed
    assert found.judged == 2


def test_a_task_that_is_missing_closes_it_unless_only_some_were_to_be_run(
    make: Make, suite: Suite
) -> None:
    before, now = suite(make(), make("other")), suite(make("other"), make("new"))
    assert kinds(before, now) == {("demo", "missing", "")}
    part = hold(before, now, partial=True)
    assert part.passed
    assert (part.not_run, part.new) == (("demo",), ("new",))
    # What failed before is no loss, and what was skipped is named.
    assert kinds(suite(make(status="failed")), suite()) == set()
    left = hold(before, suite(make(status="skipped", trouble="no sandbox"), make("other")))
    assert (left.passed, left.not_run) == (True, ("demo",))


def test_a_score_that_falls_or_is_gone_closes_it(make: Make, suite: Suite) -> None:
    def lines(value: float, *, name: str = "recall") -> list[ScoreLine]:
        return [ScoreLine(name=name, value=value, passed=True)]

    before = suite(make(scores=lines(0.9)))
    assert kinds(before, suite(make(scores=lines(0.8)))) == {("demo", "score", "recall")}
    assert kinds(before, suite(make(scores=lines(0.95)))) == set()
    assert kinds(before, suite(make(scores=lines(0.9, name="x")))) == {
        ("demo", "missing", "recall")
    }


def test_measures_of_replays_may_rise_by_the_tolerance_and_seconds_by_anything(
    make: Make, suite: Suite
) -> None:
    before = suite(make(model_calls=100, cost=1.0, retries=0, seconds=1, simulated_seconds=9))
    inside = suite(make(model_calls=105, cost=1.05, retries=0, seconds=90, simulated_seconds=90))
    assert kinds(before, inside) == set()
    beyond = suite(make(model_calls=106, cost=0.5, retries=1, seconds=90, simulated_seconds=9))
    assert kinds(before, beyond) == {("demo", "measure", "model_calls"),
                                     ("demo", "measure", "retries")}  # fmt: skip
    assert kinds(before, beyond, tolerance=0.1) == {("demo", "measure", "retries")}


def live(make: Make, suite: Suite, seed: int, share: float, mean: int, each: int) -> SuiteResult:
    rng = random.Random(seed)
    return suite(
        *(
            make(
                f"task-{task:02}", "passed" if rng.random() < share else "failed",
                repeat=n + 1, events=str(rng.random()), model_calls=max(1, rng.gauss(mean, 2)),
            )
            for task in range(12)
            for n in range(each)
        ),
        model="openai:gpt-5",
    )  # fmt: skip


def test_it_seldom_closes_by_chance_alone_and_surely_when_much_got_worse(
    make: Make, suite: Suite
) -> None:
    closed = [
        bool(
            regressions(
                live(make, suite, 2 * n, 0.8, 8, 5), live(make, suite, 2 * n + 1, 0.8, 8, 5)
            )
        )
        for n in range(25)
    ]
    assert sum(closed) <= 3
    assert all(
        regressions(live(make, suite, 2 * n, 0.9, 8, 5), live(make, suite, 2 * n + 1, 0.4, 12, 5))
        for n in range(5)
    )


def test_one_live_run_each_is_judged_as_a_whole_only(make: Make, suite: Suite) -> None:
    one = suite(make(), make("b"), model="openai:gpt-5")
    other = suite(make(status="failed"), make("b"), model="openai:gpt-5")
    found = hold(one, other)
    assert found.passed
    assert any("demo: passed" in line and "1 run each" in line for line in found.unjudged)
    # All of many at once is more than chance does.
    assert kinds(live(make, suite, 1, 1.0, 8, 1), live(make, suite, 2, 0.2, 8, 1)) >= {
        ("(all tasks)", "status", "")
    }
    # What could not be run at all is not chance.
    broken = suite(make(status="error", trouble="no git"), make("b"), model="openai:gpt-5")
    assert kinds(one, broken) == {("demo", "status", "")}


def test_the_baseline_is_small_and_the_same_each_time(
    make: Make, suite: Suite, tmp_path: Path
) -> None:
    def result(seconds: float, at: str) -> SuiteResult:
        return suite(
            *(make(name, repeat=n, title="A title", path=["sam dispatch"], seconds=seconds,
                   model_calls=3)
              for n in (2, 1) for name in ("z", "a")),
            make("left", "skipped", trouble="no sandbox"),
            started_at=at, seconds=seconds, version_of={"python": at},
        )  # fmt: skip

    first, second = tmp_path / "one.json", tmp_path / "two.json"
    write_baseline(result(1.5, "2026-01-01T00:00:00Z"), first)
    write_baseline(result(2.5, "2026-02-02T00:00:00Z"), second)
    assert first.read_bytes() == second.read_bytes()
    kept = load_results(first)
    assert [(one.task, one.repeat) for one in kept.results] == [("a", 1), ("z", 1)]
    assert "title" not in first.read_text("utf-8")
    assert kept == baseline_of(kept) == baseline_of(result(1.5, ""))
    assert check_baseline(result(9, ""), first).passed
    # Live runs are alike by chance: how many there were says how much that means.
    of = suite(make(repeat=1), make(repeat=2), model="openai:gpt-5")
    assert len(baseline_of(of).results) == 2


runs = st.builds(
    CaseResult,
    task=st.sampled_from("abcd"),
    repeat=st.integers(1, 3),
    seed=st.integers(0, 3),
    status=st.sampled_from(["passed", "failed", "error", "skipped"]),
    events=st.sampled_from(["", "x", "y"]),
    scores=st.lists(
        st.builds(
            ScoreLine, name=st.sampled_from(["s", "t"]),
            value=st.none() | st.floats(0, 1), passed=st.none() | st.booleans(),
        ), max_size=3,
    ).map(tuple),
    measures=st.dictionaries(
        st.sampled_from(["model_calls", "cost", "seconds", "retries"]), st.floats(0, 1e6)
    ),
)  # fmt: skip
suites = st.builds(
    SuiteResult,
    results=st.lists(runs, max_size=12).map(tuple),
    model=st.sampled_from(["", "openai:gpt-5"]),
)


@given(suites)
def test_results_never_regress_against_themselves_nor_against_their_baseline(
    found: SuiteResult,
) -> None:
    assert regressions(found, found) == []
    assert regressions(baseline_of(found), found) == []


@given(
    st.dictionaries(st.sampled_from("abcd"), st.integers(1, 50), min_size=1),
    st.integers(1, 3),
    st.sampled_from(["status", "score", "measure"]),
    st.data(),
)
def test_what_is_strictly_worse_always_regresses(
    calls: dict[str, int], each: int, kind: str, data: st.DataObject
) -> None:
    hit = data.draw(st.sampled_from(sorted(calls)))

    def replay(*, worse: bool) -> SuiteResult:
        made: list[CaseResult] = []
        for task, count in calls.items():
            bad = worse and task == hit
            value = 0.4 if bad and kind == "score" else 0.5
            made += [
                CaseResult(
                    task=task, repeat=n + 1, seed=n,
                    status="failed" if bad and kind == "status" else "passed",
                    events=f"{task}{bad}",
                    scores=(ScoreLine(name="s", value=value, passed=True),),
                    measures={"model_calls": count * 1.06 if bad and kind == "measure" else count},
                )
                for n in range(each)
            ]  # fmt: skip
        return SuiteResult(results=tuple(made))

    found = regressions(replay(worse=False), replay(worse=True))
    assert {(one.task, one.kind) for one in found} == {(hit, kind)}
    assert regressions(replay(worse=True), replay(worse=False)) == []
