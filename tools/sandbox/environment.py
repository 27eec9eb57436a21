"""The environment of a command: nothing of ours, so no secret."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SYSTEM_PATH = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store")
"""Folders of the operating system, readable in every sandbox."""

TOOLS = ("python3", "node", "git", "make")
"""Programs whose installation is made readable wherever they are installed."""


def command_environment(
    *, home: str, temporary: str, path: Iterable[str], extra: Mapping[str, str]
) -> dict[str, str]:
    """The whole environment of a command; ``extra`` (the settings') wins."""
    return {
        "PATH": ":".join(path),
        "HOME": home,
        "TMPDIR": temporary,
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "PYTHONDONTWRITEBYTECODE": "1",  # or every check would litter the tree
        **extra,
    }


def toolchains() -> list[Path]:
    """The installations commands need and that lie outside the system's folders.

    The running interpreter's, and those of :data:`TOOLS` as found on our PATH.
    A program in a folder of personal files gives that folder's ``bin`` only.
    """
    found: list[Path] = [Path(sys.prefix), Path(sys.base_prefix)]
    if sys.executable:
        found += [_installation(hop) for hop in _hops(Path(sys.executable))]
    for tool in TOOLS:
        where = shutil.which(tool)
        if where is not None:
            found += [_installation(hop) for hop in _hops(Path(where))]
    found += [path.resolve() for path in found]
    seen = dict.fromkeys(path for path in found if not in_system(path) and not _too_wide(path))
    return list(seen)


def search_path(toolchains: Iterable[Path], readable: Iterable[Path]) -> list[str]:
    """PATH: the interpreter's programs, those of the tools, the system's."""
    own = [str(Path(sys.executable).parent)] if sys.executable else []
    folders = [
        str(folder if folder.name == "bin" else folder / "bin")
        for folder in (*readable, *toolchains)
        if (folder / "bin").is_dir() or folder.name == "bin"
    ]
    return list(dict.fromkeys([*own, *folders, *SYSTEM_PATH]))


def in_system(path: Path) -> bool:
    """Whether ``path`` is inside a folder every sandbox shows anyway."""
    return any(path.is_relative_to(folder) for folder in SYSTEM)


def _hops(program: Path) -> list[Path]:
    """``program`` and every link target on the way to the real file."""
    hops = [program]
    for _ in range(40):  # as many links as the kernel follows
        if not program.is_symlink():
            break
        program = program.parent / program.readlink()
        hops.append(program)
    return [*hops, program.resolve()]


def _installation(program: Path) -> Path:
    """``prefix`` of ``prefix/bin/program``; else the folder of ``program``."""
    folder = program.parent
    prefix = folder.parent
    return prefix if folder.name == "bin" and not _too_wide(prefix) else folder


def _too_wide(folder: Path) -> bool:
    """Whether showing ``folder`` would show personal files or the whole disk."""
    home = Path.home()
    return folder in (home / ".local", home / "Library") or home.is_relative_to(folder)
