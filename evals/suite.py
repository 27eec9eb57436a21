"""Running many recorded tasks, each in a process of its own, some at a time.

pydantic-evals carries them: a ``Case`` for each run, and an evaluator that says what the
scorers said in the run's own process, where all there is to look at still lies.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from neveridle.errors import RecordingInvalid
from neveridle.evals.case import DONE, CaseRequest
from neveridle.evals.result import CaseResult, ScoreLine, SuiteResult, Trouble

RESTARTS: Final = 20
"""How often a process of one run is started again after it was killed, as a fault wants it."""
SHOWN: Final = 2_000
"""Characters of what a process said before it died that a result holds."""
LONGEST: Final = 600.0
"""Real seconds a run may take whose recorded task cannot be read."""
VERSIONS: Final = ("neveridle", "langgraph", "langchain-core", "chromadb", "pydantic-evals")

Told = Callable[[CaseResult], None]


async def run_suite(
    folders: Sequence[Path],
    *,
    suite: str = "shipped",
    repeat: int = 1,
    seed: int = 0,
    model: str = "",
    lenient: bool = False,
    workers: int | None = None,
    folder: Path | None = None,
    tell: Told | None = None,
) -> SuiteResult:
    """Run recorded tasks; what goes wrong with one is its result, and the others go on.

    Args:
        folders: the recorded tasks' folders.
        suite: what they are called together.
        repeat: how often each is run, with seeds that follow each other.
        seed: what chance is seeded with in the first run of each.
        model: a live model in place of the recordings; empty: the recordings.
        lenient: whether requests may differ from the recorded ones; the results name it.
        workers: how many run at once; None: as many as there are processors.
        folder: where what came of each is left, for looking at; None: nowhere. All are played
            in a temporary folder, since texts that are cut to a length hold its path.
        tell: called with each result as it comes.

    Raises:
        RecordingInvalid: two of them have one name.
    """
    from pydantic_evals import Case, Dataset

    from neveridle.evals.report.carried import Scored

    if len({task.name for task in folders}) < len(folders):
        msg = "Two of these recorded tasks have one name, and their results would be mixed."
        raise RecordingInvalid(msg, remedy="Rename one of the folders.")
    started, at = time.monotonic(), datetime.now(UTC).isoformat(timespec="seconds")
    root = Path(tempfile.mkdtemp(prefix="neveridle-eval-"))
    root = await asyncio.to_thread(root.resolve)

    todo = [(task, number) for task in folders for number in range(1, repeat + 1)]
    requests = {
        task.name if repeat == 1 else f"{task.name}-{number}": CaseRequest(
            task=task, stage=root / f"{place:06}", repeat=number, seed=seed + number - 1,
            model=model, lenient=lenient,
        )
        for place, (task, number) in enumerate(todo, start=1)
    }  # fmt: skip
    results: dict[str, CaseResult] = {}

    async def recorded_task(name: str) -> CaseResult:
        results[name] = await _played(requests[name], None if folder is None else folder / name)
        if tell is not None:
            tell(results[name])
        return results[name]

    def scores(result: CaseResult) -> tuple[ScoreLine, ...]:
        return result.scores

    dataset = Dataset[str, CaseResult, None](
        name=suite,
        cases=[Case(name=name, inputs=name) for name in requests],
        evaluators=[Scored(scores)],
    )
    try:
        report = await dataset.evaluate(
            recorded_task, max_concurrency=workers or os.cpu_count() or 1, progress=False
        )
    finally:
        await asyncio.to_thread(shutil.rmtree, root, ignore_errors=True)
    for failure in report.failures:  # a bug of the runner's own: the others' results stay
        name = failure.inputs
        results[name] = _trouble(requests[name], "bug", failure.error_message)
    return SuiteResult(
        suite=suite,
        version_of=versions(),
        started_at=at,
        model=model,
        matching="lenient" if lenient else "exact",
        seconds=round(time.monotonic() - started, 3),
        results=tuple(results[name] for name in requests),
    )


async def _played(request: CaseRequest, kept: Path | None) -> CaseResult:
    """One run, and what came of it left in a folder; None: nowhere."""
    if kept is not None and not await asyncio.to_thread(_ours, kept):
        said = f"{kept} exists, and is not ours."
        return _trouble(request, "stage-taken", said, "Name another --folder.")
    result = await run_in_process(request)
    try:
        await asyncio.to_thread(_keep, request.stage, kept)
    except OSError as error:
        said = f"What came of it could not be kept in {kept}: {error.strerror}."
        return _trouble(request, "not-kept", said)
    return result


async def run_in_process(request: CaseRequest) -> CaseResult:
    """One run; a process that was killed on purpose is started again, and goes on."""
    limit = _longest(request.task)
    for _ in range(RESTARTS):
        code, said = await _process(request, limit)
        done = request.stage / DONE
        if done.is_file():
            return CaseResult.model_validate_json(done.read_text(encoding="utf-8"))
        if code is None:
            said = f"It took longer than {limit:g} real seconds."
            return _trouble(request, "timeout", said, "`longest` in [run] allows more.")
        if code == -signal.SIGKILL and _meant(request.stage):
            continue
        return _trouble(request, "died", f"Its process ended with {code}. {said}".strip())
    return _trouble(request, "died", f"Its process was killed {RESTARTS} times.")


async def _process(request: CaseRequest, limit: float) -> tuple[int | None, str]:
    """The exit code (None: its time was up), and the end of what it said."""
    with tempfile.TemporaryFile() as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "neveridle.evals.case",
            stdin=asyncio.subprocess.PIPE, stdout=output, stderr=output,
            env=environment(live=bool(request.model)), start_new_session=True,
        )  # fmt: skip
        code: int | None = None
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(limit):
                    await process.communicate(request.model_dump_json().encode())
                    code = process.returncode
        finally:
            # Commands have groups of their own: unconfined ones would outlive what started them.
            below = _below(process.pid) if process.returncode is None else []
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            for one in below:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(one, signal.SIGKILL)
            await process.wait()
        output.seek(0)
        return code, output.read()[-SHOWN:].decode("utf-8", "replace")


def _below(pid: int) -> list[int]:
    """The processes that a process started, and those that they did; none where /proc is not."""
    started: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):  # it has just ended
            parent = int(stat.read_text("utf-8", "replace").rpartition(")")[2].split()[1])
            started.setdefault(parent, []).append(int(stat.parent.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = started.pop(waiting.pop(), [])
        found += children
        waiting += children
    return found


def environment(*, live: bool) -> dict[str, str]:
    """What a process inherits: nothing that would change what happens in it.

    Args:
        live: whether a live model is asked, whose keys are then needed.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if live or not name.startswith("NEVERIDLE_")
    }
    return {**kept, "PYTHONHASHSEED": "0", "PYTHONSAFEPATH": "1", "TZ": "UTC"}


