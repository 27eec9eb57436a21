"""The resource limits every command starts under."""

from __future__ import annotations

import platform
import re

FILE_BYTES = 1 << 30
"""The largest file a command may write, in bytes."""

PROCESSES = 1024
"""How many processes a confined command may have at once."""


def limited(command: str, *, memory_mb: int, confined: bool) -> list[str]:
    """The argument list that runs ``command`` by ``/bin/sh`` under limits.

    The limits are per process (address space, file size) and, where the kernel
    counts them per user namespace, for the number of processes. A limit that
    cannot be set (the surrounding one is lower already) is left as it is.
    """
    lines = [
        "ulimit -c 0",
        f"ulimit -f {FILE_BYTES // 512}",  # POSIX: blocks of 512 bytes
        f"ulimit -v {memory_mb * 1024}",
    ]
    if confined and processes_are_counted_per_namespace(platform.release()):
        lines.append(f"ulimit -u {PROCESSES} 2>/dev/null || ulimit -p {PROCESSES}")
    prelude = "".join(f"{{ {line}; }} 2>/dev/null\n" for line in lines)
    return ["/bin/sh", "-c", f'{prelude}exec /bin/sh -c "$1"', "sh", command]


def processes_are_counted_per_namespace(release: str) -> bool:
    """Whether RLIMIT_NPROC counts the sandbox alone (Linux 5.14 and later).

    Before that it counts all processes of the user on the machine, and a busy
    desktop would leave a command none.
    """
    found = re.match(r"(\d+)\.(\d+)", release)
    return found is not None and (int(found[1]), int(found[2])) >= (5, 14)
