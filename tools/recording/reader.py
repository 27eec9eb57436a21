"""Reading the lines of a recording, with errors that name the line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError

from neveridle.errors import RecordingInvalid
from neveridle.tools.recording.format import FORMAT, VERSION, Header, HeaderLine

_HEADER = (
    '{"format": "neveridle-recording", "version": 1, '
    '"provenance": {"kind": "authored", "model": "…"}}'
)
_Entry = TypeVar("_Entry", bound=BaseModel)
_Head = TypeVar("_Head", bound=HeaderLine)


def read_lines(path: Path) -> list[tuple[int, Any]]:
    """The JSON values of a file with their line numbers (from 1); blank lines are skipped.

    Raises:
        RecordingInvalid: the file cannot be read, or a line is not JSON.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        msg = f"{path}: there is no such recording."
        raise RecordingInvalid(
            msg, remedy="Correct its path in neveridle.toml; it is relative to that file."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read ({error})."
        raise RecordingInvalid(msg, remedy="It must be a readable UTF-8 text file.") from error
    # Not splitlines(): JSON strings may hold U+2028 and its like as they are.
    raw = [(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1)]
    return [(number, _parse(path, number, line)) for number, line in raw if line]


def read_header(path: Path, lines: list[tuple[int, Any]]) -> Header:
    """The header of a recording of a model; see ``read_header_of``."""
    return read_header_of(path, lines, Header, FORMAT, _HEADER)


def read_header_of(
    path: Path, lines: list[tuple[int, Any]], kind: type[_Head], name: str, example: str
) -> _Head:
    """The header of a recording.

    Args:
        path: the file.
        lines: its lines, with their numbers.
        kind: what the header must be.
        name: of the format.
        example: a header, for who has to write one.

    Raises:
        RecordingInvalid: there is none, or it is of a later version.
    """
    if not lines:
        msg = f"{path}:1: the recording is empty."
        raise RecordingInvalid(msg, remedy=f"Its first line must be a header: {example}")
    number, data = lines[0]
    where = f"{path}:{number}"
    fields = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    if fields.get("format") != name:
        msg = f"{where}: the header is missing; this is not a recording of neveridle."
        if str(fields.get("format", "")).startswith("neveridle-"):
            msg = f"{where}: this is a {fields['format']}, not a {name}."
        raise RecordingInvalid(msg, remedy=f"Its first line must be a header: {example}")
    version = fields.get("version")
    if version != VERSION:
        msg = f"{where}: version {version!r} of the format is not known, only {VERSION}."
        raise RecordingInvalid(msg, remedy="Update neveridle, or record again.")
    return read_entry(kind, where, data)


def read_entry(kind: type[_Entry], where: str, data: Any) -> _Entry:
    """One line as what it should be.

    Raises:
        RecordingInvalid: naming the field, and what is wrong with it.
    """
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(
            f"{'.'.join(str(part) for part in problem['loc']) or 'entry'}: {problem['msg']}"
            for problem in error.errors(include_url=False)[:5]
        )
        msg = f"{where}: not a valid {kind.__name__} ({problems})."
        raise RecordingInvalid(
            msg, remedy="Correct the line; docs/design/recording.md shows the format."
        ) from None


def _parse(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except json.JSONDecodeError as error:
        msg = f"{path}:{number}: not valid JSON: {error.msg} (column {error.colno})."
        raise RecordingInvalid(
            msg, remedy="Correct the line, or delete it if a crash cut it short."
        ) from None
    except RecursionError:
        msg = f"{path}:{number}: nested too deeply."
        raise RecordingInvalid(msg, remedy="Correct the line.") from None
