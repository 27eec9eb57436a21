"""The report of ``neveridle eval compaction``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from neveridle.evals.compaction.recorded import Recorded
from neveridle.evals.compaction.replay import Replayed, replay

BUDGETS: Final = (1_000, 1_500, 2_500, 4_000)
"""Tokens of conversation, the system prompt not counted, at which recordings are replayed."""
REACH: Final = 0.95


def evaluate(
    recorded: Sequence[Recorded], *, budgets: Sequence[int] = BUDGETS, keep: int = 10
) -> dict[str, Any]:
    """Replay conversations at several budgets.

    Returns:
        ``runs``, ``keep``, one entry of ``budgets`` each with its counts, and of all budgets
        together ``violations``, ``needed``, ``in_context`` and ``reachable`` (shares from 0
        to 1; null where nothing was needed), and ``passed``.
    """
    shown: list[dict[str, Any]] = []
    whole = Replayed()
    for budget in budgets:
        one = Replayed()
        folded = sum(replay(run, budget, keep, one) for run in recorded)
        shown.append({"budget": budget, "runs_compacted": folded, **_counts(one)})
        whole.compactions += one.compactions
        whole.needed += one.needed
        whole.in_context += one.in_context
        whole.reachable += one.reachable
        for name, times in one.violations.items():
            whole.violations[name] += times
    counts = _counts(whole)
    reached = counts["reachable"] is None or counts["reachable"] >= REACH
    return {
        "runs": len(recorded),
        "messages": sum(len(run.messages) for run in recorded),
        "keep": keep,
        "summarizer": "extractive",
        "compactions": whole.compactions,
        "violations": whole.violations,
        "needed": whole.needed,
        "in_context": counts["in_context"],
        "reachable": counts["reachable"],
        "to_reach": REACH,
        "budgets": shown,
        "passed": reached and not any(whole.violations.values()),
    }


def _counts(one: Replayed) -> dict[str, Any]:
    return {
        "compactions": one.compactions,
        "violations": one.violations,
        "last_messages_intact": _share(one.kept, one.compactions),
        "needed": one.needed,
        "in_context": _share(one.in_context, one.needed),
        "reachable": _share(one.reachable, one.needed),
        "missing": one.missing,
        "tokens_before": one.tokens[0] // max(1, one.compactions),
        "tokens_after": one.tokens[1] // max(1, one.compactions),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
