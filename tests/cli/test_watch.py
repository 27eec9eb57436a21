"""``neveridle status --watch`` and ``top``, in a real terminal of 80 by 24 and outside of one."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Generator
from typing import Any

import pytest
from rich.cells import cell_len

from neveridle.board import Board, NewTask, Source

LONG = 90.0
"""Seconds after which a test gives up; nothing else here depends on time."""
MAIN = "from neveridle.cli import main; main()"
WIDE = "日本語の題名 👩‍👩‍👧‍👦 ❤️ and a title that is far too long for any line of it \x1b[2J"


class Terminal:
    """A pseudo-terminal with one command in it.

    Attributes:
        told: all that was written to it so far.
    """

    def __init__(self, folder: Any, *line: str, columns: int = 80, rows: int = 24) -> None:
        self._side, inside = pty.openpty()
        self.size(columns, rows)
        self._before = termios.tcgetattr(self._side)
        environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", MAIN, *line],
            cwd=folder, stdin=inside, stdout=inside, stderr=inside, start_new_session=True,
            env={**environment, "TERM": "xterm-256color"},
        )  # fmt: skip
        os.close(inside)
        os.set_blocking(self._side, False)
        self.told = ""
        self._rest = b""

    def size(self, columns: int, rows: int) -> None:
        """Make it so large; whoever is in it is told as by any terminal."""
        fcntl.ioctl(self._side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        if hasattr(self, "process"):
            os.kill(self.process.pid, signal.SIGWINCH)

    def read(self) -> None:
        """Take in what was written meanwhile."""
        try:
            data = self._rest + os.read(self._side, 1 << 16)
        except BlockingIOError:
            return
        except OSError as error:  # nobody is in it any more
            if error.errno != errno.EIO:
                raise
            return
        whole = data.decode("utf-8", errors="ignore").encode()
        self._rest = data[len(whole) :] if data.startswith(whole) else b""
        self.told += whole.decode()

    def until(self, what: Callable[[], object]) -> None:
        """Read until something has come true."""
        end = time.monotonic() + LONG
        while not what():
            assert time.monotonic() < end, self.told[-3000:]
            self.read()
            time.sleep(0.01)

    def ends(self, number: signal.Signals) -> int:
        """Send a signal to whoever is in it; the exit code."""
        os.kill(self.process.pid, number)
        self.until(lambda: self.process.poll() is not None)
        self.read()
        return self.process.returncode

    @property
    def unchanged(self) -> bool:
        """Whether its modes are as they were."""
        return termios.tcgetattr(self._side) == self._before

    @property
    def screens(self) -> list[list[str]]:
        """What was drawn, screen by screen, as lines without colours."""
        drawn = re.split(r"\x1b\[H", self.told.partition("\x1b[?1049h")[2])
        plain = [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", one) for one in drawn]
        return [one.replace("\r\n", "\n").split("\n") for one in plain if one.strip()]

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._side)


@pytest.fixture
def terminal() -> Generator[Callable[..., Terminal]]:
    """Open a terminal with a command in it."""
    opened: list[Terminal] = []

    def begin(folder: Any, *line: str, **size: int) -> Terminal:
        opened.append(Terminal(folder, *line, **size))
        return opened[-1]

    yield begin
    for one in opened:
        one.close()


async def _much(board: Board) -> None:
    """Far more than a screen holds."""
    for number in range(30):
        await board.runs.start(f"agent{number:02}", role="backend", skills=[])
        await board.tasks.add(NewTask(source=Source.DISPATCH, title=f"{number} {WIDE}"))
    run = await board.runs.start("zoe", role="frontend 開発者", skills=[])
    for number in range(12):
        claim = await board.attempts.claim(
            agent="zoe", run=run, skills=[], source=Source.DISPATCH, lease=600
        )
        assert claim is not None
        if number < 11:
            await board.attempts.block(claim.attempt, owner="human", action=f"Choose. {WIDE * 3}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_in_a_terminal_it_fits_follows_and_leaves_it_as_it_was(
    project: Any, terminal: Callable[..., Terminal], number: signal.Signals, code: int
) -> None:
    project.on_board(_much)
    shown = terminal(project.folder, "status", "--watch", "--every", "0.2")
    shown.until(lambda: "Team testers" in shown.told)

    async def pause(board: Board) -> None:
        await board.controls.set("*", "paused", reason="as a person said")

    project.on_board(pause)
    shown.until(lambda: "as a person said" in shown.told)
    count = len(shown.screens)
    shown.until(lambda: len(shown.screens) > count + 1)
    screens = shown.screens[:-1]  # the last one may not be whole

    assert {len(lines) for lines in screens} == {24}
    assert max(cell_len(line) for lines in screens for line in lines) <= 80
    assert "\x1b[2J" not in shown.told.partition("Team testers")[2].partition("\x1b[?1049l")[0]
    narrow = shown.told.count("Team testers")
    shown.size(50, 12)
    shown.until(lambda: any(len(lines) == 12 for lines in shown.screens[:-1]))
    small = [lines for lines in shown.screens[:-1] if len(lines) == 12]
    assert max(cell_len(line) for lines in small for line in lines) <= 50
    assert shown.told.count("Team testers") > narrow

    assert shown.ends(number) == code
    assert shown.told.count("\x1b[?1049h") == shown.told.count("\x1b[?1049l") == 1
    assert shown.told.rindex("\x1b[?25h") > shown.told.rindex("\x1b[?25l")
    assert shown.told.rstrip().endswith(("\x1b[?1049l", "\x1b[?25h"))
    assert "Traceback" not in shown.told
    assert shown.unchanged


def test_outside_of_a_terminal_it_prints_one_status_after_the_other(
    project: Any, start: Callable[..., subprocess.Popen[str]]
) -> None:
    project.on_board(_much)
    plain = start(project.folder, "top", "--every", "0.2")
    assert plain.stdout is not None
    heads = 0
    while heads < 3:
        line = plain.stdout.readline()
        assert line, plain.communicate()
        assert "\x1b" not in line
        assert cell_len(line.rstrip("\n")) <= 80
        heads += line.startswith("Team testers")
    plain.send_signal(signal.SIGINT)
    out, err = plain.communicate(timeout=LONG)
    assert (plain.returncode, err) == (0, ""), out


def test_as_json_it_prints_one_object_a_line_and_goes_on_when_the_team_changes(
    project: Any, start: Callable[..., subprocess.Popen[str]]
) -> None:
    project.on_board(_much)
    lines = start(project.folder, "status", "--watch", "--json", "--every", "0.2")
    assert lines.stdout is not None

    def line() -> dict[str, Any]:
        assert lines.stdout is not None
        found: dict[str, Any] = json.loads(lines.stdout.readline())
        return found

    assert line()["team"] == "testers"

    async def leave(board: Board) -> None:
        runs = [f"{one.run}" for one in await board.attempts.active()]
        await board.attempts.release_runs(runs)
        await board.runs.end(runs)

    project.on_board(leave)
    until = time.monotonic() + LONG
    while next(one for one in line()["agents"] if one["name"] == "zoe")["alive"]:
        assert time.monotonic() < until
    lines.send_signal(signal.SIGTERM)
    _, err = lines.communicate(timeout=LONG)
    assert (lines.returncode, err) == (143, "")


def test_without_a_board_it_says_so(cli: Callable[..., Any], project: Any) -> None:
    ended = cli("status", "--watch")
    assert ended.code == 2
    assert "There is no board" in ended.err
    assert not project.board_file.exists()
