"""Verdicts as the file that runs of evals are compared by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from neveridle.evals.importers.verdict import Verdict
from neveridle.evals.result import CaseResult, ScoreLine, SuiteResult, Trouble

_STATUS: Final[dict[str, Literal["passed", "failed", "error", "skipped"]]] = {
    "agreed": "passed",
    "disagreed": "failed",
    "error": "error",
    "skipped": "skipped",
}


def suite_of(verdicts: Sequence[Verdict], runs: Path, *, started_at: str) -> SuiteResult:
    """The verdicts as ``neveridle eval compare`` reads them; a trial is a repeat.

    Args:
        verdicts: of all runs.
        runs: the file they are of.
        started_at: ISO 8601 with offset.
    """
    from neveridle import __version__

    return SuiteResult(
        suite=runs.name,
        version_of={"neveridle": __version__},
        started_at=started_at,
        seconds=round(sum(one.seconds for one in verdicts), 2),
        results=tuple(_case(one) for one in verdicts),
    )


def _case(one: Verdict) -> CaseResult:
    scores = []
    if one.reward is not None:
        said = f"recorded {one.recorded}, replayed {one.reward}"
        agreed = one.status == "agreed"
        scores = [
            ScoreLine(
                name="the verdict is the recorded one", value=float(agreed), passed=agreed,
                detail=said, scorer="tau-bench",
            ),
        ]  # fmt: skip
    trouble = Trouble(code=one.code or one.status, message=one.error, remedy=one.remedy)
    measures = {
        "model_calls": float(one.model_calls),
        "tool_calls": float(one.tool_calls),
        "differing_results": float(len(one.different)),
        "seconds": one.seconds,
    }
    if one.reward is not None:
        measures["reward"] = one.reward
    return CaseResult(
        task=f"tau-bench-{one.task_id}",
        title=f"task {one.task_id}, trial {one.trial}",
        repeat=one.trial + 1,
        status=_STATUS[one.status],
        trouble=trouble if one.error else None,
        scores=tuple(scores),
        measures=measures,
        provenance="authored",
    )
