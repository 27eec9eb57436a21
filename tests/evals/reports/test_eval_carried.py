"""pydantic-evals carries our results: its reports, its datasets, its evaluators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic_evals import Case, Dataset
from pydantic_evals.evaluators import EvaluationReason, Evaluator, EvaluatorContext
from pydantic_evals.reporting import EvaluationReportAdapter

from neveridle.evals.report.carried import (
    NOT_SCORED,
    Scored,
    evaluate,
    score_with,
    to_dataset,
    to_report,
)
from neveridle.evals.result import CaseResult, ScoreLine, SuiteResult

Make = Callable[..., CaseResult]
Suite = Callable[..., SuiteResult]


@dataclass
class Few(Evaluator[Any, Any, Any]):
    """Few model calls."""

    most: int = 5

    def evaluate(self, ctx: EvaluatorContext[Any, Any, Any]) -> dict[str, Any]:
        calls = ctx.metrics["model_calls"]
        return {
            "few": EvaluationReason(value=calls <= self.most, reason=f"{calls:.0f} calls"),
            "part": 0.25,
            "kind": "small",
        }


@dataclass
class Broken(Evaluator[Any, Any, Any]):
    """Fails, whatever it is given."""

    def evaluate(self, ctx: EvaluatorContext[Any, Any, Any]) -> bool:
        msg = "the grader failed"
        raise ValueError(msg)


def test_a_report_holds_scores_measures_and_failures(make: Make, suite: Suite) -> None:
    lines = [
        ScoreLine(name="handoff", passed=True, value=1, detail="sam to leo"),
        ScoreLine(name="handoff", passed=False, value=0),
        ScoreLine(name="recall", passed=True, value=0.75, scorer="recall"),
        ScoreLine(name="rubric", detail="no answer", scorer="rubric", unscored="grader"),
        ScoreLine(name="other", detail="not asked", scorer="other", unscored="skipped"),
    ]
    report = to_report(
        suite(
            make("a", "error", scores=lines, title="A", model_calls=4, seconds=2.5, path=["x"]),
            make("b", "error", trouble="no \x1b[31mgit"),
            make("c", repeat=1), make("c", "failed", repeat=2),
            make("d", "skipped", trouble="no sandbox"),
            model="openai:gpt-5",
        )
    )  # fmt: skip
    case = report.cases[0]
    assert (case.name, case.task_duration, case.metrics["model_calls"]) == ("a", 2.5, 4)
    assert {name: one.value for name, one in case.assertions.items()} == {
        "handoff": True, "handoff (2)": False, "recall": True,
    }  # fmt: skip
    assert case.assertions["handoff"].reason == "sam to leo"
    assert {name: one.value for name, one in case.scores.items()} == {"recall": 0.75}
    assert [(one.name, one.error_message) for one in case.evaluator_failures] == [
        ("rubric", "no answer")
    ]
    assert [(one.name, one.error_message) for one in report.failures] == [
        ("b", "recording-invalid: no \\u001b[31mgit")
    ]
    groups = {one.name: len(one.runs) for one in report.case_groups() or []}
    assert groups["c"] == 2
    assert [one.name for one in report.cases[1:]] == ["c [1/2]", "c [2/2]"]
    assert (report.experiment_metadata or {})["skipped"] == ["d"]
    assert EvaluationReportAdapter.validate_json(EvaluationReportAdapter.dump_json(report))


def test_two_reports_are_compared_by_its_own_tools(make: Make, suite: Suite) -> None:
    before, after = (to_report(suite(make("demo", model_calls=n))) for n in (4, 5))
    said = after.render(baseline=before, width=120)
    assert "demo" in said
    assert "+25.0%" in said


async def test_its_evaluators_score_runs_that_are_over(make: Make, suite: Suite) -> None:
    result = suite(
        make("a", model_calls=4), make("b", model_calls=9), make("c", "error", trouble="no git"),
        make("d", "skipped"),
    )  # fmt: skip
    assert [case.name for case in to_dataset(result).cases] == ["a", "b", "c"]
    report = await evaluate(result, [Few(), Broken()], "again")
    said = {case.name: case.assertions["few"].value for case in report.cases}
    assert said == {"a": True, "b": False}
    assert report.cases[0].scores["part"].value == 0.25
    # What the suite's own scorers said is there, too.
    assert report.cases[0].assertions["tests"].value is True
    assert [one.name for one in report.cases[0].evaluator_failures] == ["Broken"]
    assert ["no git" in one.error_message for one in report.failures] == [True]


async def test_an_evaluator_is_a_scorer(make: Make) -> None:
    run = make(model_calls=9)
    lines = {one.name: one for one in await score_with(Few(), run, measures=run.measures)}
    assert (lines["few"].passed, lines["few"].value, lines["few"].detail) == (False, 0.0, "9 calls")
    assert (lines["part"].passed, lines["part"].value) == (False, 0.25)
    assert (lines["kind"].passed, lines["kind"].detail) == (True, "small")
    (failed,) = await score_with(Broken(), run)
    # The grader failed: that is not to say that the work did.
    assert failed.passed is None
    assert failed.detail == "ValueError: the grader failed"


async def test_a_scorer_is_an_evaluator() -> None:
    def length(output: str) -> list[ScoreLine]:
        good = len(output) < 5
        return [
            ScoreLine(name="short", passed=good, value=1.0 if good else 0.5, detail=output),
            ScoreLine(name="unknown", detail="nobody knows"),
        ]

    async def later(output: str) -> ScoreLine:
        return ScoreLine(name="later", passed=True, detail=output)

    def broken(output: str) -> ScoreLine:
        raise ValueError(output)

    dataset = Dataset(
        name="words",
        cases=[Case(name="one", inputs="abc"), Case(name="two", inputs="abcdef")],
        evaluators=[Scored(length), Scored(later), Scored(broken, called="oops")],
    )
    report = await dataset.evaluate(str.upper, progress=False)
    one, two = report.cases
    assert {name: said.value for name, said in one.assertions.items()} == {
        "short": True, "later": True,
    }  # fmt: skip
    assert one.labels["unknown"].value == NOT_SCORED
    assert one.assertions["later"].reason == "ABC"
    assert (two.assertions["short"].value, two.scores["short value"].value) == (False, 0.5)
    assert [failure.name for failure in one.evaluator_failures] == ["oops"]
