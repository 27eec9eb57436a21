"""The last look before a recorded task is finished: is there a secret left in it?"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from neveridle.tools.redact import SECRET, redact

SHORTEST: Final = 8
"""Characters of a variable's value from which on it counts; shorter ones are ordinary words."""
SHOWN: Final = 20
"""Places that are named."""
_NAMES: Final = re.compile(
    r"(?i)(KEY|TOKEN|SECRET|PASS(WORD|WD|PHRASE)?|PWD|CREDENTIALS?|AUTH|DSN|COOKIE|PRIVATE)(_|$|\d)"
)


def secrets_of(environ: Mapping[str, str]) -> list[str]:
    """The values of variables that are secrets by their names, the longest first."""
    found = {
        value.strip()
        for name, value in environ.items()
        if _NAMES.search(name) and len(value.strip()) >= SHORTEST and not _is_path(value)
    }
    return sorted(found, key=lambda value: (-len(value), value))


def find_secrets(folder: Path, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Where a secret is left in a folder: ``file:line`` of each, never the secret itself.

    Args:
        folder: all of its files are read.
        environ: whose secrets are looked for, besides those that ``redact`` knows by shape.

    Returns:
        The first places, by file; empty: none was found.
    """
    values = secrets_of(environ)
    found: list[str] = []
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        text = path.read_bytes().decode("utf-8", "replace")
        name = path.relative_to(folder).as_posix()
        lines = [
            number
            for number, line in enumerate(text.split("\n"), start=1)
            if redact(line) != line or any(value in line for value in values)
        ]
        if not lines and redact(text) != text:  # one of several lines, such as a private key
            lines = [_first_difference(text)]
        found += [f"{name}:{number}" for number in lines]
        if len(found) >= SHOWN:
            break
    return found[:SHOWN]


def _first_difference(text: str) -> int:
    clean = redact(text)
    pairs = enumerate(zip(text.split("\n"), clean.split("\n"), strict=False), start=1)
    return next((number for number, (one, other) in pairs if one != other), 1)


def _is_path(value: str) -> bool:
    """Such as SSH_AUTH_SOCK."""
    return value.startswith(("/", "~", "file:")) or value == SECRET
