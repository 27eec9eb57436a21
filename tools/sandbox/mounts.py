"""What a command in bubblewrap sees of the file system."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from neveridle.tools.sandbox.environment import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterable

HOME = "/home/agent"

ETC = (
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/protocols",
    "/etc/services",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",  # never /etc/ssl: it holds private keys
    "/etc/ssl/openssl.cnf",
)
NETWORK_ETC = ("/etc/hosts", "/etc/resolv.conf")


def passwd() -> bytes:
    """A user database that knows the running user only."""
    name = "root" if os.getuid() == 0 else "agent"
    return f"{name}:x:{os.getuid()}:{os.getgid()}::{HOME}:/bin/sh\n".encode()


def group() -> bytes:
    """A group database that knows the running group only."""
    return f"{'root' if os.getgid() == 0 else 'agent'}:x:{os.getgid()}:\n".encode()


def mount_arguments(
    *,
    tree: Path,
    writable: bool,
    readable: Iterable[Path],
    network: bool,
    tmpfs_bytes: int | None,
) -> list[str]:
    """bwrap's arguments for the file system, in the order they take effect.

    Args:
        tree: bound at its own path.
        writable: whether the tree can be written.
        readable: folders bound read-only at their own paths, if they exist.
        network: whether the files that name resolution needs are shown.
        tmpfs_bytes: size of each of ``/tmp``, ``/dev/shm`` and HOME; None leaves
            it to the kernel (bubblewrap before 0.7).
    """
    arguments: list[str] = []
    for name in SYSTEM:
        folder = Path(name)
        if folder.is_symlink():
            arguments += ["--symlink", str(folder.readlink()), name]
        elif folder.is_dir():
            arguments += ["--ro-bind", name, name]
    for name in (*ETC, *(NETWORK_ETC if network else ())):
        if Path(name).exists():
            arguments += ["--ro-bind", name, name]
    # As root bubblewrap leaves /proc/sys writable: core_pattern there is a way out.
    arguments += ["--proc", "/proc", "--ro-bind", "/proc/sys", "/proc/sys"]
    size = ["--size", str(tmpfs_bytes)] if tmpfs_bytes is not None else []
    arguments += ["--dev", "/dev", *size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"]
    arguments += [*size, "--tmpfs", "/tmp", *size, "--tmpfs", HOME]
    binds = {path: "--ro-bind-try" for path in readable if path != tree}
    binds[tree] = "--bind" if writable else "--ro-bind"
    for path in sorted(binds, key=lambda path: len(path.parts)):  # a deeper one lies on top
        arguments += [binds[path], str(path), str(path)]
    return [*arguments, "--remount-ro", "/", "--chdir", str(tree)]
