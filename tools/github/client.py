"""The client of GitHub: one repository's issues, branches, pull requests and checks."""

from __future__ import annotations

import re
from typing import Final

from neveridle.board.clock import BoardClock
from neveridle.errors import SettingsInvalid
from neveridle.settings.services import GitHubSettings
from neveridle.tools.github.branches import Branches
from neveridle.tools.github.checks import CommitChecks
from neveridle.tools.github.failures import classify
from neveridle.tools.github.issues import Issues
from neveridle.tools.github.job_log import JobLogs
from neveridle.tools.github.parsing import fields
from neveridle.tools.github.pulls import PullRequests
from neveridle.tools.github.rest import GitHubRest, Rate
from neveridle.tools.github.reviews import Reviews
from neveridle.tools.services import ServiceHttp, ServiceKit

VERSION: Final = "2022-11-28"
"""The version of the REST interface that is spoken."""

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")


class GitHub:
    """GitHub for one repository. Made by ``connect``; ``await aclose()`` at its end.

    Args:
        rest: REST for one repository.
        settings: its times.
        clock: the board's.

    Attributes:
        settings: as they were given.
        rest: what all others ask with.
        issues: issues and their comments.
        branches: branches.
        pulls: pull requests.
        reviews: reviews of pull requests.
        checks: check runs, statuses and logs of commits.
    """

    def __init__(self, rest: GitHubRest, settings: GitHubSettings, clock: BoardClock) -> None:
        self.rest = rest
        self.settings = settings
        self.issues = Issues(rest)
        self.branches = Branches(rest)
        self.pulls = PullRequests(rest, clock)
        self.reviews = Reviews(rest)
        self._logs = JobLogs(rest, timeout=settings.timeout, total=settings.total_timeout)
        self.checks = CommitChecks(rest, self._logs)

    @classmethod
    def connect(cls, settings: GitHubSettings, kit: ServiceKit) -> GitHub:
        """A client as the settings say; nothing is asked yet.

        Raises:
            SettingsInvalid: the repository is not set, or not as OWNER/NAME.
        """
        repository = settings.repository.strip()
        if not _NAME.fullmatch(repository):
            msg = f"services.github.repository is {settings.repository!r}, not OWNER/NAME."
            remedy = "Set it in neveridle.toml to the repository's name on GitHub, as OWNER/NAME."
            raise SettingsInvalid(msg, remedy=remedy)
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION}
        token = kit.token(settings)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        http = ServiceHttp(
            kit.guard(settings),
            settings.url,
            headers=headers,
            timeout=settings.timeout,
            classify=classify,
            transport=kit.transport_of(settings.name),
        )
        return cls(GitHubRest(http, repository), settings, kit.clock)

    @property
    def repository(self) -> str:
        """The repository, as ``owner/name``."""
        return self.rest.repository

    @property
    def rate(self) -> Rate | None:
        """What is left of the hour's requests, as the last answer said; None: nothing yet."""
        return self.rest.rate

    async def aclose(self) -> None:
        """Close all connections; may be called twice."""
        await self._logs.aclose()
        await self.rest.http.aclose()

    async def login(self) -> str:
        """Who the token belongs to.

        Raises:
            AccessRefused: GitHub does not take it; or it belongs to an app, which is nobody.
        """
        return str(fields(await self.rest.get("/user")).get("login", ""))

    async def default_branch(self) -> str:
        """The branch that others are merged into by default.

        Raises:
            RequestRefused: the repository is not there, or the token may not see it (404).
        """
        found = fields(await self.rest.get(self.rest.path()))
        return str(found.get("default_branch", ""))
