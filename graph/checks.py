"""The project's checks, as they were defined at a commit."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, cast

from neveridle.settings import CONFIG_NAME, Settings

if TYPE_CHECKING:
    from neveridle.tools.workspace import Workspaces

KEPT = 256
"""Commits whose definitions are kept in memory."""


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
