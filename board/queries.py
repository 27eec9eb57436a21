"""Reads the named statements of a ``.sql`` file."""

from __future__ import annotations

import re
from importlib.resources import files


def load_queries(package: str, name: str) -> dict[str, str]:
    """The statements of ``name`` in ``package``, by the name each one carries.

    A statement starts at a line ``-- name: <name>``; other comment lines are dropped.
    """
    text = (files(package) / name).read_text(encoding="utf-8")
    queries: dict[str, str] = {}
    for block in re.split(r"^-- name: ", text, flags=re.MULTILINE)[1:]:
        title, _, body = block.partition("\n")
        lines = [line for line in body.splitlines() if not line.startswith("--")]
        queries[title.strip()] = "\n".join(lines).strip()
    return queries
