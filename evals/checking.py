"""Whether a recorded task can be run at all, and whether what it expects could ever hold."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, cast

from neveridle.errors import RecordingInvalid
from neveridle.evals.event_kinds import KINDS
from neveridle.evals.recorded_task import FILE, RecordedTask

POOL: Final = 20_000_000
"""Characters of its files in which titles are looked for."""
MADE: Final = ("Continue: ", "Repair ", "TODO ")
"""How titles begin that neveridle makes from other texts."""


def check_task(task: RecordedTask) -> None:
    """Look at the files of a recorded task, and at its expectations.

    Raises:
        RecordingInvalid: with file, line where there is one, and remedy.
    """
    _files(task)
    impossible = list(_impossible(task))
    if impossible:  # only then is there a file for sure: one that is being recorded expects nothing
        text = (task.folder / FILE).read_text(encoding="utf-8-sig")
        wrong = [
            f"{task.folder / FILE}:{_line(text, word)}: expect: {said}."
            for word, said in impossible
        ]
        raise RecordingInvalid("\n".join(wrong), remedy="docs/evals_format.md has what can hold.")


def inside(task: RecordedTask, key: str, path: str) -> Path:
    """A file or folder that a recorded task names, which lies in the suite's folder.

    Raises:
        RecordingInvalid: it is absolute, lies elsewhere, or is not there.
    """
    start = task.folder / FILE
    if Path(path).is_absolute():
        msg = f"{start}: start.{key}: {path} is absolute."
        raise RecordingInvalid(msg, remedy="Give it relative to the recorded task's folder.")
    root, found = task.folder.resolve().parent, (task.folder / path).resolve()
    if root != found and root not in found.parents:
        msg = f"{start}: start.{key}: {path} leaves the suite's folder {root}."
        raise RecordingInvalid(msg, remedy="What recorded tasks share lies beside them.")
    if not found.exists():
        msg = f"{start}: start.{key}: there is no {path}."
        raise RecordingInvalid(msg, remedy="Correct the path, or put it there.")
    return found


def _files(task: RecordedTask) -> None:
    start = task.start
    for key, path in (("repository", start.repository), ("souls", start.souls)):
        folder = inside(task, key, path)
        if not folder.is_dir():
            msg = f"{task.folder / FILE}: start.{key}: {path} is no folder."
            raise RecordingInvalid(msg, remedy="It must be a folder of files.")
        _links(task, key, folder)
    named = {"team": start.team, "recording": start.recording, "http": start.http}
    named |= {f"services.{name}": path for name, path in start.services.items()}
    for key, path in named.items():
        if path:
            _read(inside(task, key, path))
    if start.recording:
        from neveridle.tools.recording import Recording

        Recording.load(inside(task, "recording", start.recording))
    for name, path in start.services.items():
        file = inside(task, f"services.{name}", path)
        try:
            json.loads(_read(file))
        except ValueError as error:
            msg = f"{file}: not valid JSON: {error}."
            raise RecordingInvalid(msg, remedy="Correct the file.") from None


def _links(task: RecordedTask, key: str, folder: Path) -> None:
    root = task.folder.resolve().parent
    for path in folder.rglob("*"):
        target = path.resolve()
        if path.is_symlink() and root not in target.parents:
            msg = f"{path}: start.{key}: a link that leaves the suite's folder."
            raise RecordingInvalid(msg, remedy="Put a copy of what it leads to in its place.")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read ({error})."
        raise RecordingInvalid(msg, remedy="It must be a readable UTF-8 text file.") from error


def _impossible(task: RecordedTask) -> Iterator[tuple[str, str]]:
    """What can never hold: the word it stands on, and what is wrong."""
    expect = task.expect
    for kind in expect.events:
        if kind not in KINDS:
            yield kind, f"there is no event '{kind}'{_near(kind, sorted(KINDS))}"
    for name in expect.services:
        if name not in task.start.services:
            known = sorted(task.start.services)
            yield name, f"there is no stand-in '{name}' in [start.services]{_near(name, known)}"
    team = _team(task)
    checks = sorted({**_table(team, "checks"), **_table(team, "improvement", "checks")})
    for name in dict.fromkeys((*expect.checks_before, *expect.checks_after)):
        if checks and name not in checks:
            yield name, f"the team has no check '{name}'{_near(name, checks)}"
    yield from _titles(task, team)


def _titles(task: RecordedTask, team: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Titles that nothing could give a task."""
    expect = task.expect
    named = [*expect.states, *expect.refused, *expect.woken]
    named += [title for one in expect.lessons for title in (one.learnt_in, one.used_in)]
    named += [one.task for one in expect.inbox if one.task]
    named += [one.task for one in expect.escalations if one.task]
    known = [one.title for one in task.tasks]
    unknown = [title for title in dict.fromkeys(named) if title not in known]
    if not unknown:
        return
    pool = _pool(task)
    finds = _table(team, "improvement").get("enabled", True)
    for title in unknown:
        bare = title
        for prefix in MADE:
            bare = bare.removeprefix(prefix)
        near = get_close_matches(title, known, 1, 0.8)
        if any(one in pool for one in (bare, json.dumps(bare)[1:-1])) or (finds and not near):
            continue
        yield title, f"nothing makes a task '{title}'{_near(title, known)}"


def _pool(task: RecordedTask) -> str:
    """All texts from which titles of tasks may come."""
    start = task.start
    parts = [str(one) for one in (*task.acts, *task.faults, *task.sync_points)]
    for path in filter(None, (start.recording, start.http, *start.services.values())):
        parts.append(_read(inside(task, "recording", path)))
    parts += [
        path.read_text(encoding="utf-8", errors="replace")
        for path in sorted(inside(task, "repository", start.repository).rglob("*.md"))
    ]
    return "\n".join(parts)[:POOL]


def _team(task: RecordedTask) -> dict[str, Any]:
    path = inside(task, "team", task.start.team)
    try:
        return tomllib.loads(_read(path))
    except tomllib.TOMLDecodeError as error:
        msg = f"{path}: not valid TOML: {error}."
        raise RecordingInvalid(msg, remedy="Correct that line.") from None


def _table(data: dict[str, Any], *keys: str) -> dict[str, Any]:
    found: Any = data
    for key in keys:
        found = cast("dict[str, Any]", found).get(key, {}) if isinstance(found, dict) else {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _near(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, 1, 0.6)
    if near:
        return f"; did you mean '{near[0]}'?"
    return f"; there are: {', '.join(known[:20])}" if known else ""


def _line(text: str, word: str) -> int:
    """The first line from the table ``[expect]`` on in which a word stands; 1: none."""
    lines = text.splitlines()
    begin = next((at for at, one in enumerate(lines) if one.strip().startswith("[expect")), 0)
    forms = (word, json.dumps(word)[1:-1], json.dumps(word, ensure_ascii=False)[1:-1])
    whole = re.compile("|".join(rf"(?<![\w.-]){re.escape(form)}(?![\w.-])" for form in forms))
    for at in range(begin, len(lines)):
        if whole.search(lines[at]):
            return at + 1
    return begin + 1
