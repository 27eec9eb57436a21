"""Reading a file of results: whole, of our format and version, or an error that says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from neveridle.errors import ResultsInvalid
from neveridle.evals.result import FORMAT, VERSION, SuiteResult

LARGEST: Final = 256 * 1024 * 1024
"""Bytes of the largest file that is read; a run of a recorded task takes a few thousand."""
AGAIN: Final = "Make it with `neveridle eval run`."


def load_results(path: Path) -> SuiteResult:
    """The runs that a file holds.

    Args:
        path: a file that ``SuiteResult.write`` or ``write_baseline`` wrote.

    Raises:
        ResultsInvalid: there is no such file, it is no text in UTF-8, it stops in the middle,
            or it is of another format or version.
    """
    try:
        if path.stat().st_size > LARGEST:
            _refuse(path, f"is larger than {LARGEST // 1024 // 1024} MiB")
        found = path.read_bytes()
    except FileNotFoundError:
        raise ResultsInvalid(f"There is no file {path}.", remedy=AGAIN) from None
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}."
        raise ResultsInvalid(
            msg, remedy="Name a file of results that this user can read."
        ) from error
    return results_from(found, path)


def results_from(found: bytes, path: Path) -> SuiteResult:
    """The runs in the bytes of a file; ``path`` is what errors call it.

    Raises:
        ResultsInvalid: as ``load_results``.
    """
    data = _parsed(found, path)
    form = data.get("format")
    if form != FORMAT:
        said = f"its format is {form!r:.60}" if "format" in data else "it does not say its format"
        _refuse(path, f"is no file of results ({FORMAT}): {said}")
    if data.get("version") != VERSION:
        _refuse(
            path,
            f"is of version {data.get('version')!r:.20}; this neveridle reads version {VERSION}",
            "Results are not converted: run the suite again, with this version for both files.",
        )
    data.pop("gate", None)  # `eval run --json --baseline …` prints it besides
    try:
        # Strict, and as JSON: `"passed": "yes"` is a mistake of whoever wrote the file.
        return SuiteResult.model_validate_json(json.dumps(data), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        more = error.error_count() - 1
        rest = f" (and {more} more)" if more else ""
        _refuse(path, f"is not as results are written, at {place}: {first['msg']}{rest}")


def _parsed(found: bytes, path: Path) -> dict[str, Any]:
    if not found.strip():
        _refuse(path, "is empty")
    try:
        text = found.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse(path, f"is not UTF-8 (at byte {error.start})")
    try:
        data: Any = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        if error.pos >= len(text.rstrip()) or "Unterminated" in error.msg:
            _refuse(path, f"stops in the middle, at {where}", f"It was not written whole. {AGAIN}")
        _refuse(path, f"is no JSON: {error.msg} at {where}")
    except (ValueError, RecursionError) as error:
        _refuse(path, f"is no JSON that can be read: {error}")
    if not isinstance(data, dict):
        _refuse(path, "is no file of results: its JSON is not an object")
    return data  # pyright: ignore[reportUnknownVariableType] - keys of JSON objects are text


def _no_number(name: str) -> NoReturn:
    msg = f"{name} is no number in JSON"
    raise ValueError(msg)


def _refuse(path: Path, why: str, remedy: str = AGAIN) -> NoReturn:
    raise ResultsInvalid(f"{path} {why}.", remedy=remedy)
