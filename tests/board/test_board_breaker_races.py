"""Real processes at one breaker: no request after an opening, one probe, and deaths."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Generator
from functools import partial
from pathlib import Path

import pytest

from neveridle.board import Board
from neveridle.board.breaker import BreakerPolicy, BreakerState, Permit

# A file "down-<n>" is there from when the opening was committed until before the close. Who
# was let through while it was there, before and after, was let through too late.
WORKER = '''
"""Calls the service again and again; says what became of it."""
import asyncio, os, sys
from neveridle.board import Board
from neveridle.board.breaker import BreakerPolicy
from neveridle.errors import ServiceUnavailable

url, folder, mode = sys.argv[1:]
policy = BreakerPolicy(threshold=3, reset=30.0, probe=60.0)

def down():
    return {name for name in os.listdir(folder) if name.startswith("down-")}

async def main():
    async with Board(url, create=False) as board:
        print("ready", flush=True)
        sys.stdin.readline()
        calls = refusals = early = 0
        while not os.path.exists(os.path.join(folder, "stop")):
            before = down()
            try:
                permit = board.breakers.admitted("linear", "")
                if permit is None:
                    permit = await board.breakers.admit("linear", policy)
            except ServiceUnavailable:
                refusals += 1
                for name in before & down():
                    open(os.path.join(folder, f"{os.getpid()}-{name}"), "w").close()
                await asyncio.sleep(0.001)
                continue
            if permit.probe:
                print("probe", flush=True)
                if mode == "dies":
                    sys.stdin.readline()  # for ever
                await board.breakers.succeeded(permit)
            else:
                early += bool(before & down())
                calls += 1
            await asyncio.sleep(0.0005)
        print("end", calls, refusals, early, flush=True)

asyncio.run(main())
'''
POLICY = BreakerPolicy(threshold=3, reset=30.0, probe=60.0)


class Crew:
    """Processes that call a service.

    Attributes:
        folder: where they look for what they are told.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._script = folder / "worker.py"
        self._script.write_text(WORKER, encoding="utf-8")
        self.workers: list[subprocess.Popen[str]] = []

    def start(self, url: str, mode: str = "") -> subprocess.Popen[str]:
        """One that has opened the board and waits for the word."""
        worker = subprocess.Popen(
            [sys.executable, "-P", str(self._script), url, str(self.folder), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.workers.append(worker)
        return worker

    def go(self) -> None:
        """Give the word to all, once all are ready."""
        for worker in self.workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in self.workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()

    def tell(self, word: str, *, off: bool = False) -> None:
        """Make or remove a file they look for."""
        if off:
            (self.folder / word).unlink()
        else:
            (self.folder / word).touch()

    def told(self, pattern: str) -> list[Path]:
        """The files they have made."""
        return list(self.folder.glob(pattern))

    def end(self) -> list[list[str]]:
        """What each has said, once it has ended."""
        self.tell("stop")
        return [worker.communicate()[0].splitlines() for worker in self.workers]


async def until(happened: Callable[[], Awaitable[bool]]) -> None:
    """Look until something has happened; the test's own time limit ends what never does."""
    while not await happened():  # noqa: ASYNC110 (it happens in other processes)
        await asyncio.sleep(0.01)


async def refused_all(crew: Crew, number: int) -> bool:
    return len(crew.told(f"*-down-{number}")) == len(crew.workers)


async def closed(board: Board) -> bool:
    return (await board.breakers.get("linear")).state is BreakerState.CLOSED


@pytest.fixture
def crew(tmp_path: Path) -> Generator[Crew]:
    folder = tmp_path / "crew"
    folder.mkdir()
    one = Crew(folder)
    yield one
    for worker in one.workers:
        worker.kill()
        worker.communicate()


async def test_no_request_starts_after_an_opening_and_one_probe_goes_first(
    board_url: str, crew: Crew
) -> None:
    async with Board(board_url) as board:
        await board.clock.script(1000.0)
        for _ in range(4):
            crew.start(board_url)
        crew.go()
        for number in range(5):
            await board.breakers.failed(
                Permit("linear"), POLICY, "limited", wait=30.0, health=False
            )
            crew.tell(f"down-{number}")
            await until(partial(refused_all, crew, number))
            assert (await board.breakers.get("linear")).state is BreakerState.OPEN
            crew.tell(f"down-{number}", off=True)
            await board.clock.advance(30)
            await until(partial(closed, board))
        said = crew.end()
        kinds = [one.kind for one in await board.events.find(limit=100)]
        announced = len(await board.messages.latest("dev"))
    assert [worker.returncode for worker in crew.workers] == [0] * 4
    ends = [lines[-1].split() for lines in said]
    assert sum(int(calls) for _, calls, *_ in ends) > 0
    assert [early for *_, early in ends] == ["0"] * 4
    assert sum(lines.count("probe") for lines in said) == 5
    assert kinds == ["service.opened", "service.probed", "service.closed"] * 5
    assert announced == 10


@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal that cannot be caught")
async def test_the_probe_of_a_killed_process_is_made_by_another(board_url: str, crew: Crew) -> None:
    async with Board(board_url) as board:
        await board.clock.script(1000.0)
        await board.breakers.failed(Permit("linear"), POLICY, "limited", wait=1.0)
        await board.clock.advance(1)
        victim = crew.start(board_url, "dies")
        crew.go()
        assert victim.stdout is not None
        assert await asyncio.to_thread(victim.stdout.readline) == "probe\n"
        victim.send_signal(signal.SIGKILL)
        victim.communicate()
        crew.workers.clear()
        for _ in range(3):
            crew.start(board_url)
        crew.go()
        await asyncio.sleep(0.2)
        assert (await board.breakers.get("linear")).state is BreakerState.HALF_OPEN
        await board.clock.advance(POLICY.probe)
        await until(partial(closed, board))
        said = crew.end()
        kinds = [one.kind for one in await board.events.find(limit=100)]
    assert sum(lines.count("probe") for lines in said) == 1
    assert kinds == ["service.opened", "service.probed", "service.probed", "service.closed"]
