"""One memory as a line of JSON, and back."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, cast, get_args

from neveridle.board.memory_row import MemoryRow, Origin, Visibility
from neveridle.memory.note import Note

KNOWN: Final = (
    "text", "agent", "kind", "tags", "at", "importance", "visibility", "origin", "trusted",
    "source", "author", "task", "episode", "title", "position", "strength",
)  # fmt: skip
"""The fields of a line; ``text`` and ``agent`` must be there. ``strength`` is only told."""


class BadLine(ValueError):
    """A line that is no memory; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it is to be remembered.

    Attributes:
        note: the memory.
        episode: the key of its episode; empty: it is in none.
        title: what the episode is about.
        position: its place there; None: behind the others.
        unknown: fields that are none of ours.
    """

    note: Note
    episode: str = ""
    title: str = ""
    position: int | None = None
    unknown: tuple[str, ...] = ()


def line_of(row: MemoryRow, episode: tuple[str, str] | None) -> dict[str, Any]:
    """A memory as a line; what is as usual is left out.

    Args:
        row: the memory.
        episode: key and title of its episode.
    """
    found: dict[str, Any] = {"text": row.text, "agent": row.agent, "kind": row.kind, "at": row.at}
    usual: dict[str, tuple[object, object]] = {
        "tags": (list(row.tags), []),
        "importance": (row.importance, 0.5),
        "visibility": (row.visibility, "private"),
        "origin": (row.origin, "agent"),
        "trusted": (row.trusted, False),
        "source": (row.source, ""),
        "author": (row.author, ""),
        "task": (row.task, None),
        "strength": (row.strength, 1),
    }
    found |= {name: value for name, (value, default) in usual.items() if value != default}
    if episode is not None:
        key, title = episode
        found |= {"episode": key, "position": row.position}
        if title:
            found["title"] = title
    return found


def read_line(raw: bytes, *, agent: str | None = None, trust: bool = False) -> Line:
    """A line as a memory.

    Args:
        raw: the line, without its end.
        agent: whose memory it is where the line does not say; None: it must.
        trust: whether ``trusted`` in it is believed.

    Raises:
        BadLine: it is none.
    """
    try:
        # Control characters inside strings are taken out when the text is tidied.
        data: object = json.loads(raw.decode("utf-8"), strict=False)
    except UnicodeDecodeError as error:
        msg = f"it is not UTF-8 (byte {error.start + 1})"
        raise BadLine(msg) from None
    except (ValueError, RecursionError) as error:
        msg = f"it is no JSON ({str(error)[:100]})"
        raise BadLine(msg) from None
    if not isinstance(data, dict):
        msg = "it is no JSON object"
        raise BadLine(msg)
    fields = cast("dict[str, object]", data)
    whose = _text(fields, "agent", agent or "")
    text = _text(fields, "text", "")
    for name, value in (("text", text), ("agent", whose)):
        if not value.replace("\0", "").strip():
            msg = f"{name} is missing or empty"
            raise BadLine(msg)
    note = Note(
        text=text,
        agent=whose,
        kind=_text(fields, "kind", "note"),
        tags=_tags(fields),
        source=_text(fields, "source", ""),
        importance=_number(fields, "importance", 0.5),
        at=_time(fields.get("at")),
        trusted=trust and fields.get("trusted") is True,
        visibility=_choice(fields, "visibility", "private", get_args(Visibility)),
        origin=_choice(fields, "origin", "agent", get_args(Origin)),
        task=_whole(fields, "task"),
        author=_text(fields, "author", ""),
    )
    if not 0 <= note.importance <= 1:
        msg = f"importance must be between 0 and 1, not {note.importance}"
        raise BadLine(msg)
    return Line(
        note,
        episode=_text(fields, "episode", ""),
        title=_text(fields, "title", ""),
        position=_whole(fields, "position"),
        unknown=tuple(name for name in fields if name not in KNOWN),
    )


def _text(fields: Mapping[str, object], name: str, default: str) -> str:
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, int) and not isinstance(value, bool) and name in ("episode", "source"):
        return str(value)
    if not isinstance(value, str):
        msg = f"{name} must be text"
        raise BadLine(msg)
    return value


def _tags(fields: Mapping[str, object]) -> tuple[str, ...]:
    value = fields.get("tags")
    if value is None:
        return ()
    items = cast("list[object]", value) if isinstance(value, list) else [value]
    tags = tuple(item for item in items if isinstance(item, str))
    if len(tags) != len(items):
        msg = "tags must be a list of words"
        raise BadLine(msg)
    return tags


def _number(fields: Mapping[str, object], name: str, default: float) -> float:
    value = fields.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        msg = f"{name} must be a number"
        raise BadLine(msg)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        msg = f"{name} must be a finite number"
        raise BadLine(msg)
    return number


def _whole(fields: Mapping[str, object], name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**31:
        msg = f"{name} must be a whole number from 0"
        raise BadLine(msg)
    return value


def _time(value: object) -> float | None:
    """Seconds since 1970, from such or from ISO 8601; without a zone it is UTC."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value.strip())
            zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            return zoned.timestamp()
        except (ValueError, OverflowError):
            msg = f"at is no time: {value[:40]!r}; write seconds since 1970, or ISO 8601"
            raise BadLine(msg) from None
    return None if value is None else _number({"at": value}, "at", 0.0)


def _choice(fields: Mapping[str, object], name: str, default: str, known: tuple[Any, ...]) -> Any:
    value = _text(fields, name, default)
    if value not in known:
        msg = f"{name} must be one of {', '.join(known)}"
        raise BadLine(msg)
    return value
