"""Bringing the file of a recorded task to the version of today."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from neveridle.evals.recorded_task import FILE, OLD_RUN, SCHEMA, load_task


def migrate_task(folder: Path) -> list[str]:
    """Rewrite ``task.toml`` where it is of an older version; its comments stay.

    Args:
        folder: the recorded task.

    Returns:
        What was changed, in words; nothing where it is of this version already.

    Raises:
        RecordingInvalid: it cannot be read, or is of a version that is not known here.
    """
    load_task(folder)
    path = folder / FILE
    text = path.read_text(encoding="utf-8-sig")
    data = tomllib.loads(text)
    if data["schema"] == SCHEMA:
        return []
    done = [f"schema = {SCHEMA}"]
    text = re.sub(r"(?m)^(\s*schema\s*=\s*)1\b", rf"\g<1>{SCHEMA}", text, count=1)
    said = data.get("run", {})
    missing = [f"{key} = {_value(value)}" for key, value in OLD_RUN.items() if key not in said]
    if missing:
        lines = "\n".join(missing)
        header = re.search(r"(?m)^\s*\[run\][^\n]*$", text)
        if header:
            text = f"{text[: header.end()]}\n{lines}{text[header.end() :]}"
        elif "run" in data:  # an inline table
            text = re.sub(r"(?m)^(\s*run\s*=\s*\{)", rf"\1 {', '.join(missing)}, ", text, count=1)
        else:
            text = f"{text.rstrip()}\n\n[run]\n{lines}\n"
        done += [f"run.{one}" for one in missing]
    draft = path.with_name(f".{FILE}.tmp")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
    load_task(folder)
    return done


def _value(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else f"{value}"
