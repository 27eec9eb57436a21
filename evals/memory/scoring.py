"""How well the turns that were found cover the evidence."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neveridle.evals.memory.conversation import Question

CUTOFFS = (1, 5, 10, 20)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question and what was found for it.

    Attributes:
        conversation: the conversation's name.
        found: ids of turns, the best first, each once.
        seconds: how long the search took, embedding included.
        embedding: seconds of it that the embedder took.
    """

    conversation: str
    question: Question
    found: tuple[str, ...]
    seconds: float
    embedding: float = 0.0

    def recall(self, k: int) -> float:
        """The share of the evidence among the first ``k``, 0 to 1."""
        best = set(self.found[:k])
        evidence = self.question.evidence
        return sum(1 for turn in evidence if turn in best) / len(evidence)

    @property
    def reciprocal(self) -> float:
        """One through the place of the first turn of evidence; 0: none was found."""
        for place, turn in enumerate(self.found, start=1):
            if turn in self.question.evidence:
                return 1 / place
        return 0.0


def scores(asked: Sequence[Asked], *, k: int) -> dict[str, Any]:
    """Means over questions, as plain JSON; see ``docs/evals.md`` for the names.

    Args:
        asked: at least one.
        k: how many turns were asked for; no recall is given beyond it.
    """
    found: dict[str, Any] = {"questions": len(asked)}
    found["evidence"] = sum(len(one.question.evidence) for one in asked)
    for cutoff in sorted({*CUTOFFS, k}):
        if cutoff <= k:
            found[f"recall@{cutoff}"] = _mean([one.recall(cutoff) for one in asked])
    at = min(10, k)
    found[f"hit@{at}"] = _mean([float(one.recall(at) > 0) for one in asked])
    found[f"all@{at}"] = _mean([float(one.recall(at) == 1) for one in asked])
    found["mrr"] = _mean([one.reciprocal for one in asked])
    return found


def by_category(asked: Sequence[Asked], *, k: int) -> dict[str, dict[str, Any]]:
    """``scores`` for the questions of each category, in the order of the categories' names."""
    groups: dict[str, list[Asked]] = {}
    for one in asked:
        groups.setdefault(one.question.category, []).append(one)
    order = sorted(groups, key=lambda name: (not name.isdigit(), name.zfill(9)))
    return {name: scores(groups[name], k=k) for name in order}


def by_conversation(asked: Sequence[Asked], *, k: int) -> dict[str, dict[str, Any]]:
    """``scores`` for the questions about each conversation, in the order they were asked."""
    groups: dict[str, list[Asked]] = {}
    for one in asked:
        groups.setdefault(one.conversation, []).append(one)
    return {name: scores(group, k=k) for name, group in groups.items()}


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile of times, in milliseconds; zeros where there are none."""
    if not seconds:
        return {"median": 0.0, "p95": 0.0}
    ordered = sorted(seconds)
    high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {"median": _ms(statistics.median(ordered)), "p95": _ms(high)}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4)
