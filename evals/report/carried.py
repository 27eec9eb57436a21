"""Results carried by pydantic-evals: its datasets, its evaluators, its reports.

A run of a recorded task is a case, its scores are assertions and scores, its measures are
metrics. What pydantic-evals can do with a report (print it, hold it against another one, hand it
to its report evaluators) can so be done with ours; its evaluators score our runs, and our scorers
can stand in its datasets.

Importing this module takes a second: pydantic-evals brings pydantic-ai along.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pydantic_evals import Case, Dataset, increment_eval_metric, set_eval_attribute
from pydantic_evals.evaluators import (
    EvaluationReason,
    EvaluationResult,
    Evaluator,
    EvaluatorContext,
    EvaluatorFailure,
    EvaluatorOutput,
    EvaluatorSpec,
)
from pydantic_evals.otel import SpanTree
from pydantic_evals.reporting import EvaluationReport, ReportCase, ReportCaseFailure

from neveridle.evals.report.texts import shown
from neveridle.evals.result import CaseResult, ScoreLine, SuiteResult

Facts = dict[str, Any]
Said = ScoreLine | Iterable[ScoreLine]
Carried = EvaluationReport[str, CaseResult, Facts]

NOT_SCORED = "not scored"
"""The label of a score whose scorer failed: neither good nor bad."""


def to_report(result: SuiteResult, name: str = "") -> Carried:
    """The results as a report of pydantic-evals.

    Runs that could not be run are its failures, scorers that failed its evaluator failures.
    Runs that were skipped are named in ``experiment_metadata["skipped"]``.

    Args:
        result: what came of a run.
        name: of the report; empty: the model's, or ``recorded``.
    """
    cases: list[ReportCase[str, CaseResult, Facts]] = []
    failures: list[ReportCaseFailure[str, CaseResult, Facts]] = []
    for called, run in _runs(result):
        source = run.task if called != run.task else None
        if run.trouble is not None:
            failures.append(_failure(run, called, source))
        else:
            cases.append(_case(run, called, source))
    facts: Facts = {"model": result.model or "recorded", "matching": result.matching}
    facts |= {"started_at": result.started_at, "versions": dict(result.version_of)}
    skipped = sorted({one.task for one in result.results if one.status == "skipped"})
    return EvaluationReport(
        name=name or result.model or "recorded",
        cases=cases,
        failures=failures,
        experiment_metadata={**facts, "skipped": skipped} if skipped else facts,
        dataset_name=result.suite,
    )


def to_dataset(
    result: SuiteResult, evaluators: Sequence[Evaluator[str, CaseResult, Facts]] = ()
) -> Dataset[str, CaseResult, Facts]:
    """A dataset with a case for each run that was not skipped; its inputs are the run's name."""
    return Dataset(
        name=result.suite,
        cases=[Case(name=name, inputs=name, metadata=_facts(run)) for name, run in _runs(result)],
        evaluators=list(evaluators),
    )


async def evaluate(
    result: SuiteResult,
    evaluators: Sequence[Evaluator[str, CaseResult, Facts]] = (),
    name: str = "",
) -> Carried:
    """Score runs that are over by evaluators of pydantic-evals, through ``Dataset.evaluate``.

    What the suite's own scorers said of them stands in the report besides. An evaluator finds
    the ``CaseResult`` in ``ctx.output``, its measures in ``ctx.metrics``.

    Args:
        result: what came of a run.
        evaluators: what scores it.
        name: of the report.
    """
    runs = dict(_runs(result))

    async def recorded_task(inputs: str) -> CaseResult:
        run = runs[inputs]
        if run.trouble is not None:
            msg = shown(f"{run.trouble.code}: {run.trouble.message}")
            raise RuntimeError(msg)
        for measure, value in run.measures.items():
            increment_eval_metric(measure, value)
        set_eval_attribute("path", list(run.path))
        return run

    def scores(run: CaseResult) -> Said:
        return run.scores

    dataset = to_dataset(result, [Scored(scores), *evaluators])
    return await dataset.evaluate(recorded_task, name=name or "recorded", progress=False)


async def score_with(
    evaluator: Evaluator[Any, Any, Any],
    output: object,
    *,
    inputs: object = None,
    expected: object = None,
    metadata: Facts | None = None,
    measures: dict[str, float] | None = None,
    seconds: float = 0.0,
) -> list[ScoreLine]:
    """What an evaluator of pydantic-evals says of one run, as our scores.

    A bool holds or does not; a number from 0 to 1 is a value, good enough from 0.5 on; any
    other number and a label say nothing of good or bad, and stand in the detail of a score that
    holds. An evaluator that raises is a scorer that failed.

    Args:
        evaluator: what scores.
        output: what it looks at.
        inputs: of the case.
        expected: of the case.
        metadata: of the case.
        measures: its metrics.
        seconds: how long the run took.
    """
    name = evaluator.get_default_evaluation_name()
    context = EvaluatorContext[Any, Any, Any](
        name=name, inputs=inputs, metadata=metadata, expected_output=expected, output=output,
        duration=seconds, _span_tree=SpanTree(), attributes={}, metrics=dict(measures or {}),
    )  # fmt: skip
    try:
        said = await evaluator.evaluate_async(context)
    except Exception as error:  # noqa: BLE001 - whatever it is: the scorer failed, not the work
        why = f"{type(error).__name__}: {error}"
        return [ScoreLine(name=name, detail=why, scorer=name)]
    every = cast("Mapping[str, object]", said) if isinstance(said, Mapping) else {name: said}
    return [_line(part, value, name) for part, value in every.items()]


