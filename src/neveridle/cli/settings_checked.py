"""What is wrong with a configuration, all of it at once."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neveridle.errors import NeveridleError, SettingsInvalid, SoulInvalid
from neveridle.settings import Settings, load_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One problem.

    Attributes:
        file: the file it lies in; empty: in none.
        line: the 1-based line; None: in no one line.
    """

    code: str
    message: str
    remedy: str
    file: str
    line: int | None

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        return dataclasses.asdict(self)


def find_problems(path: Path) -> list[Found]:
    """Everything that would keep a team from starting, in the order to repair it."""
    try:
        settings = load_settings(path)
    except SettingsInvalid as error:
        return list(_each(error))
    return [one for error in _errors(settings, path) for one in _each(error)]


def _errors(settings: Settings, path: Path) -> Iterator[NeveridleError]:
    broken = list(_broken_souls(settings))
    yield from broken
    names: list[str] | None = None
    if not broken:
        from neveridle.agents.roster import Roster

        try:
            roster = Roster.load(settings.path(settings.team.souls), settings.agents)
            names = roster.names
        except NeveridleError as error:
            yield error
    yield from _unusable_repository(settings)
    if not settings.checks:
        yield SettingsInvalid(
            f"{path}: [checks] is empty, so no work could ever be proven.",
            remedy='Set the commands that must pass, such as tests = "python -m pytest -q".',
        )
    from neveridle.tools.models import Models

    try:
        Models(settings.model, settings.agents, root=settings.root).check(names)
    except NeveridleError as error:
        yield error


def _broken_souls(settings: Settings) -> Iterator[SoulInvalid]:
    from neveridle.agents.soul import load_soul

    for path in sorted(settings.path(settings.team.souls).glob("*.md")):
        if path.stem.upper() == "README":
            continue
        try:
            load_soul(path)
        except SoulInvalid as error:
            yield error


def _unusable_repository(settings: Settings) -> Iterator[NeveridleError]:
    from neveridle.tools.workspace.repository import Repository

    try:
        asyncio.run(Repository(settings.repository, settings.team.branch).open())
    except NeveridleError as error:
        yield error


def _each(error: NeveridleError) -> Iterator[Found]:
    """An error may hold several problems, one in a line."""
    for line in error.message.splitlines():
        place = re.match(r"(?P<file>.+?\.(?:toml|md|jsonl))(?::(?P<line>\d+))?: ", line)
        yield Found(
            code=error.code,
            message=line,
            remedy=error.remedy,
            file=place["file"] if place else "",
            line=int(place["line"]) if place and place["line"] else None,
        )
