"""Reading a file of issues: strict about what is JSON, patient about what is in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn, cast

from neveridle.board.beads.issue import Issue, issue_from
from neveridle.errors import ImportInvalid

LARGEST = 512 * 1024 * 1024
"""Bytes of a file, at most."""


@dataclass(slots=True)
class Reading:
    """What a file holds.

    Attributes:
        issues: by id; of two with the same id the later one.
        others: records of another kind (Beads' memories), by a name of their own.
        repeated: ids that occurred more than once.
    """

    issues: dict[str, Issue] = field(default_factory=dict[str, Issue])
    others: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    repeated: list[str] = field(default_factory=list[str])


def read_issues(data: bytes, name: str) -> Reading:
    """Read Beads' JSONL, or the JSON list that its commands print.

    Args:
        data: the file; UTF-8, with or without a byte order mark, any line ends.
        name: how it is called in errors.

    Raises:
        ImportInvalid: it is too large, no UTF-8, or a line is no issue; the message names
            the line.
    """
    if len(data) > LARGEST:
        _refuse(name, None, f"it has {len(data):,} bytes, and {LARGEST:,} are read at most")
    found = Reading()
    for line, record in _records(data.removeprefix(b"\xef\xbb\xbf"), name):
        if not isinstance(record, dict):
            _refuse(name, line, "it is no JSON object")
        _take(found, cast("dict[str, Any]", record), name, line)
    return found


def _take(found: Reading, record: dict[str, Any], name: str, line: int | None) -> None:
    kind = record.get("_type", "issue")
    if kind != "issue":
        found.others[other_key(record)] = record
        return
    issue = issue_from(record)
    if issue is None:
        _refuse(name, line, "the issue has no id")
    if issue.id in found.issues:
        found.repeated.append(issue.id)
        del found.issues[issue.id]  # the later one also stands where it stands
    found.issues[issue.id] = issue


def other_key(record: dict[str, Any]) -> str:
    """The name of a record that is no issue."""
    text = json.dumps(record, sort_keys=True)
    key = record.get("key")
    told = key if isinstance(key, str) and key else hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"_type:{record.get('_type')}:{told}"


def _records(data: bytes, name: str) -> Iterator[tuple[int | None, object]]:
    if data.lstrip()[:1] == b"[":
        try:
            items = json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            _refuse(name, getattr(error, "lineno", None), _why(error))
        yield from ((None, item) for item in items)
        return
    for line, raw in enumerate(data.split(b"\n"), start=1):
        if not raw.strip():
            continue
        try:
            yield line, json.loads(raw.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            _refuse(name, line, _why(error))


def _why(error: ValueError | RecursionError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"it is no JSON: {error.msg}, at column {error.colno}"
    return "it cannot be read: it is nested too deeply, or holds a number too long"


def _refuse(name: str, line: int | None, why: str) -> NoReturn:
    place = name if line is None else f"Line {line} of {name}"
    msg = f"{place} cannot be imported: {why}."
    remedy = "Nothing was imported. Correct it, or write the file again with `bd export`."
    raise ImportInvalid(msg, remedy=remedy)
