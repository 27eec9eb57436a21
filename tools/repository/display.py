"""How files and outputs are shown to a model: numbered, bounded, never binary."""

from __future__ import annotations

import fnmatch
from typing import TYPE_CHECKING

from neveridle.errors import ModelMistake

if TYPE_CHECKING:
    from collections.abc import Iterable

    from neveridle.tools.repository.confined import Entry
    from neveridle.tools.sandbox.base import CommandResult

CHARACTERS = 30_000
"""What one answer of a tool may have."""

LINE = 2_000
FILES = 500
SCANNED = 100_000
BULKY = frozenset(
    {"__pycache__", "node_modules", ".venv", "venv", ".tox", ".nox", ".next", ".gradle"}
    | {".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
)
"""Folders that are named but not listed or searched."""


def is_binary(data: bytes) -> bool:
    """Whether ``data`` looks like no text: a NUL in its first 8,000 bytes, as git has it."""
    return b"\0" in data[:8000]


def numbered(path: str, data: bytes, start: int, count: int) -> str:
    """Lines ``start`` to ``start + count - 1`` of a file, each with its number.

    Raises:
        ModelMistake: the file has fewer lines.
    """
    if is_binary(data):
        return f"{path} is a binary file of {len(data)} bytes."
    lines = data.decode("utf-8", "replace").split("\n")
    if lines[-1] == "":
        lines.pop()
    if not lines:
        return f"{path} is empty."
    if start > len(lines):
        raise ModelMistake(f"{path} has only {len(lines)} lines.")
    shown: list[str] = []
    room = CHARACTERS
    for number, line in enumerate(lines[start - 1 : start - 1 + count], start):
        text = line.removesuffix("\r")
        text = (
            text if len(text) <= LINE else f"{text[:LINE]} [… {len(text) - LINE} more characters]"
        )
        room -= len(text) + 8
        if room < 0:
            break
        shown.append(f"{number:6}\t{text}")
    end = start + len(shown) - 1
    whole = start == 1 and end == len(lines)
    more = "" if end == len(lines) else f"; go on with start={end + 1}"
    head = f"{path}, {len(lines)} lines" + ("" if whole else f", lines {start} to {end}{more}")
    return "\n".join([head, *shown])


def listing(entries: Iterable[Entry], pattern: str | None) -> str:
    """The files among ``entries``, one path a line; says what was left out."""
    shown: list[str] = []
    total = 0
    for seen, entry in enumerate(entries):
        if seen == SCANNED:
            shown.append(f"[stopped after {SCANNED} files and folders: name a folder]")
            break
        if entry.kind == "folder":
            bulky = entry.path.rpartition("/")[2] in BULKY
            if bulky and pattern is None and len(shown) < FILES:
                shown.append(f"{entry.path}/ [not listed]")
            continue
        if pattern is not None and not matches(entry.path, pattern):
            continue
        total += 1
        if total <= FILES:
            shown.append(entry.path if entry.kind == "file" else f"{entry.path} [{entry.kind}]")
    if total > FILES:
        shown.append(f"[{total - FILES} more files: name a folder or a pattern]")
    return "\n".join(shown) or "No files."


def matches(path: str, pattern: str) -> bool:
    """Whether a path fits a pattern such as ``*.py``, ``src/*.ts``, ``**/test_*.py``.

    Without a slash the pattern is for the name alone; ``*`` also matches slashes.
    """
    if "/" not in pattern:
        return fnmatch.fnmatchcase(path.rpartition("/")[2], pattern)
    plain = pattern.removeprefix("./")
    return fnmatch.fnmatchcase(path, plain) or fnmatch.fnmatchcase(path, plain.replace("**/", ""))


def command_report(result: CommandResult) -> str:
    """How a command ended and what it said."""
    if result.silent:
        head = (
            f"The command was killed after {result.seconds:.1f} seconds: it had printed nothing "
            "for too long (limits.idle_timeout). Let it say what it does, or wait for less."
        )
    elif result.timed_out:
        head = f"The command was killed after {result.seconds:.1f} seconds: its time was up."
    else:
        head = f"exit code {result.exit_code} after {result.seconds:.1f} seconds"
    return f"{head}\n{cut_middle(result.output)}".rstrip()


def cut_middle(text: str, limit: int = CHARACTERS) -> str:
    """``text``, its middle cut out where it has more than ``limit`` characters."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half} characters cut out ...]\n{text[-half:]}"
