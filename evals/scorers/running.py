"""Asking every scorer of a recorded task, whatever one of them does."""

from __future__ import annotations

import asyncio
import inspect
import math
import threading
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, cast

from neveridle.errors import NeveridleError
from neveridle.evals.expectations import Expectations
from neveridle.evals.measures import measures_of, path_of
from neveridle.evals.play import Played
from neveridle.evals.recorded_task import AskedScorer, RecordedTask
from neveridle.evals.result import CaseResult, ScoreLine
from neveridle.evals.scorers.as_planned import as_planned
from neveridle.evals.scorers.expected import score
from neveridle.evals.scorers.registry import find_scorer
from neveridle.evals.scorers.scorer import Measure, Scorer
from neveridle.evals.scorers.told import measured
from neveridle.tools.redact import redact

LINES: Final = 1000
"""What a scorer may say; more is a mistake in it."""
DETAIL: Final = 2_000
"""Characters of a detail."""
NAME: Final = 200
"""Characters of a name."""


@dataclass(slots=True)
class Scored:
    """What all scorers said.

    Attributes:
        lines: of the expectations first.
        measures: the built-in ones, and those that scorers added.
    """

    lines: list[ScoreLine] = field(default_factory=list[ScoreLine])
    measures: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def status(self) -> Literal["passed", "failed", "error"]:
        """Of the run: ``error`` where a scorer failed, ``failed`` where a line does not hold.

        A grader that failed and a scorer that was skipped say nothing of the run.
        """
        if any(one.passed is None and one.unscored in ("", "error") for one in self.lines):
            return "error"
        return "failed" if any(one.passed is False for one in self.lines) else "passed"


class Hung(Exception):
    """A scorer took longer than it may."""


def score_all(played: Played, task: RecordedTask) -> Scored:
    """Look at the expectations, and ask the scorers that the recorded task names.

    A scorer that raises, hangs or says nonsense becomes a line that says so; the others go on.
    One that hangs is left behind in its thread, which ends with the process.
    """
    measures = measures_of(played)
    counted = {name: one for name, one in task.expect.measures.items() if name in measures}
    expect = task.expect.model_copy(update={"measures": counted})
    found = Scored(measures=dict(measures))
    found.lines += score(played, expect, until=task.run.until, named=task.start.secrets)
    found.lines += as_planned(played, task)

    def seen() -> CaseResult:
        return CaseResult(
            task=task.name, title=task.title, status=found.status,
            scores=tuple(found.lines), measures=dict(found.measures), path=path_of(played),
            provenance=played.provenance,
        )  # fmt: skip

    for asked in task.scorers:
        try:
            scorer = find_scorer(asked.name, seen)
            said = _ask(scorer, played, task, asked)
            lines, added = _sorted(said, asked.name, found.measures)
        except NeveridleError as error:
            found.lines.append(failed(asked.name, str(error)))
        except Hung:
            why = f"it took longer than {asked.timeout:g} seconds, and was stopped"
            found.lines.append(failed(asked.name, why))
        except BaseException as error:  # also SystemExit: what a scorer does ends no suite
            if isinstance(error, KeyboardInterrupt) and threading.current_thread() is _MAIN:
                raise
            found.lines.append(failed(asked.name, f"{type(error).__name__}: {error}"))
        else:
            found.lines += lines
            found.measures |= added
    rest = {name: one for name, one in task.expect.measures.items() if name not in counted}
    found.lines += measured(played, Expectations(measures=rest), found.measures)
    return found


_MAIN: Final = threading.main_thread()


def failed(name: str, why: str) -> ScoreLine:
    """The line of a scorer that failed."""
    detail = redact(f"the scorer failed: {why}")[:DETAIL]
    return ScoreLine(name=name, detail=detail, scorer=name, unscored="error")


def _ask(scorer: Scorer, played: Played, task: RecordedTask, asked: AskedScorer) -> list[object]:
    """What it says, in a thread of its own, so that one that hangs holds up nobody."""
    said: list[object] = []
    raised: list[BaseException] = []

    async def waited(answer: Awaitable[object]) -> object:
        return await answer

    def work() -> None:
        try:
            answer: object = scorer(played, task, **asked.options)
            if inspect.isawaitable(answer):
                answer = asyncio.run(waited(cast("Awaitable[object]", answer)))
            if isinstance(answer, ScoreLine | Measure):
                answer = [answer]
            for one in cast("Iterable[object]", answer):
                if len(said) == LINES:
                    msg = f"it said more than {LINES} lines"
                    raise ValueError(msg)
                said.append(one)
        except BaseException as error:  # noqa: BLE001 - told to whoever waits for the thread
            raised.append(error)

    thread = threading.Thread(target=work, name=f"scorer {asked.name}", daemon=True)
    thread.start()
    thread.join(asked.timeout)
    if thread.is_alive():
        raise Hung
    if raised:
        raise raised[0]
    return said


def _sorted(
    said: list[object], scorer: str, known: Mapping[str, float]
) -> tuple[list[ScoreLine], dict[str, float]]:
    lines: list[ScoreLine] = []
    measures: dict[str, float] = {}
    for one in said:
        if isinstance(one, ScoreLine):
            lines.append(_kept(one, scorer))
        elif isinstance(one, Measure):
            value = float(one.value)
            if one.name in known or one.name in measures or not math.isfinite(value):
                msg = f"its measure {one.name!r} is there already, or is no number: {value}"
                raise ValueError(msg)
            measures[one.name] = value
        else:
            msg = f"it said {type(one).__name__}, which is neither a ScoreLine nor a Measure"
            raise TypeError(msg)
    return lines, measures


def _kept(said: ScoreLine, scorer: str) -> ScoreLine:
    """A line with the scorer's name, of bounded size, without secrets."""
    unscored = said.unscored or ("error" if said.passed is None else "")
    update = {
        "name": redact(said.name)[:NAME], "detail": redact(said.detail)[:DETAIL],
        "scorer": scorer, "unscored": unscored,
    }  # fmt: skip
    return said.model_copy(update=update)
