"""What two files of results are found to differ in."""

from __future__ import annotations

import json
import random
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from neveridle.evals.report import Comparison, Difference, Verdict, compare
from neveridle.evals.result import CaseResult, ScoreLine, SuiteResult

Make = Callable[..., CaseResult]
Suite = Callable[..., SuiteResult]
MIRROR = {
    Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER,
    Verdict.NEW: Verdict.GONE, Verdict.GONE: Verdict.NEW,
}  # fmt: skip


def verdicts(found: Comparison) -> dict[str, str]:
    return {one.task: str(one.verdict) for one in found.tasks}


def named(every: tuple[Difference, ...], name: str) -> Difference:
    return next(one for one in every if one.name == name)


def test_tasks_are_better_worse_the_same_new_gone_or_skipped(make: Make, suite: Suite) -> None:
    before = suite(make("kept"), make("lost"), make("won", "failed"), make("old"), make("left"))
    after = suite(
        make("kept"), make("lost", "failed"), make("won"), make("young"),
        make("left", "skipped", trouble="no sandbox"),
    )  # fmt: skip
    found = compare(before, after)
    assert verdicts(found) == {
        "kept": "same", "left": "skipped", "lost": "worse", "old": "gone", "won": "better",
        "young": "new",
    }  # fmt: skip
    assert found.worse
    assert found.tasks[1].note == "skipped after: no sandbox"
    # Only what both ran is compared as a whole: three tasks, two of which passed each time.
    assert named(found.overall, "passed").runs == (3, 3)
    assert named(found.overall, "passed").verdict == "same"


def test_a_replay_has_no_noise_so_that_a_difference_is_one(make: Make, suite: Suite) -> None:
    before = suite(*(make(repeat=n, model_calls=5) for n in (1, 2)))
    after = suite(*(make(repeat=n, model_calls=6, events="other") for n in (1, 2)))
    found = compare(before, after)
    calls = named(found.tasks[0].measures, "model_calls")
    assert (calls.exact, calls.interval, calls.verdict) == (True, None, "worse")
    assert any("a difference is a difference" in note for note in found.notes)
    # Runs of one seed that went two ways have noise, and so have those of a live model.
    again = make(repeat=2, model_calls=5, events="b").model_copy(update={"seed": 1})
    mixed = suite(make(repeat=1, model_calls=5), again)
    live = suite(*(make(repeat=n, model_calls=5) for n in (1, 2)), model="openai:gpt-5")
    for other in (mixed, live):
        calls = named(compare(other, after).tasks[0].measures, "model_calls")
        assert not calls.exact
        assert calls.verdict == "unknown"


def test_replays_are_compared_seed_by_seed(make: Make, suite: Suite) -> None:
    def replays(*calls: int | None) -> SuiteResult:
        return suite(
            *(
                make(repeat=seed, events=f"{seed}", model_calls=count)
                for seed, count in enumerate(calls, start=1)
                if count is not None
            )
        )

    found = compare(replays(5, 9, 6), replays(None, 9, 7, 1)).tasks[0]
    calls = named(found.measures, "model_calls")
    # Seeds 2 and 3 are in both: 7.5 calls before, 8 after.
    assert (calls.before, calls.after, calls.runs) == (7.5, 8, (2, 2))
    assert (calls.exact, calls.verdict) == (True, "worse")
    other = compare(replays(5, None), replays(None, 9)).tasks[0]
    assert (other.exact, other.measures[0].verdict) == (False, "unknown")


def test_one_live_run_each_says_that_nothing_can_be_known(make: Make, suite: Suite) -> None:
    found = compare(suite(make(), model="openai:a"), suite(make(status="failed"), model="openai:b"))
    passed = found.tasks[0].passed
    assert passed is not None
    assert (passed.verdict, passed.note) == ("unknown", "1 run each: no interval")
    assert not found.worse
    assert any("1 run each" in note for note in found.notes)
    assert "model: openai:a in A, openai:b in B." in found.notes


def test_live_runs_are_worse_only_outside_of_the_interval(make: Make, suite: Suite) -> None:
    def live(passed: int) -> SuiteResult:
        runs = (
            make(status="passed" if n < passed else "failed", repeat=n + 1, events=str(n))
            for n in range(10)
        )
        return suite(*runs, model="openai:gpt-5")

    assert verdicts(compare(live(9), live(7))) == {"demo": "within noise"}
    assert verdicts(compare(live(10), live(2))) == {"demo": "worse"}
    assert verdicts(compare(live(2), live(10))) == {"demo": "better"}


def test_many_tasks_together_show_what_none_shows_alone(make: Make, suite: Suite) -> None:
    rng = random.Random(5)

    def live(share: float, mean: int) -> SuiteResult:
        return suite(
            *(
                make(
                    f"task-{n:02}",
                    "passed" if rng.random() < share else "failed",
                    events="",
                    model_calls=rng.randint(mean - 3, mean + 3),
                )
                for n in range(30)
            ),
            model="openai:gpt-5",
        )

    found = compare(live(0.95, 8), live(0.5, 12))
    assert not found.of(Verdict.WORSE)
    passed, calls = named(found.overall, "passed"), named(found.overall, "model_calls")
    assert passed.interval is not None
    assert (passed.verdict, passed.interval.method) == ("worse", "newcombe-paired")
    assert calls.interval is not None
    assert (calls.verdict, calls.interval.method) == ("worse", "bootstrap")
    assert found.worse
    assert found.sides[0].interval is not None


