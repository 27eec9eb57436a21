"""What the team did and what it cost, from the log of events."""

from __future__ import annotations

from neveridle.board.metrics.figures import Counts, Dashboard, Figures, Measure, Money, Spend
from neveridle.board.metrics.metrics import Metrics
from neveridle.board.metrics.window import Window

__all__ = ["Counts", "Dashboard", "Figures", "Measure", "Metrics", "Money", "Spend", "Window"]
