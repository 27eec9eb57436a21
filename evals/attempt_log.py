"""The attempts of a play, also of those processes that were killed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from neveridle.graph.report import AttemptLine

ATTEMPTS = "attempts.jsonl"


class AttemptLog:
    """Listens to a team, and writes each attempt that ends to a file.

    Args:
        path: the file; what is there stays.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def began(self, run: str) -> None:
        """See ``Listener``."""

    def ended(self, line: AttemptLine) -> None:
        """See ``Listener``."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(line)) + "\n")

    def idle(self, version: int | None) -> None:
        """See ``Listener``."""

    def lines(self) -> list[AttemptLine]:
        """All attempts that ended, in order; a last line that was cut short is left out."""
        if not self._path.exists():
            return []
        found: list[AttemptLine] = []
        for text in self._path.read_text(encoding="utf-8").splitlines(keepends=True):
            if text.endswith("\n"):
                one: dict[str, Any] = json.loads(text)
                path = tuple(str(node) for node in one.pop("path"))
                found.append(AttemptLine(**one, path=path))
        return found
