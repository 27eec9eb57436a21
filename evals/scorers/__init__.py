"""Scorers: what looks at the outcome of a recorded task."""

from __future__ import annotations

from neveridle.evals.scorers.expected import score
from neveridle.evals.scorers.scorer import Measure, Said, Scorer, line

__all__ = ["Measure", "Said", "Scorer", "line", "score"]
