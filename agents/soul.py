"""A soul: who an agent is, from ``agents/<name>.md``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from neveridle.errors import SoulInvalid

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Soul:
    """Who an agent is. Agents read it and never write it.

    Attributes:
        name: how it is addressed, in lower case.
        role: what it does in the team, in a word or two.
        skills: what it can do; a task goes to those who have all of its skills.
        text: identity, values and capabilities, in Markdown.
    """

    name: str
    role: str
    skills: tuple[str, ...]
    text: str


def load_soul(path: Path) -> Soul:
    """Read a soul: YAML front matter between ``---`` lines, then Markdown.

    Raises:
        SoulInvalid: with file, line and remedy.
    """
    try:
        text = path.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read ({error})."
        raise SoulInvalid(msg, remedy="It must be a readable UTF-8 text file.") from error
    lines = text.split("\n")
    if lines[0].strip() != "---":
        msg = f"{path}:1: a soul starts with front matter."
        raise SoulInvalid(msg, remedy="Start it with a line ---, then role: and skills:, then ---.")
    try:
        end = next(n for n, line in enumerate(lines[1:], start=1) if line.strip() == "---")
    except StopIteration:
        msg = f"{path}:{len(lines)}: the front matter has no end."
        raise SoulInvalid(msg, remedy="Close it with a line ---.") from None
    front = _front_matter(path, "\n".join(lines[1:end]))
    name = str(front.get("name", path.stem)).strip().lower()
    if not NAME.fullmatch(name):
        msg = f"{path}:{_line(lines, 'name')}: '{name}' cannot be an agent's name."
        raise SoulInvalid(msg, remedy="Use a letter, then letters, digits, - and _; 32 at most.")
    role = front.get("role")
    if not isinstance(role, str) or not role.strip():
        msg = f"{path}:{_line(lines, 'role')}: role is missing."
        raise SoulInvalid(msg, remedy="Say what this agent does, as in role: backend.")
    skills: object = front.get("skills", [])
    if not isinstance(skills, list) or not all(
        isinstance(skill, str) and skill.strip() for skill in cast("list[object]", skills)
    ):
        msg = f"{path}:{_line(lines, 'skills')}: skills is not a list of words."
        raise SoulInvalid(msg, remedy="Write it as in skills: [python, api].")
    unknown = sorted(set(front) - {"name", "role", "skills"})
    if unknown:
        msg = f"{path}:{_line(lines, unknown[0])}: '{unknown[0]}' is not known in a soul."
        raise SoulInvalid(msg, remedy="Only name, role and skills stand in the front matter.")
    body = "\n".join(lines[end + 1 :]).strip()
    if not body:
        msg = f"{path}:{len(lines)}: the soul has no text."
        raise SoulInvalid(msg, remedy="Say below the front matter who this agent is.")
    words = tuple(sorted({skill.strip().lower() for skill in cast("list[str]", skills)}))
    return Soul(name, role.strip(), words, body)


def _front_matter(path: Path, text: str) -> dict[str, Any]:
    import yaml

    try:
        found: object = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 2 + (mark.line if mark is not None else 0)
        what = getattr(error, "problem", None) or "not valid YAML"
        msg = f"{path}:{line}: the front matter cannot be read: {what}."
        raise SoulInvalid(msg, remedy="Correct that line.") from None
    if not isinstance(found, dict):
        msg = f"{path}:2: the front matter is no list of names and values."
        raise SoulInvalid(msg, remedy="Write lines such as role: backend.")
    return {str(key): value for key, value in cast("dict[object, Any]", found).items()}


def _line(lines: list[str], key: str) -> int:
    for number, line in enumerate(lines, start=1):
        if line.lstrip().startswith(f"{key}:"):
            return number
    return 1
