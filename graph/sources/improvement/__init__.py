"""Improvement: finding work worth doing when nothing was asked for, without a model."""

from __future__ import annotations

from neveridle.graph.sources.improvement.find import FindResult, Problem, find_improvements
from neveridle.graph.sources.improvement.finder import (
    Checkout,
    Finder,
    FinderContext,
    FinderFailed,
)
from neveridle.graph.sources.improvement.proposal import Proposal, fingerprint
from neveridle.graph.sources.improvement.registry import ENTRY_POINTS, FINDERS, finders

__all__ = [
    "ENTRY_POINTS",
    "FINDERS",
    "Checkout",
    "FindResult",
    "Finder",
    "FinderContext",
    "FinderFailed",
    "Problem",
    "Proposal",
    "find_improvements",
    "finders",
    "fingerprint",
]
