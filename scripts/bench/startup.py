"""What it costs until neveridle is there: import, help, status."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path

from bench.harness import Pair, Sampler, row
from neveridle.board import Board, NewTask, Source

BARE = (sys.executable, "-P", "-c", "pass")
CLI = (sys.executable, "-P", "-c", "from neveridle.cli import main; main()")


@row(
    "`import neveridle`, CPU time",
    floor="the bare interpreter",
    compare="difference",
    limit=0.15,
)
def import_neveridle() -> Generator[Pair]:
    """User and system time of a fresh process."""
    ours = (sys.executable, "-P", "-c", "import neveridle")
    yield Pair(ours=_cpu(ours), floor=_cpu(BARE))


@row("`neveridle --help`", floor="the bare interpreter", compare="ours", limit=0.5)
def show_help() -> Generator[Pair]:
    """Wall time of a fresh process."""
    yield Pair(ours=_wall((*CLI, "--help")), floor=_wall(BARE))


@row("`neveridle status`", floor="the bare interpreter", compare="ours", limit=0.5)
def show_status() -> Generator[Pair]:
    """Wall time of a fresh process that reads a board with a thousand tasks."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["git", "init", "--quiet", name], check=True)
        (folder / "neveridle.toml").touch()
        (folder / ".neveridle").mkdir()
        asyncio.run(_seed(folder / ".neveridle" / "board.db", tasks=1000))
        yield Pair(ours=_wall((*CLI, "status"), folder), floor=_wall(BARE))


async def _seed(path: Path, tasks: int) -> None:
    async with Board(f"sqlite:///{path}") as board:
        await board.tasks.add_all(
            [NewTask(source=Source.DISPATCH, title=f"Task {number}") for number in range(tasks)]
        )


def _cpu(command: Sequence[str]) -> Sampler:
    def sample() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)

    return sample


def _wall(command: Sequence[str], folder: Path | None = None) -> Sampler:
    def sample() -> float:
        begin = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        return time.perf_counter() - begin

    return sample