def test_scores_are_paired_by_scorer_name_and_place(make: Make, suite: Suite) -> None:
    def lines(*passed: bool | None) -> list[ScoreLine]:
        return [ScoreLine(name="handoff", passed=one, detail=str(n))
                for n, one in enumerate(passed)]  # fmt: skip

    before = suite(make(scores=[*lines(True, False), ScoreLine(name="old", passed=True)]))
    after = suite(make(scores=[*lines(False, True), ScoreLine(name="other", passed=True)]))
    found = compare(before, after).tasks[0]
    said = [(one.name, str(one.verdict)) for one in found.scores]
    assert said == [("handoff", "worse"), ("handoff", "better"), ("old", "gone"), ("other", "new")]
    assert found.verdict == "mixed"
    # A scorer that failed says nothing of the work.
    graded = compare(before, suite(make(scores=lines(None, False)))).tasks[0]
    assert graded.scores[0].verdict == "unknown"
    assert graded.scores[0].note == "not scored on one side"


def test_measures_of_runs_that_did_not_end_are_not_compared(make: Make, suite: Suite) -> None:
    before = suite(make(model_calls=5, learnings=1, seconds=1.0))
    ended = compare(before, suite(make(model_calls=4, learnings=2, seconds=9.0))).tasks[0]
    assert named(ended.measures, "model_calls").verdict == "better"
    assert named(ended.measures, "learnings").verdict == "changed"
    # Seconds are the machine's: also a replay's are never exact.
    assert named(ended.measures, "seconds").verdict == "unknown"
    broken = compare(before, suite(make(status="error", trouble="no git", model_calls=1))).tasks[0]
    assert broken.measures == ()
    assert broken.verdict == "worse"
    assert broken.note == "after: no git"


def test_nothing_in_common_is_said(make: Make, suite: Suite) -> None:
    found = compare(suite(make("a")), suite(make("b")))
    assert "No task was run in both: there is nothing to compare." in found.notes
    assert found.overall == ()
    assert found.sides[0].passed is None


def test_lenient_matching_is_named(make: Make, suite: Suite) -> None:
    loose = make().model_copy(update={"lenient": 2})
    found = compare(suite(make()), suite(loose, matching="lenient"), names=("old", "new"))
    assert "matching: exact in old, lenient in new." in found.notes
    assert "new: 2 requests were answered though they differed." in found.notes


statuses = st.sampled_from(["passed", "failed", "error", "skipped"])
runs = st.builds(
    CaseResult,
    task=st.sampled_from("abc"),
    repeat=st.integers(1, 4),
    seed=st.integers(0, 3),
    status=statuses,
    events=st.sampled_from(["", "x", "y"]),
    scores=st.lists(
        st.builds(
            ScoreLine,
            name=st.sampled_from(["s", "t"]),
            value=st.none() | st.sampled_from([0.0, 0.25, 1.0]),
            passed=st.none() | st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    measures=st.dictionaries(
        st.sampled_from(["model_calls", "cost", "seconds", "own"]),
        st.integers(0, 9).map(float) | st.just(float("inf")),
    ),
)
results = st.builds(
    SuiteResult,
    results=st.lists(runs, max_size=12).map(tuple),
    model=st.sampled_from(["", "openai:gpt-5"]),
)


@given(results, results)
def test_a_against_b_is_b_against_a_mirrored(first: SuiteResult, second: SuiteResult) -> None:
    one, other = compare(first, second), compare(second, first)
    assert [task.task for task in one.tasks] == [task.task for task in other.tasks]
    for here, there in zip(one.tasks, other.tasks, strict=True):
        assert there.verdict == MIRROR.get(here.verdict, here.verdict)
        mirrored(here.measures, there.measures)
        if here.passed is not None and there.passed is not None:
            mirrored((here.passed,), (there.passed,))
    mirrored(one.overall, other.overall)
    assert one.looked == other.looked


def mirrored(one: tuple[Difference, ...], other: tuple[Difference, ...]) -> None:
    back = {d.name: d for d in other}
    assert {d.name for d in one} == set(back)
    for here in one:
        there = back[here.name]
        assert (here.before, here.after, here.exact) == (there.after, there.before, there.exact)
        assert there.verdict == MIRROR.get(here.verdict, here.verdict)
        assert (here.interval is None) == (there.interval is None)


@given(results)
def test_results_against_themselves_are_the_same(found: SuiteResult) -> None:
    same = compare(found, found)
    assert {task.verdict for task in same.tasks} <= {
        Verdict.SAME, Verdict.SKIPPED, Verdict.UNKNOWN,
    }  # fmt: skip
    assert not same.worse
    assert json.loads(json.dumps(same.facts))["format"] == "neveridle-eval-comparison"
