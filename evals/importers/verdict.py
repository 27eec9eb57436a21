"""What came of one recorded run, and of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from neveridle.errors import NeveridleError
from neveridle.evals.importers.scripted import Difference

AGREE: Final = 0.95
"""The share of runs whose verdict must be the recorded one."""
SHOWN: Final = 300
"""Characters that a report shows of a result."""
DIFFERENT: Final = 20
"""Differing results of one run that a report shows; all are counted."""


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What came of one run.

    Attributes:
        number: its place in the file, from 1.
        status: ``agreed`` or ``disagreed`` with the recorded reward; ``error``: it could not
            be gone through; ``skipped``: the benchmark's own harness had failed before it
            began, so that nothing was recorded.
        recorded: the recorded reward; None: it could not be read.
        reward: ours; None: there is none.
        ended: whether the conversation came to its end.
        database: whether the final database is the right one.
        outputs: by text, whether the assistant said it.
        same_goal: whether the right database has the recorded hash; None: none was recorded.
        different: tools that said something else than when it was recorded.
    """

    number: int
    task_id: int | str = ""
    trial: int = 0
    status: Literal["agreed", "disagreed", "error", "skipped"] = "error"
    recorded: float | None = None
    reward: float | None = None
    ended: bool | None = None
    database: bool | None = None
    outputs: dict[str, bool] = field(default_factory=dict[str, bool])
    same_goal: bool | None = None
    model_calls: int = 0
    tool_calls: int = 0
    different: list[Difference] = field(default_factory=list[Difference])
    code: str = ""
    error: str = ""
    remedy: str = ""
    seconds: float = 0.0

    def troubled(self, error: NeveridleError) -> Verdict:
        """The same as an error."""
        self.status, self.reward = "error", None
        self.code, self.error, self.remedy = error.code, error.message, error.remedy
        return self

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        data = asdict(self)
        data["differing"] = len(self.different)
        data["different"] = [
            {**one, "recorded": cut(one["recorded"]), "now": cut(one["now"])}
            for one in data["different"][:DIFFERENT]
        ]
        return data


def report(verdicts: Sequence[Verdict], *, agree: float) -> dict[str, Any]:
    """All verdicts, and whether enough of them agree.

    Args:
        verdicts: of all runs that were asked for.
        agree: the share that must agree, of all but the skipped.
    """
    counts = Counter(one.status for one in verdicts)
    judged = len(verdicts) - counts["skipped"]
    share = counts["agreed"] / judged if judged else None
    goals = [one.same_goal for one in verdicts if one.same_goal is not None]
    tools = Counter(one.tool for verdict in verdicts for one in verdict.different)
    return {
        "runs": len(verdicts),
        **{status: counts[status] for status in ("agreed", "disagreed", "error", "skipped")},
        "agreement": share,
        "wanted": agree,
        "passed": share is not None and share >= agree,
        "model_calls": sum(one.model_calls for one in verdicts),
        "tool_calls": sum(one.tool_calls for one in verdicts),
        "differing": sum(tools.values()),
        "differing_tools": dict(tools.most_common()),
        "goals": {"recorded": len(goals), "same": sum(goals)},
        "seconds": round(sum(one.seconds for one in verdicts), 2),
        "results": [one.as_dict() for one in verdicts],
    }


def cut(text: str) -> str:
    """``text``, at most ``SHOWN`` characters of it."""
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text) - SHOWN} more)"
