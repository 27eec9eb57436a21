"""Reading files of recorded conversations, with errors that say what is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

from neveridle.errors import RecordingInvalid

LARGEST: Final = 500_000_000
"""Bytes of a file that are read."""


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        RecordingInvalid: it cannot be read, is too large, or is no UTF-8.
    """
    try:
        if path.stat().st_size > LARGEST:
            msg = f"{path} has more than {LARGEST:,} bytes."
            raise RecordingInvalid(msg, remedy="Split it into several files.")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}."
        raise RecordingInvalid(msg, remedy="Name a file of recorded conversations.") from error
    except UnicodeDecodeError as error:
        msg = f"{path} is no text in UTF-8: {error}."
        raise RecordingInvalid(msg, remedy="Name a file of recorded conversations.") from error


def table(value: Any) -> Mapping[str, Any]:
    """A JSON object as it is; anything else as an empty one."""
    empty: Mapping[str, Any] = {}
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else empty


def parsed(text: str, where: str) -> Any:
    """A JSON value.

    Raises:
        RecordingInvalid: it is none.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"{where} is no JSON: {error}."
        raise RecordingInvalid(msg, remedy="It may be cut off: get it again.") from error
