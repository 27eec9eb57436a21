"""Running a program that must not be cut short."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING

from neveridle.board.simulation import simulated_loop
from neveridle.tools.sandbox.process import signal_group

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

POLL = 0.005
PATIENCE = 1.0
"""Seconds a cancelled caller still waits for the program; then it goes on alone."""

_left: list[subprocess.Popen[bytes]] = []
"""Programs whose callers were cancelled: kept until they have ended by themselves."""


async def run_to_end(
    argv: Sequence[str],
    env: Mapping[str, str],
    cwd: Path | None,
    time_limit: float,
    pass_fds: Sequence[int] = (),
) -> tuple[int | None, bytes]:
    """Run a program whose work is finished even where we are cancelled or killed.

    Output goes to a file and the program has a session of its own, so it needs
    nobody who reads from it. Cancelled, we wait a second for it, then leave it.

    Returns:
        Its exit code (None when ``time_limit`` seconds were up and it was ended)
        and its output joined with its messages.
    """
    _left[:] = [process for process in _left if process.poll() is None]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - asyncio's would be killed with the loop
            argv,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=pass_fds,
            start_new_session=True,
        )
        try:
            ended = await _ended(process, time_limit)
        except asyncio.CancelledError:
            try:
                await _ended(process, PATIENCE)
            finally:
                if process.poll() is None:
                    _left.append(process)
            raise
        if not ended:
            await _stop(process)
        output.seek(0)
        return process.returncode if ended else None, output.read()


async def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    if simulated_loop() is not None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return process.poll() is not None
    until = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() > until:
            return False
        await asyncio.sleep(POLL)
    return True


async def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a program whose time is up: asked first, for it then removes its locks."""
    signal_group(process.pid, signal.SIGTERM)
    if not await _ended(process, PATIENCE):
        signal_group(process.pid, signal.SIGKILL)
        await _ended(process, PATIENCE)