@dataclass(repr=False)
class Scored(Evaluator[Any, Any, Any]):
    """A scorer of ours as an evaluator of pydantic-evals.

    Attributes:
        scorer: is given the case's output, and says one score or several; may be async.
        called: its name in reports.
    """

    scorer: Callable[[Any], Said | Awaitable[Said]]
    called: str = ""

    def get_default_evaluation_name(self) -> str:
        """Its name, or the scorer's."""
        return self.called or getattr(self.scorer, "__name__", "scorer")

    def as_spec(self) -> EvaluatorSpec:
        """Its name alone: a function cannot be written to a file."""
        return EvaluatorSpec(name=self.get_default_evaluation_name(), arguments=None)

    async def evaluate(self, ctx: EvaluatorContext[Any, Any, Any]) -> EvaluatorOutput:
        """An assertion for each score, and a number where it is neither 0 nor 1."""
        said = self.scorer(ctx.output)
        found: Said = await said if inspect.isawaitable(said) else said
        lines = [found] if isinstance(found, ScoreLine) else list(found)
        out: dict[str, EvaluationReason] = {}
        for name, line in _named(lines):
            value = NOT_SCORED if line.passed is None else line.passed
            out[name] = EvaluationReason(value=value, reason=line.detail or None)
            if _graded(line):
                out[f"{name} value"] = EvaluationReason(value=line.value or 0.0)
        return out


def _line(name: str, said: object, scorer: str) -> ScoreLine:
    value: object = said.value if isinstance(said, EvaluationReason) else said
    reason = (said.reason or "") if isinstance(said, EvaluationReason) else ""
    if isinstance(value, bool):
        return ScoreLine(name=name, value=float(value), passed=value, detail=reason, scorer=scorer)
    if isinstance(value, int | float) and 0 <= value <= 1:
        passed = value >= 0.5
        return ScoreLine(name=name, value=float(value), passed=passed, detail=reason, scorer=scorer)
    detail = f"{value}: {reason}" if reason else str(value)
    return ScoreLine(name=name, passed=True, detail=detail, scorer=scorer)


def _case(run: CaseResult, name: str, source: str | None) -> ReportCase[str, CaseResult, Facts]:
    assertions: dict[str, EvaluationResult[bool]] = {}
    scores: dict[str, EvaluationResult[int | float]] = {}
    failed: list[EvaluatorFailure] = []
    for called, line in _named(run.scores):
        spec = EvaluatorSpec(name=line.scorer, arguments=None)
        if line.unscored == "skipped":
            continue
        if line.passed is None:
            failed.append(EvaluatorFailure(
                name=called, error_message=line.detail, error_stacktrace="", source=spec
            ))  # fmt: skip
            continue
        reason = line.detail or None
        assertions[called] = EvaluationResult(
            name=called, value=line.passed, reason=reason, source=spec
        )
        if _graded(line):
            scores[called] = EvaluationResult(
                name=called, value=line.value or 0.0, reason=reason, source=spec
            )
    seconds = run.measures.get("seconds", 0.0)
    return ReportCase(
        name=name, inputs=run.task, metadata=_facts(run), expected_output=None, output=run,
        metrics=dict(run.measures), attributes={"path": list(run.path)}, scores=scores, labels={},
        assertions=assertions, task_duration=seconds, total_duration=seconds,
        source_case_name=source, evaluator_failures=failed,
    )  # fmt: skip


def _failure(
    run: CaseResult, name: str, source: str | None
) -> ReportCaseFailure[str, CaseResult, Facts]:
    trouble = run.trouble
    said = shown(f"{trouble.code}: {trouble.message} {trouble.remedy}") if trouble else ""
    return ReportCaseFailure(
        name=name, inputs=run.task, metadata=_facts(run), expected_output=None,
        error_message=said, error_stacktrace="", source_case_name=source,
    )  # fmt: skip


def _facts(run: CaseResult) -> Facts:
    return {"title": run.title, "repeat": run.repeat, "seed": run.seed, "status": run.status}


def _runs(result: SuiteResult) -> list[tuple[str, CaseResult]]:
    """The runs that were not skipped, named as pydantic-evals names repeated cases."""
    runs = [one for one in result.results if one.status != "skipped"]
    often = Counter(one.task for one in runs)
    seen: Counter[str] = Counter()
    found: list[tuple[str, CaseResult]] = []
    for run in runs:
        seen[run.task] += 1
        of = often[run.task]
        found.append((f"{run.task} [{seen[run.task]}/{of}]" if of > 1 else run.task, run))
    return found


def _named(lines: Iterable[ScoreLine]) -> list[tuple[str, ScoreLine]]:
    """The scores with names of their own: the second of a name is called so."""
    seen: Counter[str] = Counter()
    found: list[tuple[str, ScoreLine]] = []
    for line in lines:
        seen[line.name] += 1
        number = seen[line.name]
        found.append((f"{line.name} ({number})" if number > 1 else line.name, line))
    return found


def _graded(line: ScoreLine) -> bool:
    """Whether the value says more than that it is good enough."""
    return line.value is not None and line.passed is not None and line.value != float(line.passed)
