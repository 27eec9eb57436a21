"""The project's checks, as they were defined at a commit."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from neveridle.settings import CONFIG_NAME, Settings

if TYPE_CHECKING:
    from neveridle.tools.workspace import Workspaces

KEPT = 256
"""Commits whose definitions are kept in memory."""
DEFINING = frozenset(
    {
        *("Makefile", "makefile", "GNUmakefile", "Justfile", "justfile", "Taskfile.yml"),
        *("pyproject.toml", "setup.cfg", "pytest.ini", "tox.ini", "noxfile.py", "Rakefile"),
        *("package.json", "build.gradle", "pom.xml", "Cargo.toml"),
    }
)
"""Files in which projects commonly define what their checks do."""


class Checks:
    """The table ``[checks]`` at any commit.

    Where the configuration file is part of the repository, an attempt is judged by the
    definitions it started from: it cannot change what it is judged by.

    Args:
        settings: what counts where the file is not part of the repository.
        workspaces: the repository.
    """

    def __init__(self, settings: Settings, workspaces: Workspaces) -> None:
        self._settings = settings
        self._workspaces = workspaces
        self._known: dict[str, dict[str, str]] = {}

    async def at(self, commit: str) -> dict[str, str]:
        """Commands by name; an empty ``commit`` gives those of the settings."""
        if not commit:
            return dict(self._settings.checks)
        if commit not in self._known:
            if len(self._known) >= KEPT:
                self._known.clear()
            self._known[commit] = await self._read(commit)
        return dict(self._known[commit])

    async def _read(self, commit: str) -> dict[str, str]:
        ours = dict(self._settings.checks)
        config = self._settings.root / CONFIG_NAME
        if not config.is_relative_to(self._settings.repository):
            return ours
        path = config.relative_to(self._settings.repository).as_posix()
        text = await self._workspaces.read_at(commit, path)
        try:
            found: object = tomllib.loads(text or "").get("checks")
        except tomllib.TOMLDecodeError:
            return ours
        if not isinstance(found, dict):
            return ours
        return {str(name): str(said) for name, said in cast("dict[str, Any]", found).items()}

    def guarded(self, paths: Iterable[str]) -> list[str]:
        """Those of these paths that only people may change: the settings and the souls.

        An agent that could change them would choose what it is judged by, and what confines
        it, from the next start on.
        """
        return [path for path in paths if any(_within(path, one) for one in self._ours())]

    def _ours(self) -> list[str]:
        repository = self._settings.repository
        config = self._settings.root / CONFIG_NAME
        souls = self._settings.path(self._settings.team.souls)
        return [
            one.relative_to(repository).as_posix()
            for one in (config, souls)
            if one.is_relative_to(repository) and one != repository
        ]


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def defining(paths: Iterable[str], commands: Iterable[str]) -> list[str]:
    """Those of these paths that say what the commands do: build files, and what they name."""
    words = {word.removeprefix("./") for command in commands for word in command.split()}
    return [path for path in paths if path.rsplit("/", 1)[-1] in DEFINING or path in words]
