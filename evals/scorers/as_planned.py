"""Did the run go by its recording and its plan of faults? Looked at in every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.evals.result import ScoreLine

if TYPE_CHECKING:
    from neveridle.evals.play import Played
    from neveridle.evals.recorded_task import RecordedTask


def as_planned(played: Played, task: RecordedTask) -> list[ScoreLine]:
    """Whether requests were as recorded, and whether the faults of the plan happened."""
    lines: list[ScoreLine] = []
    if played.mismatches:
        said = (
            f"{played.mismatches} requests were not recorded (--lenient answers with the nearest): "
            f"{played.differences}"
        )
        lines.append(_line("requests as recorded", said, good=False))
    elif played.lenient:
        said = f"{played.lenient} requests differ from the recorded: {played.differences}"
        lines.append(_line("requests as recorded", said, good=True))
    if task.faults:
        said = f"did not happen: {played.missed}" if played.missed else "; ".join(played.faults)
        lines.append(_line("faults happened", said, good=not played.missed, scorer="faults"))
    return lines


def _line(name: str, detail: str, *, good: bool, scorer: str = "expectations") -> ScoreLine:
    return ScoreLine(name=name, value=float(good), passed=good, detail=detail, scorer=scorer)
