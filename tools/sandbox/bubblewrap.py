"""The sandbox that confines: bubblewrap (Linux)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import selectors
from pathlib import Path
from typing import TYPE_CHECKING

from neveridle.board.simulation import simulated_loop
from neveridle.errors import SandboxMissing
from neveridle.tools.sandbox.base import CommandResult
from neveridle.tools.sandbox.environment import command_environment, in_system, search_path
from neveridle.tools.sandbox.limits import limited
from neveridle.tools.sandbox.mounts import HOME, group, mount_arguments, passwd
from neveridle.tools.sandbox.orphans import owner_mark
from neveridle.tools.sandbox.output import CappedOutput
from neveridle.tools.sandbox.process import run_process

if TYPE_CHECKING:
    from collections.abc import Iterable

    from neveridle.settings import SandboxSettings

REAP_SECONDS = 5.0
"""How long the end of the sandbox's last process is awaited."""


class BubblewrapSandbox:
    """Commands see the system, the toolchains and their tree, and nothing else.

    Args:
        program: bubblewrap's absolute path.
        settings: limits, network, further readable folders, environment.
        toolchains: installations outside the system's folders, made readable.
        sized: whether this bubblewrap can limit a tmpfs (0.7 and later).
    """

    name = "bubblewrap"
    confines = True

    def __init__(
        self,
        program: str,
        settings: SandboxSettings,
        *,
        toolchains: Iterable[Path],
        sized: bool,
    ) -> None:
        self._program = program
        self._settings = settings
        chosen = [path.absolute() for path in settings.readable]
        tools = list(toolchains)
        self._readable = [path for path in (*chosen, *tools) if not in_system(path)]
        self._tmpfs_bytes = settings.memory_mb * 1024 * 1024 if sized else None
        self._environment = command_environment(
            home=HOME,
            temporary="/tmp",  # a tmpfs of the sandbox's own, gone with it
            path=search_path(tools, chosen),
            extra=settings.environment,
        )

    async def run(
        self,
        command: str,
        *,
        tree: Path,
        timeout: float | None = None,  # noqa: ASYNC109 - the result says that time was up
        writable: bool = True,
        silence: float | None = None,
    ) -> CommandResult:
        """Run ``command`` confined to ``tree``; see :class:`Sandbox`."""
        output = CappedOutput(self._settings.output_bytes)
        with contextlib.ExitStack() as stack:
            status, status_end = _pipe(stack)
            files = {"/etc/passwd": passwd(), "/etc/group": group()}
            if not self._settings.network:
                files["/etc/hosts"] = b"127.0.0.1 localhost\n::1 localhost\n"
            fds = {name: _filled_pipe(stack, data) for name, data in files.items()}
            argv = [
                *(self._program, "--unshare-all", "--die-with-parent", "--new-session"),
                *(["--share-net"] if self._settings.network else []),
                *("--cap-drop", "ALL", "--hostname", "sandbox"),
                *("--json-status-fd", str(status_end)),
                *(part for name, fd in fds.items() for part in ("--ro-bind-data", str(fd), name)),
                *self._mounts(tree, writable=writable),
                "--",
                *limited(command, memory_mb=self._settings.memory_mb, confined=True),
            ]
            state = _Status(status)
            try:
                ended = await run_process(
                    argv,
                    env={**self._environment, **owner_mark()},
                    stdout=output,
                    time_limit=timeout if timeout is not None else self._settings.timeout,
                    silence=silence,
                    pass_fds=[status_end, *fds.values()],
                    reap=state.wait_for_the_end,
                )
            except OSError as error:
                raise SandboxMissing(
                    f"bubblewrap could not be started: {error}.",
                    remedy="Install bubblewrap, or set kind in [sandbox].",
                ) from error
            if ended.code is not None and not state.started:
                raise SandboxMissing(
                    f"bubblewrap could not confine the command: {output.text().strip()}.",
                    remedy="See that user namespaces are allowed on this machine and the "
                    "tree exists, or set kind in [sandbox].",
                )
        return CommandResult(
            command,
            ended.code,
            output.text(),
            ended.seconds,
            ended.timed_out,
            output.cut > 0,
            ended.silent,
        )

    def _mounts(self, tree: Path, *, writable: bool) -> list[str]:
        return mount_arguments(
            tree=tree.absolute(),
            writable=writable,
            readable=self._readable,
            network=self._settings.network,
            tmpfs_bytes=self._tmpfs_bytes,
        )


class _Status:
    """What bubblewrap reports of itself: its first process, and that the command ran."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._text = b""

    def _read(self) -> list[dict[str, int]]:
        with contextlib.suppress(BlockingIOError):
            while data := os.read(self._fd, 4096):
                self._text += data
        return [json.loads(line) for line in self._text.splitlines() if line.endswith(b"}")]

    @property
    def started(self) -> bool:
        """Whether the command itself ran: only then its exit code is reported."""
        return any("exit-code" in record for record in self._read())

    async def wait_for_the_end(self) -> None:
        """Wait until the sandbox's first process is gone, and with it all others.

        bubblewrap ends with the command; its process 1 is then killed by the
        kernel, and only when that is done can nothing write to the tree any more.
        """
        first = next((r["child-pid"] for r in self._read() if "child-pid" in r), None)
        if first is None:
            return
        try:
            await _gone(first)
        finally:
            # Where we are process 1 of a container it is ours to bury; elsewhere it is not.
            with contextlib.suppress(ChildProcessError):
                os.waitpid(first, os.WNOHANG)  # noqa: ASYNC222 - WNOHANG does not block


async def _gone(pid: int) -> None:
    """Wait, within limits, until a process that is not our child has ended."""
    try:
        pidfd = os.pidfd_open(pid)
    except OSError:  # gone already, or a kernel before 5.3
        return
    if simulated_loop() is not None:
        with contextlib.closing(selectors.DefaultSelector()) as selector:
            selector.register(pidfd, selectors.EVENT_READ)
            selector.select(REAP_SECONDS)
        os.close(pidfd)
        return
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    loop.add_reader(pidfd, gone.set)
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REAP_SECONDS):
                await gone.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


def _pipe(stack: contextlib.ExitStack) -> tuple[int, int]:
    """A pipe whose read end does not block; both ends are closed with the stack."""
    ends = os.pipe()
    for end in ends:
        stack.callback(os.close, end)
    os.set_blocking(ends[0], False)
    return ends


def _filled_pipe(stack: contextlib.ExitStack, data: bytes) -> int:
    """The read end of a pipe that holds ``data`` (less than a page) and no more."""
    read, write = os.pipe()
    stack.callback(os.close, read)
    os.write(write, data)
    os.close(write)
    return read
