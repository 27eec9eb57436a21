"""Reports of recorded tasks' runs: files, pages, comparisons, and the gate against regressions."""

from __future__ import annotations

from neveridle.evals.report.baseline import baseline_of, write_baseline
from neveridle.evals.report.compare import compare
from neveridle.evals.report.compared import Comparison, Difference, TaskComparison, Verdict
from neveridle.evals.report.gate import Gate, Regression, check_baseline, hold, regressions
from neveridle.evals.report.loading import load_results
from neveridle.evals.report.writing import check_places, write_reports

__all__ = [
    "Comparison",
    "Difference",
    "Gate",
    "Regression",
    "TaskComparison",
    "Verdict",
    "baseline_of",
    "check_baseline",
    "check_places",
    "compare",
    "hold",
    "load_results",
    "regressions",
    "write_baseline",
    "write_reports",
]