def versions() -> dict[str, str]:
    """The versions that results may depend on."""
    found = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for name in VERSIONS:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _ours(folder: Path) -> bool:
    """Whether nothing is lost where a folder is replaced."""
    from neveridle.evals.stage import MARKER

    return not folder.exists() or (folder / MARKER).is_file() or not any(folder.iterdir())


def _keep(stage: Path, folder: Path | None) -> None:
    """Leave what came of a run in a folder; None: nowhere."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if stage.exists():
            shutil.move(stage, folder)
    else:
        shutil.rmtree(stage, ignore_errors=True)


def _longest(folder: Path) -> float:
    from neveridle.evals.recorded_task import load_task

    try:
        task = load_task(folder)
        return task.run.longest + sum(one.timeout for one in task.scorers)
    except RecordingInvalid:  # its own process says what is wrong with it
        return LONGEST


def _meant(stage: Path) -> bool:
    """Whether a fault of the plan killed the process."""
    from neveridle.evals.world import KILLED

    mark = stage / KILLED
    if not mark.is_file():
        return False
    mark.unlink()
    return True


def _trouble(request: CaseRequest, code: str, message: str, remedy: str = "") -> CaseResult:
    said: dict[str, Any] = {"code": code, "message": message, "remedy": remedy}
    return CaseResult(
        task=request.task.name, repeat=request.repeat, seed=request.seed, status="error",
        trouble=Trouble(**said),
    )  # fmt: skip
