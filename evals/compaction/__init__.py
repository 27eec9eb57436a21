"""How well compaction keeps what recorded conversations still needed."""

from __future__ import annotations

from neveridle.evals.compaction.recorded import Recorded, load_recorded
from neveridle.evals.compaction.report import BUDGETS, evaluate

__all__ = ["BUDGETS", "Recorded", "evaluate", "load_recorded"]
