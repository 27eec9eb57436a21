"""Commands that outlived the process of ours that ran them."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

OWNER = "NEVERIDLE_OWNER"
"""The variable that says whose a command is: PID namespace, process and its start."""


def owner_mark() -> dict[str, str]:
    """What a command carries in its environment, so that it is known when we are dead."""
    pid = os.getpid()
    return {OWNER: f"{_namespace()}/{pid}/{_started(pid)}"}


def end_orphans() -> int:
    """Kill commands whose owner is dead; how many processes that were. Linux only.

    The kernel ends a confined command with its owner, except where the owner is killed in the
    moment in which bubblewrap begins: then one of its processes waits for the other for ever.
    Nothing ends an unconfined command with its owner. Only processes that carry a mark are
    touched, and only marks of our own PID namespace: others' owners cannot be seen from here.
    """
    ended = 0
    for process in _processes():
        mark = _mark_of(process)
        if mark is None or _is_alive(mark):
            continue
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)
            ended += 1
    return ended


def _processes() -> list[int]:
    with contextlib.suppress(OSError):
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - names only, of thousands
    return []


def _mark_of(process: int) -> str | None:
    needle = f"{OWNER}={_namespace()}/".encode()
    with contextlib.suppress(OSError):  # gone, or another user's
        for variable in Path(f"/proc/{process}/environ").read_bytes().split(b"\0"):
            if variable.startswith(needle):
                return variable.decode("ascii", "replace").partition("=")[2]
    return None


def _is_alive(mark: str) -> bool:
    _, _, rest = mark.partition("/")
    pid, _, started = rest.partition("/")
    return not pid.isdigit() or _started(int(pid)) == started


def _started(pid: int) -> str:
    """When a process began, in ticks since the machine did; empty: it is gone, or dead."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    return ""


def _namespace() -> str:
    with contextlib.suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    return ""
