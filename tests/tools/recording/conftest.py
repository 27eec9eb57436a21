"""Recordings written by the test, in folders with spaces and unicode."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.tools.recording import Recording

WriteFile = Callable[..., Path]


@pytest.fixture
def write_file(tmp_path: Path) -> WriteFile:
    """Write lines (JSON values, or text as it is) below a header; returns the path."""

    def write(
        *lines: Any, header: Any = None, newline: str = "\n", name: str = "aufnahme ü"
    ) -> Path:
        head = header or {
            "format": "neveridle-recording",
            "version": 1,
            "provenance": {"kind": "authored", "model": "by hand"},
        }
        path = tmp_path / f"{name}.jsonl"
        texts = [line if isinstance(line, str) else json.dumps(line) for line in (head, *lines)]
        path.write_bytes((newline.join(texts) + newline).encode())
        return path

    return write


@pytest.fixture
def authored(write_file: WriteFile) -> Callable[..., Recording]:
    """An authored recording of the given entries."""

    def make(*entries: Any) -> Recording:
        return Recording.load(write_file(*entries))

    return make
