"""Evaluators of pydantic-evals as scorers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

from neveridle.errors import RecordingInvalid
from neveridle.evals.play import Played
from neveridle.evals.recorded_task import RecordedTask
from neveridle.evals.result import CaseResult
from neveridle.evals.scorers.scorer import Said, Scorer


def shipped_evaluator(name: str) -> type[Any]:
    """An evaluator that comes with pydantic-evals.

    Raises:
        RecordingInvalid: there is none of this name.
    """
    from pydantic_evals import evaluators

    found = getattr(evaluators, name, None)
    if not (isinstance(found, type) and issubclass(found, evaluators.Evaluator)):
        msg = f"pydantic-evals has no evaluator called {name!r}."
        raise RecordingInvalid(msg, remedy="Use a name such as Contains, MaxDuration, LLMJudge.")
    return cast("type[Any]", found)


def as_scorer(evaluator: type[Any], seen: Callable[[], CaseResult]) -> Scorer:
    """A scorer that asks an evaluator.

    The evaluator finds the run in ``ctx.output`` (a ``CaseResult`` with measures, path and the
    scores of the expectations), the measures in ``ctx.metrics``, the recorded task's name in
    ``ctx.inputs``, its title and tags in ``ctx.metadata``. Options are its arguments.

    Args:
        evaluator: its class.
        seen: makes the output.
    """

    async def asked(played: Played, task: RecordedTask, **options: Any) -> Iterable[Said]:
        from neveridle.evals.report.carried import score_with

        run = seen()
        return await score_with(
            evaluator(**options),
            run,
            inputs=task.name,
            metadata={"title": task.title, "tags": list(task.tags)},
            measures=dict(run.measures),
            seconds=played.seconds,
        )

    return asked
