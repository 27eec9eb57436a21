"""One child process in simulated time: nothing else goes on until it has ended."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from typing import IO, TYPE_CHECKING

from neveridle.tools.sandbox.process import CHUNK, DRAIN_SECONDS, Ended, Sink, signal_group

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def run_inline(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    stdout: Sink,
    stderr: Sink | None,
    time_limit: float,
    silence: float | None,
    cwd: Path | None,
    stdin: IO[bytes] | int,
    pass_fds: Sequence[int],
    grace: float,
) -> Ended:
    """``run_process`` without a loop: see there. Its limits are real seconds.

    Raises:
        OSError: the program cannot be started.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        argv, env=dict(env), cwd=cwd, stdin=stdin, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if stderr is None else subprocess.PIPE,
        pass_fds=tuple(pass_fds), start_new_session=True,
    )  # fmt: skip
    code: int | None = None
    silent = False
    with selectors.DefaultSelector() as pipes:
        for pipe, sink in ((process.stdout, stdout), (process.stderr, stderr)):
            if pipe is not None and sink is not None:
                os.set_blocking(pipe.fileno(), False)
                pipes.register(pipe, selectors.EVENT_READ, sink)
        try:
            heard = time.monotonic()
            while (code := process.poll()) is None:
                now = time.monotonic()
                silent = silence is not None and now - heard >= silence
                if silent or now - started >= time_limit:
                    break
                if _read(pipes, 0.01):
                    heard = time.monotonic()
        finally:
            _end(process, grace)
        until = time.monotonic() + DRAIN_SECONDS
        while pipes.get_map() and time.monotonic() < until:
            _read(pipes, 0.05)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    return Ended(code, time.monotonic() - started, silent)


def _read(pipes: selectors.BaseSelector, seconds: float) -> bool:
    """Move what is there to the sinks; whether there was anything."""
    if not pipes.get_map():
        time.sleep(min(seconds, 0.002))
        return False
    heard = False
    for key, _ in pipes.select(seconds):
        try:
            data = os.read(key.fd, CHUNK)
        except BlockingIOError:
            continue
        if data:
            heard = True
            key.data.feed(data)
        else:
            pipes.unregister(key.fileobj)
    return heard


def _end(process: subprocess.Popen[bytes], grace: float) -> None:
    if process.poll() is None and grace:
        signal_group(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)
    signal_group(process.pid, signal.SIGKILL)
    process.wait()
