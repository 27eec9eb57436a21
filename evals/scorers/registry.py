"""Which scorers there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from neveridle.errors import RecordingInvalid
from neveridle.evals.result import CaseResult
from neveridle.evals.scorers.rubric import rubric
from neveridle.evals.scorers.scorer import Scorer

ENTRY_POINTS: Final = "neveridle.scorers"
EVALUATORS: Final = "pydantic-evals:"
"""Before the name of an evaluator that comes with pydantic-evals."""
BUILT_IN: Final[dict[str, Scorer]] = {"rubric": rubric}


def find_scorer(name: str, seen: Callable[[], CaseResult]) -> Scorer:
    """The scorer of a name.

    A name that is not built in is looked for among the entry points of the group
    ``neveridle.scorers``. Each names a ``Scorer``, or an evaluator class of pydantic-evals;
    ``pydantic-evals:MaxDuration`` names one that comes with pydantic-evals.

    Args:
        name: as in ``task.toml``.
        seen: makes what an evaluator is shown as the output.

    Raises:
        RecordingInvalid: nobody knows the name (the message gives those that are known), or
            what brings it cannot be loaded.
    """
    if name in BUILT_IN:
        return BUILT_IN[name]
    if name.startswith(EVALUATORS):
        from neveridle.evals.scorers.evaluators import as_scorer, shipped_evaluator

        return as_scorer(shipped_evaluator(name.removeprefix(EVALUATORS)), seen)
    loaded = _plugged_in(name)
    if isinstance(loaded, type) and _is_evaluator(loaded):
        from neveridle.evals.scorers.evaluators import as_scorer

        return as_scorer(loaded, seen)
    if not callable(loaded):
        msg = f"The scorer {name!r} is nothing that can be called."
        raise RecordingInvalid(msg, remedy="Its entry point must name a function.")
    return cast("Scorer", loaded)


def _plugged_in(name: str) -> object:
    from importlib.metadata import entry_points  # reads the metadata of every installed package

    found = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
    if name not in found:
        known = ", ".join([*BUILT_IN, *sorted(found), f"{EVALUATORS}…"])
        msg = f"There is no scorer called {name!r}; known are {known}."
        remedy = f"Correct the name, or install the package that brings it ({ENTRY_POINTS})."
        raise RecordingInvalid(msg, remedy=remedy)
    try:
        return cast("object", found[name].load())
    except Exception as error:  # a plug-in's import may fail in any way
        msg = f"The scorer {name!r} ({found[name].value}) cannot be loaded: {error}."
        raise RecordingInvalid(msg, remedy="Repair the package, or take it out.") from error


def _is_evaluator(loaded: type[Any]) -> bool:
    """Told by its ancestors' names: pydantic-evals takes a second to import."""
    return any(
        (one.__module__.partition(".")[0], one.__name__) == ("pydantic_evals", "Evaluator")
        for one in loaded.__mro__
    )
