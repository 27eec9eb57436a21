"""Finding and reading ``neveridle.toml``, with errors that name file and line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from neveridle.errors import SettingsInvalid
from neveridle.settings.model import Settings

CONFIG_NAME = "neveridle.toml"


def find_config(start: Path) -> Path | None:
    """The nearest ``neveridle.toml`` in ``start`` or a folder above it."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder / CONFIG_NAME
    return None


def load_settings(path: Path) -> Settings:
    """Read the settings from a file; its folder becomes ``Settings.root``.

    Raises:
        SettingsInvalid: with file, line and remedy.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        msg = f"{path}: there is no such file."
        raise SettingsInvalid(msg, remedy="Run `neveridle init` to write one.") from None
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read ({error})."
        raise SettingsInvalid(msg, remedy="It must be a readable UTF-8 text file.") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        msg = f"{path}{_toml_line(error, text)}: not valid TOML: {error}."
        raise SettingsInvalid(msg, remedy="Correct that line.") from None
    data["root"] = path.resolve().parent
    try:
        return Settings.model_validate(data) if not _environment() else Settings(**data)
    except ValidationError as error:
        raise SettingsInvalid(_explain(path, text, error), remedy=_remedy(error)) from None


def _environment() -> bool:
    import os

    return any(name.startswith("NEVERIDLE_") for name in os.environ)


def _toml_line(error: tomllib.TOMLDecodeError, text: str) -> str:
    found = re.search(r"at line (\d+)", str(error))
    if found:
        return f":{found[1]}"
    return f":{text.count(chr(10)) + 1}" if "end of document" in str(error) else ""


def _explain(path: Path, text: str, error: ValidationError) -> str:
    lines: list[str] = []
    for problem in error.errors():
        where = [str(part) for part in problem["loc"]]
        line = line_of(text, where)
        place = f"{path}:{line}" if line else f"{path}"
        what = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{place}: {'.'.join(where) or 'settings'}: {what}.")
    return "\n".join(lines)


def _remedy(error: ValidationError) -> str:
    if any(problem["type"] == "extra_forbidden" for problem in error.errors()):
        return (
            "Remove what is not a setting, or correct its spelling: docs/configuration.md has all."
        )
    return "Correct the value; docs/configuration.md says what each setting takes."


def line_of(text: str, where: list[str]) -> int:
    """The 1-based line of a TOML key given by its path; 0 when it is not in the text.

    An element of an array of tables is named by its number, from 0. Where only a table
    above the key is in the text, that table's line is given.
    """
    table: list[str] = []
    counts: dict[str, int] = {}
    best = 0
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*(\[+)\s*([^\]]+?)\s*\]+", line)
        if header:
            table = [part.strip().strip("\"'") for part in header[2].split(".")]
            if len(header[1]) == 2:
                counts[header[2]] = counts.get(header[2], -1) + 1
                table.append(str(counts[header[2]]))
            if where[: len(table)] == table:
                best = number
            continue
        key = re.match(r"\s*([\w.\"'-]+)\s*=", line)
        if key:
            path = table + [part.strip("\"'") for part in key[1].split(".")]
            if where[: len(path)] == path:
                return number
    return best


def settings_from(data: dict[str, Any], root: Path) -> Settings:
    """Settings made in code instead of a file.

    Raises:
        SettingsInvalid: naming the setting.
    """
    try:
        return Settings.model_validate({**data, "root": root})
    except ValidationError as error:
        raise SettingsInvalid(
            _explain(Path("settings"), "", error), remedy=_remedy(error)
        ) from None
