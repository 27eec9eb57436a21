"""Results of runs, made by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import pytest

from neveridle.evals.result import CaseResult, ScoreLine, SuiteResult, Trouble

Status = Literal["passed", "failed", "error", "skipped"]


def run(
    task: str = "demo",
    status: Status = "passed",
    *,
    repeat: int = 1,
    events: str = "digest",
    trouble: str = "",
    scores: Sequence[ScoreLine] | None = None,
    title: str = "",
    path: Sequence[str] = (),
    **measures: float,
) -> CaseResult:
    """One run; its only score holds where it passed."""
    if scores is None:
        good = status == "passed"
        scores = (ScoreLine(name="tests", value=float(good), passed=good, detail="saw 3"),)
    return CaseResult(
        task=task,
        title=title,
        repeat=repeat,
        seed=repeat,
        status=status,
        trouble=Trouble(code="recording-invalid", message=trouble) if trouble else None,
        scores=() if status == "skipped" or trouble else tuple(scores),
        measures=measures,
        path=tuple(path),
        events=events if status in ("passed", "failed") else "",
        provenance="authored",
    )


@pytest.fixture
def make() -> Callable[..., CaseResult]:
    """Makes one run."""
    return run


@pytest.fixture
def suite() -> Callable[..., SuiteResult]:
    """Makes results of runs."""

    def made(*runs: CaseResult, **more: Any) -> SuiteResult:
        return SuiteResult(results=runs, **more)

    return made
