"""What Vercel says, as far as it is used."""

from __future__ import annotations

from typing import Any, Final

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

ENDED: Final = frozenset({"READY", "ERROR", "CANCELED", "DELETED"})
"""States in which nothing changes any more by itself."""


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Deployment(_Said):
    """One deployment.

    Attributes:
        id: such as ``dpl_…``.
        url: its host, without ``https://``.
        state: ``QUEUED``, ``INITIALIZING``, ``BUILDING``, ``READY``, ``ERROR``, ``CANCELED``,
            ``DELETED``, or one that Vercel added since; empty: it did not say.
        target: ``production``, ``staging``; None: a preview.
        created: when it was made, in milliseconds since 1970.
        inspector: where a person can look at it.
        error_code: why it failed, for programs.
        error: why it failed, for people.
        meta: what the git host told Vercel: commit, branch, author.
    """

    id: str = Field(validation_alias=AliasChoices("uid", "id"))
    name: str = ""
    url: str | None = None
    state: str = Field(default="", validation_alias=AliasChoices("readyState", "state", "status"))
    target: str | None = None
    created: float = Field(default=0, validation_alias=AliasChoices("createdAt", "created"))
    inspector: str | None = Field(default=None, validation_alias="inspectorUrl")
    error_code: str | None = Field(default=None, validation_alias="errorCode")
    error: str | None = Field(default=None, validation_alias="errorMessage")
    meta: dict[str, Any] = Field(default_factory=dict[str, Any])

    @property
    def ended(self) -> bool:
        """Whether nothing changes any more by itself."""
        return self.state in ENDED

    @property
    def ready(self) -> bool:
        """Whether it can be used."""
        return self.state == "READY"

    @property
    def sha(self) -> str:
        """The commit it was made from; empty: Vercel does not say."""
        for host in ("github", "gitlab", "bitbucket"):
            found = self.meta.get(f"{host}CommitSha")
            if isinstance(found, str):
                return found
        return ""


class Pagination(_Said):
    """Where the next page begins: ``next``, for ``until``; None: this was the last."""

    next: float | None = None


class DeploymentPage(_Said):
    """One page of deployments, newest first."""

    deployments: list[Deployment]
    pagination: Pagination = Pagination()


class _Payload(_Said):
    text: str | None = None
    date: float | None = None


class BuildEvent(_Said):
    """One event of a build, in either of the two forms that Vercel has for it."""

    type: str
    created: float = 0
    text: str | None = None
    level: str | None = None
    payload: _Payload = _Payload()


class BuildLine(_Said):
    """One line of a build's log.

    Attributes:
        at: milliseconds since 1970.
        kind: ``command``, ``stdout``, ``stderr``, ``exit``, ``fatal`` and more.
        text: without control sequences of a terminal.
    """

    at: float
    kind: str
    text: str


class VercelUser(_Said):
    """Whose token it is."""

    id: str
    username: str = ""
    limited: bool = False
