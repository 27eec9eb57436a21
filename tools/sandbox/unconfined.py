"""Running commands where nothing confines them: scrubbed and limited only."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import secrets
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from neveridle.errors import DiskFull, SandboxMissing
from neveridle.tools.sandbox.base import CommandResult
from neveridle.tools.sandbox.environment import command_environment, search_path
from neveridle.tools.sandbox.limits import limited
from neveridle.tools.sandbox.orphans import owner_mark
from neveridle.tools.sandbox.output import CappedOutput
from neveridle.tools.sandbox.process import run_process
from neveridle.tools.sandbox.removal import remove_tree

if TYPE_CHECKING:
    from collections.abc import Iterable

    from neveridle.settings import SandboxSettings

MARK = "NEVERIDLE_COMMAND"
"""The variable by which processes that left their group are found again."""

HUNT_ROUNDS = 20
KERNEL_THREAD = 0x00200000
"""The flag of a process that is one of the kernel's own threads, and has no environment."""


class UnconfinedSandbox:
    """No confinement: a command can read and write what we can, minus our secrets.

    A process that leaves its group is found again (on Linux) as long as it keeps
    its environment; one that means to hide gets away. ``writable=False`` is not
    enforced.
    """

    name = "none"
    confines = False

    def __init__(self, settings: SandboxSettings, *, toolchains: Iterable[Path]) -> None:
        self._settings = settings
        chosen = [path.absolute() for path in settings.readable]
        self._path = search_path(toolchains, chosen)

    async def run(
        self,
        command: str,
        *,
        tree: Path,
        timeout: float | None = None,  # noqa: ASYNC109 - the result says that time was up
        writable: bool = True,
        silence: float | None = None,
    ) -> CommandResult:
        """Run ``command`` in ``tree``; see :class:`Sandbox`."""
        try:
            home = Path(tempfile.mkdtemp(prefix="neveridle-home-"))
        except OSError as error:
            raise _translated(error) from error
        mark = secrets.token_hex(16)
        environment = command_environment(
            home=str(home),
            temporary=str(home),
            path=self._path,
            extra=self._settings.environment,
        )
        output = CappedOutput(self._settings.output_bytes)
        since = ticks_now()
        try:
            ended = await run_process(
                limited(command, memory_mb=self._settings.memory_mb, confined=False),
                env={**environment, MARK: mark, **owner_mark()},
                cwd=tree,
                stdout=output,
                time_limit=timeout if timeout is not None else self._settings.timeout,
                silence=silence,
                reap=lambda: hunt(mark, since),
            )
        except OSError as error:
            raise _translated(error) from error
        finally:
            remove_tree(home)
        code = ended.code if ended.code is None or ended.code >= 0 else 128 - ended.code
        return CommandResult(
            command,
            code,
            output.text(),
            ended.seconds,
            ended.timed_out,
            output.cut > 0,
            ended.silent,
        )


async def hunt(mark: str, since: int) -> None:
    """Kill every process whose environment carries ``mark`` (needs /proc).

    Repeated until none is found, because a process may fork while we look, and one that is
    just becoming another program has no environment for a moment.

    Args:
        mark: the command's.
        since: the tick since the machine's start at which the command began at the earliest.
    """
    needle = f"{MARK}={mark}".encode()
    for _ in range(HUNT_ROUNDS):
        marked = {pid: _carries(pid, needle, since) for pid in _processes()}
        found = [pid for pid, carries in marked.items() if carries]
        if not found and None not in marked.values():
            return
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.005)  # let the kernel take them down


def ticks_now() -> int:
    """The tick since the machine's start that it is now; 0 where that is not known."""
    if not hasattr(time, "CLOCK_BOOTTIME"):
        return 0
    return int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))


def _processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - names only, of thousands
    except FileNotFoundError:  # not Linux: the process group must do
        return []


def _carries(pid: int, needle: bytes, since: int) -> bool | None:
    """Whether a process carries a mark; None: it is young, alive, and has no environment yet."""
    folder = Path(f"/proc/{pid}")
    try:
        environment = (folder / "environ").read_bytes()
        if environment:
            return needle in environment
        fields = (folder / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
        ended, kernels = fields[0] in "ZX", int(fields[6]) & KERNEL_THREAD
        return False if ended or kernels or int(fields[19]) < since else None
    except OSError:  # gone, or another user's
        return False


def _translated(error: OSError) -> DiskFull | SandboxMissing:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(
            "No space is left for a command's temporary files.", remedy="Free some and try again."
        )
    return SandboxMissing(
        f"The command could not be started: {error}.", remedy="See that the tree and /bin/sh exist."
    )
