"""One run of one recorded task, in a process of its own: ``python -m neveridle.evals.case``.

Of its own, because a fault may kill it, and because the order of a simulated run must not
depend on what else a process does.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import threading
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from neveridle.errors import NeveridleError
from neveridle.evals.result import CaseResult, Trouble

DONE = "result.json"


class CaseRequest(BaseModel):
    """What a process is told on its standard input.

    Attributes:
        task: the recorded task's folder.
        stage: where it is played; it does not exist, or a killed process began there.
        repeat: which run of it this is, from 1.
        seed: what chance is seeded with.
        model: a live model in place of the recording; empty: the recording.
        lenient: whether requests may differ from the recorded ones.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: Path
    stage: Path
    repeat: int = 1
    seed: int = 0
    model: str = ""
    lenient: bool = False


def run_case(request: CaseRequest) -> CaseResult:
    """Play, count and score; whatever goes wrong becomes part of the result."""
    random.seed(request.seed)
    name = request.task.name
    try:
        return _run(request)
    except NeveridleError as error:
        trouble = Trouble(code=error.code, message=error.message, remedy=error.remedy or "")
    except Exception as error:  # noqa: BLE001 - one broken recorded task must not end the suite
        trouble = Trouble(code="bug", message=f"{type(error).__name__}: {error}")
    return CaseResult(
        task=name, repeat=request.repeat, seed=request.seed, status="error", trouble=trouble
    )


def _run(request: CaseRequest) -> CaseResult:
    from neveridle.board.simulation import run_simulated
    from neveridle.evals.measures import digest_of, log_lines, path_of
    from neveridle.evals.play import Played, play_on_stage
    from neveridle.evals.recorded_task import load_task
    from neveridle.evals.scorers.running import score_all
    from neveridle.evals.stage import known_before, set_up
    from neveridle.evals.world import World

    task = load_task(request.task)
    if request.model and not task.run.live:
        said = Trouble(code="not-live", message="It makes no sense with a live model.")
        return CaseResult(
            task=task.name, title=task.title, repeat=request.repeat, seed=request.seed,
            status="skipped", trouble=said, provenance=task.provenance,
        )  # fmt: skip
    for variable, value in task.start.secrets.items():
        if not (request.model and os.environ.get(variable)):  # a live model needs its real key
            os.environ[variable] = value
    if known_before(request.stage) is None:
        asyncio.run(set_up(task, request.stage))
    world = World(task, request.stage, seed=request.seed)

    async def playing() -> Played:
        return await play_on_stage(
            task, request.stage, world, model=request.model, lenient=request.lenient
        )

    if request.model or task.run.clock == "real":
        played = asyncio.run(playing())
    else:
        played = run_simulated(playing, pace=task.run.pace)
    (request.stage / "events.txt").write_text("\n".join(log_lines(played)) + "\n", encoding="utf-8")
    scored = score_all(played, task)
    return CaseResult(
        task=task.name,
        title=task.title,
        repeat=request.repeat,
        seed=request.seed,
        status=scored.status,
        scores=tuple(scored.lines),
        measures=scored.measures,
        path=path_of(played),
        events=digest_of(played),
        provenance=played.provenance,
        lenient=played.lenient,
    )


def main() -> None:
    """Run what standard input says; the result lies in the stage's folder, whole or not at all."""
    request = CaseRequest.model_validate_json(sys.stdin.read())
    result = run_case(request)
    request.stage.mkdir(parents=True, exist_ok=True)
    draft = request.stage / f"{DONE}.tmp"
    draft.write_text(result.model_dump_json(), encoding="utf-8")
    draft.replace(request.stage / DONE)
    if threading.active_count() > 1:  # a scorer that hangs must not keep the process
        os._exit(0)


if __name__ == "__main__":
    main()
