"""One child process: its whole group, its time limit, its output."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

from neveridle.board.simulation import simulated_loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

CHUNK = 65_536
DRAIN_SECONDS = 2.0
"""How long output is awaited once every process is known to be dead."""


class Sink(Protocol):
    """Takes output as it comes; must not keep all of it."""

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended: ``code`` as in subprocess, None when its time was up.

    ``silent`` says that it was ended because it had printed nothing for too long.
    """

    code: int | None
    seconds: float
    silent: bool = False

    @property
    def timed_out(self) -> bool:
        """Whether the time limit ended it."""
        return self.code is None


class _Pump:
    """Moves bytes from a pipe of ours to a sink, whoever holds the other end.

    asyncio's own pipes make ``wait`` depend on every heir of the pipe in some
    Python versions; a daemon that keeps stdout open would then hang us.
    """

    def __init__(self, sink: Sink) -> None:
        self._read, self.write_end = os.pipe()
        os.set_blocking(self._read, False)
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self.ended = asyncio.Event()
        self.heard = self._loop.time()
        self._loop.add_reader(self._read, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._read, CHUNK)
        except BlockingIOError:
            return
        if data:
            self.heard = self._loop.time()
            self._sink.feed(data)
        else:
            self.close()

    def close_write_end(self) -> None:
        """Close our copy of the end that the child writes to."""
        if self.write_end >= 0:
            os.close(self.write_end)
            self.write_end = -1

    def close(self) -> None:
        """Stop reading; harmless when repeated."""
        self.close_write_end()
        if not self.ended.is_set():
            self._loop.remove_reader(self._read)
            os.close(self._read)
            self.ended.set()


async def run_process(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    stdout: Sink,
    time_limit: float,
    silence: float | None = None,
    stderr: Sink | None = None,
    cwd: Path | None = None,
    stdin: IO[bytes] | int = asyncio.subprocess.DEVNULL,
    pass_fds: Sequence[int] = (),
    grace: float = 0.0,
    reap: Callable[[], Awaitable[None]] | None = None,
) -> Ended:
    """Run a program in a process group of its own; the group is dead afterwards.

    Args:
        argv: the program and its arguments.
        env: its whole environment.
        stdout: where its output goes.
        time_limit: seconds after which the group is killed.
        silence: seconds without output after which it is, too; None: it may be silent.
        stderr: where its errors go; None joins them with ``stdout`` in order.
        cwd: its folder; None takes ours.
        stdin: a file to read from; nothing by default.
        pass_fds: further file descriptors it inherits.
        grace: seconds between asking it to end (SIGTERM) and killing it.
        reap: awaited once the process has ended, to end what left its group.

    Raises:
        OSError: the program cannot be started.
    """
    loop = simulated_loop()
    if loop is not None:
        from neveridle.tools.sandbox.inline import run_inline

        ended = run_inline(
            argv, env=env, stdout=stdout, stderr=stderr, time_limit=time_limit, silence=silence,
            cwd=cwd, stdin=stdin, pass_fds=pass_fds, grace=grace,
        )  # fmt: skip
        if reap is not None:
            await reap()
        await asyncio.sleep(loop.child_seconds)
        return ended
    started = time.monotonic()
    pumps = [_Pump(sink) for sink in (stdout, stderr) if sink is not None]
    code: int | None = None
    silent = False
    try:
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=dict(env),
            cwd=cwd,
            stdin=stdin,
            stdout=pumps[0].write_end,
            stderr=asyncio.subprocess.STDOUT if stderr is None else pumps[1].write_end,
            pass_fds=pass_fds,
            start_new_session=True,
        )
        for pump in pumps:
            pump.close_write_end()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(time_limit):
                    if silence is not None and await _silent(process, pumps, silence):
                        silent = True
                    else:
                        code = await process.wait()
        finally:  # also when cancelled: nothing may go on behind our back
            await _end(process, grace)
            if reap is not None:
                await reap()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                for pump in pumps:
                    await pump.ended.wait()
    finally:
        for pump in pumps:
            pump.close()
    return Ended(code, time.monotonic() - started, silent)


async def _silent(
    process: asyncio.subprocess.Process, pumps: Sequence[_Pump], seconds: float
) -> bool:
    """Whether the process has printed nothing for so long; False once it has ended."""
    loop = asyncio.get_running_loop()
    while (until := max(pump.heard for pump in pumps) + seconds) > loop.time():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await process.wait()
                return False
    return True


async def _end(process: asyncio.subprocess.Process, grace: float) -> None:
    """Kill the group of ``process``, first politely where it is given time."""
    try:
        if process.returncode is None and grace:
            signal_group(process.pid, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace):
                    await process.wait()
    finally:
        signal_group(process.pid, signal.SIGKILL)
    await process.wait()


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal the process group led by ``pid``, if it still exists."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
