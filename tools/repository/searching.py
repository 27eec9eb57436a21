"""Searching a tree. This file is also the program that does it, in the sandbox.

A pattern comes from a model and may take for ever to match, holding the
interpreter's lock; so it is never matched in our process, but by
``python -I -c <this file>`` in the sandbox, where it can be killed. Only the
standard library may be imported here, and little of it: each search starts anew.
"""

from __future__ import annotations

import json
import os
import re
import stat
import sys

MATCHES = 200
LINE = 300
FILE_BYTES = 2_000_000


def files(path: str, skip: set[str]) -> list[str]:
    """Regular files below ``path``, sorted; no link is followed."""
    found: list[str] = []
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if name not in skip]
        found += [f"{folder}/{name}" for name in names]
    return sorted(found) or [path]


def text_of(path: str) -> str:
    """A text file's content; nothing for what is binary, huge, or no regular file."""
    try:
        state = os.lstat(path)
        if not stat.S_ISREG(state.st_mode) or state.st_size > FILE_BYTES:
            return ""
        with open(path, "rb") as file:  # noqa: PTH123 - importing pathlib costs more than a search
            data = file.read()
    except OSError:
        return ""
    return "" if b"\0" in data[:8000] else data.decode("utf-8", "replace")


def say(text: str) -> None:
    """Print one line, whatever a file's name may hold."""
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")


def main(request: str) -> int:
    """Print ``path:line: text`` for each match; 0 found, 1 nothing, 2 a bad request."""
    asked = json.loads(request)
    top = os.path.realpath(".")
    path = os.path.realpath(asked["path"])
    if path != top and not path.startswith(top + os.sep):
        say("The path is a link out of the repository.")
        return 2
    try:
        wanted = re.compile(asked["pattern"] if asked["regex"] else re.escape(asked["pattern"]))
    except (re.error, OverflowError, RecursionError) as error:
        say(f"The pattern is no valid regular expression: {error}.")
        return 2
    total = 0
    for name in files(path, set(asked["skip"])):
        for number, line in enumerate(text_of(name).splitlines(), 1):
            if wanted.search(line):
                total += 1
                if total <= MATCHES:
                    say(f"{os.path.relpath(name, top)}:{number}: {line.strip()[:LINE]}")
    if total > MATCHES:
        say(f"[{total - MATCHES} more matches: narrow the search]")
    return 0 if total else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
