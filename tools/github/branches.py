"""Branches."""

from __future__ import annotations

from neveridle.tools.github.models import Branch
from neveridle.tools.github.parsing import parse, parse_all
from neveridle.tools.github.rest import GitHubRest


class Branches:
    """The repository's branches; ``github.branches``."""

    def __init__(self, rest: GitHubRest) -> None:
        self._rest = rest

    async def get(self, name: str) -> Branch:
        """One branch.

        Raises:
            RequestRefused: there is none of this name (404).
        """
        return parse(Branch, await self._rest.get(self._rest.path("branches", name)))

    async def list(self, *, pages: int = 10) -> tuple[Branch, ...]:
        """The branches of at most so many pages of 100."""
        return parse_all(Branch, await self._rest.all(self._rest.path("branches"), pages=pages))
