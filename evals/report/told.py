"""What a comparison says, in words that all of its reports share."""

from __future__ import annotations

from neveridle.evals.report.compared import Comparison, Difference, Side
from neveridle.evals.report.texts import number, share


def side_of(side: Side) -> str:
    """One of the two files in a line."""
    what = side.model or "replay"
    said = f"{side.name}: {what}, {side.runs} runs of {side.tasks} common tasks"
    if side.passed is None:
        return said
    said += f", {share(side.passed)} passed"
    if side.interval is not None:
        said += f" ({share(side.interval.low)} to {share(side.interval.high)})"
    return said


def interval_of(one: Difference) -> str:
    """Where a difference lies; "exact" where it has no noise, a dash where nobody knows."""
    if one.interval is None:
        return "exact" if one.exact else "-"
    said = share if one.name == "passed" else number
    return f"{_signed(said(one.interval.low))} to {_signed(said(one.interval.high))}"


def chance_of(found: Comparison) -> str:
    """How many marks chance alone would set."""
    if not found.looked:
        return "No interval decides here."
    level = f"{found.level:.4g}" if found.level != 0.95 else "95 %"
    about = found.looked * (1 - found.level)
    return (
        f"{found.looked} differences have intervals at {level}; only those outside are marked. "
        f"Chance alone would mark about {about:.1f} of them."
    )


def _signed(text: str) -> str:
    return text if text.startswith("-") else f"+{text}"
