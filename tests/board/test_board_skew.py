"""Hosts whose clocks are hours apart share a board: nobody's own clock decides anything."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board, NewTask, Source

ROOT = Path(__file__).parents[2]
LAYERS = ("board", "graph", "agents", "memory", "tools")

WALL = {
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
JUSTIFIED = {
    "board/health.py": "the doctor tells how far a host's clock is from the board's",
    "tools/github/failures.py": "a limit's reset, where an answer has no date of its own",
    "tools/standin/github.py": "a stand-in is another host, with a clock of its own",
    "tools/standin/http.py": "the same",
    "tools/standin/linear.py": "the same",
    "tools/recording/http_recorder.py": "to which an exchange's own times are moved in a replay; "
    "who replays in simulated time gives the board's",
    "tools/recording/http_replayer.py": "the same",
    "tools/recording/http_seam.py": "the same",
    "tools/recording/http_writer.py": "when a recording was made, for people to read",
    "tools/recording/writer.py": "when a recording was made, for people to read",
    "tools/workspace/copying.py": "a copy keeps the times of what it copies",
    "graph/sources/improvement/stale_branches.py": "git keeps no other time of a commit; it only "
    "decides whether a branch is worth a look",
}
"""Where a host's clock is read, or a file's time, and why that decides nothing of ours."""


def reads_a_wall_clock(path: Path) -> list[int]:
    """The lines of a module that ask the host for the time of day, or a file for its own."""
    found: list[int] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Attribute):
            continue
        owner = node.value
        name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
        if node.attr in WALL.get(name, ()) or node.attr in (
            "st_mtime", "st_mtime_ns", "st_ctime", "st_ctime_ns", "CLOCK_REALTIME", "getmtime",
        ):  # fmt: skip
            found.append(node.lineno)
    return found


def test_no_module_asks_its_host_for_the_time_of_day() -> None:
    modules = [path for layer in LAYERS for path in (ROOT / layer).rglob("*.py")]
    assert len(modules) > 100
    found = {path.relative_to(ROOT).as_posix() for path in modules if reads_a_wall_clock(path)}
    assert found <= set(JUSTIFIED)


def test_the_search_finds_one(tmp_path: Path) -> None:
    for line in ("time.time()", "datetime.now(UTC)", "datetime.datetime.utcnow()", "s.st_mtime"):
        (tmp_path / "x.py").write_text(f"{line}\n")
        assert reads_a_wall_clock(tmp_path / "x.py") == [1], line
    (tmp_path / "x.py").write_text("time.monotonic(); clock.now(); board.clock.now()\n")
    assert reads_a_wall_clock(tmp_path / "x.py") == []


DRIVER = """
import asyncio, datetime, json, sys, time

SHIFT = float(sys.argv[2]) * 3600
real_time, real_datetime = time.time, datetime.datetime

class Shifted(real_datetime):
    @classmethod
    def now(cls, tz=None):
        return real_datetime.now(tz) + datetime.timedelta(seconds=SHIFT)

time.time = lambda: real_time() + SHIFT
time.time_ns = lambda: int(time.time() * 1e9)
datetime.datetime = Shifted

from neveridle.board import Board, Source

async def main():
    async with Board(sys.argv[1]) as board:
        run = await board.runs.start(sys.argv[3], role="backend", skills=[])
        for line in sys.stdin:
            word, *rest = line.split()
            if word == "claim":
                won = await board.attempts.claim(
                    agent=sys.argv[3], run=run, skills=[], source=Source.BACKLOG,
                    lease=float(rest[0]),
                )
                mine = None if won is None else won.attempt
                said = None if won is None else [mine.task_id, mine.fence]
            elif word == "renew":
                said = sorted(await board.attempts.renew([run], lease=float(rest[0])))
            elif word == "sweep":
                said = await board.sweep()
            elif word == "complete":
                said = await board.attempts.complete(mine)
            elif word == "now":
                said = [await board.clock.now(), time.time()]
            print(json.dumps(said), flush=True)

asyncio.run(main())
"""


class Host:
    """A process on a host whose clock is wrong by hours."""

    def __init__(self, url: str, hours: float, agent: str) -> None:
        line = [sys.executable, "-c", DRIVER, url, str(hours), agent]
        self.process = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __call__(self, line: str) -> Any:
        """Let it do something; what came of it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """Let it end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.mark.parametrize("hours", [(-5.0, 7.0), (7.0, -5.0)], ids=["behind", "ahead"])
async def test_two_hosts_hours_apart_agree_on_who_owns_what(
    board_url: str, hours: tuple[float, float]
) -> None:
    async with Board(board_url) as board:
        for title in "ab":
            await board.tasks.add(NewTask(source=Source.BACKLOG, title=title))
        one, other = Host(board_url, hours[0], "sam"), Host(board_url, hours[1], "leo")
        try:
            at_one, at_other = one("now"), other("now")
            assert abs(at_other[0] - at_one[0]) < 60  # the board's
            assert abs(at_other[1] - at_one[1]) > 11 * 3600  # their own
            assert one("claim 60") == [1, 1]
            assert other("claim 60") == [2, 1]
            assert other("sweep") == []
            assert one("sweep") == []
            assert one("renew 60") == [[1, 1]]
            assert other("sweep") == []
            assert other("complete") == []
            # A lease ends for both at the same moment, by the board's clock.
            assert one("renew 0") == [[1, 1]]
            assert other("sweep") == [[1, 1]]
            assert one("renew 60") == []
            assert other("claim 60") == [1, 2]
            assert one("sweep") == []
            attempts = await board.attempts.of(1)
            now = await board.clock.now()
            assert all(now - 120 < each.started_at <= now for each in attempts)
        finally:
            one.close()
            other.close()
