"""The remote that branches are pushed to, by git as the operator has it.

Unlike everything else here these commands read the operator's configuration: that is where it
says how the remote is reached and by which credentials. No hook is run, nothing is ever asked,
and nobody's branch is overwritten.
"""

from __future__ import annotations

import asyncio
import base64
import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from neveridle.errors import MergeConflict, RepositoryUnusable, ServiceError, ServiceUnreached
from neveridle.tools.sandbox.output import CappedOutput
from neveridle.tools.sandbox.process import run_process
from neveridle.tools.workspace.git import Answer, config_environment, disk_errors
from neveridle.tools.workspace.remote_failures import remote_failure, told

if TYPE_CHECKING:
    from neveridle.tools.workspace.repository import Repository

REMOTE_SECONDS = 120.0
"""The time limit of one call that goes to the remote."""
GRACE = 2.0
"""Seconds that a git whose time is up has to remove its lock files."""
TRIES = 5
"""How often a fetch is begun again because another one was at the same ref."""
KEPT = 1 << 20

CALM: Final = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "push.gpgSign": "false",
    "push.followTags": "false",
    "push.recurseSubmodules": "no",
    "fetch.recurseSubmodules": "no",
    "fetch.prune": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "safe.directory": "*",  # the repository is the one the operator named
}
"""What is set over the operator's configuration: nothing beside what was asked is done."""
KEPT_VARIABLES = re.compile(r"GIT_(SSH(_.*)?|SSL_.*|PROXY_.*|CONFIG_(GLOBAL|SYSTEM|NOSYSTEM))")
"""What of git's own variables says how a remote is reached; the others would lead elsewhere."""


class Remote:
    """A remote of the team's repository.

    Args:
        repository: the team's repository, opened.
        name: the remote's name, such as ``origin``.
        token: a token for its host, used for HTTP where one is set; empty: git's own
            credentials are used. It is in the environment of the one call that needs it.
        token_host: the only host that gets the token.
        environ: the environment git runs in.
    """

    def __init__(
        self,
        repository: Repository,
        name: str,
        *,
        token: str = "",
        token_host: str = "github.com",
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._repository = repository
        self._token = token
        self._token_host = token_host
        self._environ = os.environ if environ is None else environ
        self._fetching = asyncio.Lock()

    @property
    def base(self) -> str:
        """The target branch's name: the same there as here."""
        return self._repository.branch

    async def url(self) -> str:
        """Where it is pushed to, without credentials.

        Raises:
            RepositoryUnusable: there is no such remote.
        """
        return _without_user(await self._url())

    async def tip(self, branch: str) -> str | None:
        """The commit of a branch there; None: there is no such branch.

        Raises:
            ServiceError: it cannot be reached, or failed; see ``remote_failure``.
            AccessRefused: it does not let us.
            RepositoryUnusable: there is no such remote.
        """
        ref = f"refs/heads/{branch}"
        answer = await self._run("ls-remote", "--quiet", "--heads", "--", self.name, ref)
        for line in answer.text.splitlines():
            commit, _, name = line.partition("\t")
            if name == ref:
                return commit
        return None

    async def fetch(self, branch: str = "") -> str:
        """Fetch one branch, as ``git fetch`` would; its commit.

        Only ``refs/remotes/<remote>/<branch>`` changes here.

        Args:
            branch: its name; empty: the target branch.

        Raises:
            RepositoryUnusable: there is no such branch.
            ServiceError: see ``tip``.
        """
        name = branch or self.base
        ref = f"refs/remotes/{self.name}/{name}"
        async with self._fetching:
            for again in range(TRIES):
                answer = await self._run(
                    *("fetch", "--quiet", "--no-tags", "--no-write-fetch-head"),
                    *("--refmap=", "--", self.name, f"+refs/heads/{name}:{ref}"),
                    accept=(0, 1, 128) if again < TRIES - 1 else (0,),
                )
                if answer.code == 0:
                    break
                if "couldn't find remote ref" in answer.messages:
                    msg = f"The remote {self.name!r} has no branch {name!r}."
                    raise RepositoryUnusable(msg, remedy=f"Push it: git push {self.name} {name}.")
                if "cannot lock ref" not in answer.messages:
                    raise remote_failure("fetch", self.name, answer.messages)
                await asyncio.sleep(0.05 * 2**again)
        commit = await self._repository.git.commit_at(ref)
        if commit is None:  # git was told to write it, and said that it did
            raise RepositoryUnusable(f"{ref} is not there after it was fetched.")
        return commit

    async def push(self, branch: str, commit: str) -> None:
        """Make a branch there point at a commit of the repository that contains what it held.

        Repeating it is harmless. What is there is looked at first, and the push is refused
        by the remote when that has changed meanwhile.

        Raises:
            MergeConflict: the branch there holds commits that are not in this one.
            ServiceUnreached: certainly nothing was done.
            ServiceError: whether it was done is not known.
            AccessRefused: the remote does not let us push.
            RepositoryUnusable: there is no such remote, or it is the target branch.
        """
        if branch == self.base:
            msg = f"{branch!r} is the target branch: it is not pushed to."
            raise RepositoryUnusable(msg)
        there = await self.tip(branch)
        if there == commit:
            return
        if there is not None and not await self._repository.git.contains(commit, there):
            raise MergeConflict(
                f"The branch {branch} on {self.name!r} holds commits of somebody else "
                f"({there[:12]}), which this work does not contain."
            )
        ref = f"refs/heads/{branch}"
        await self._run(
            *("push", "--quiet", "--no-verify", "--no-signed"),
            *(f"--force-with-lease={ref}:{there or ''}", "--", self.name, f"{commit}:{ref}"),
        )

    async def try_push(self, branch: str, commit: str) -> None:
        """See whether a new branch could be pushed; nothing is.

        Raises:
            NeveridleError: as for ``push``.
        """
        await self._run(
            *("push", "--quiet", "--no-verify", "--no-signed", "--dry-run"),
            *("--", self.name, f"{commit}:refs/heads/{branch}"),
        )

    async def contains(self, tip: str, commit: str) -> bool:
        """Whether a commit of the repository is, or comes after, another one; asks nobody."""
        return await self._repository.git.contains(tip, commit)

    async def holds(self, commit: str) -> bool:
        """Whether the target branch, as it was fetched last, holds a commit; asks nobody."""
        return await self.contains(f"refs/remotes/{self.name}/{self.base}", commit)

    async def _url(self) -> str:
        answer = await self._run(
            "remote", "get-url", "--push", "--", self.name, accept=(0, 2, 128), plain=True
        )
        if answer.code != 0 or not answer.text:
            msg = f"The repository {self._repository.path} has no remote {self.name!r}."
            remedy = f"Add it (git remote add {self.name} URL), or set remote in [services.github]."
            raise RepositoryUnusable(msg, remedy=remedy)
        return answer.text.splitlines()[0]

    async def _run(
        self, *arguments: str, accept: tuple[int, ...] = (0,), plain: bool = False
    ) -> Answer:
        """Run git in the repository; ``plain``: without what only a call outside needs."""
        options = dict(CALM)
        if not plain:
            options |= _authorization(await self._url(), self._token, self._token_host)
        out, messages = CappedOutput(KEPT, head_only=True), CappedOutput(20_000)
        command = arguments[0]
        with disk_errors():
            try:
                ended = await run_process(
                    ["git", *arguments],
                    env={**_calm(self._environ), **config_environment(options),
                         "GIT_DIR": str(self._repository.git_dir)},
                    cwd=self._repository.git_dir,
                    stdout=out,
                    stderr=messages,
                    time_limit=REMOTE_SECONDS,
                    grace=GRACE,
                )  # fmt: skip
            except FileNotFoundError as error:
                msg = "git is not installed, or the repository is gone."
                raise RepositoryUnusable(msg, remedy="Install git 2.38 or later.") from error
        if ended.code is None:
            msg = f"git {command} on the remote {self.name!r} took {REMOTE_SECONDS:g} seconds."
            raise (ServiceError if command == "push" else ServiceUnreached)(msg)
        if ended.code not in accept:
            raise remote_failure(command, self.name, messages.text())
        return Answer(ended.code, out.data(), told(messages.text()))


def _calm(environ: Mapping[str, str]) -> dict[str, str]:
    """The operator's environment, so that git finds its credentials, but nobody is asked."""
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith("GIT_") or KEPT_VARIABLES.fullmatch(name)
    }
    return {
        **kept,
        "LC_ALL": "C",  # messages are read
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "",
        "SSH_ASKPASS_REQUIRE": "never",
        "GCM_INTERACTIVE": "never",
        "GIT_OPTIONAL_LOCKS": "0",
    }


def _authorization(url: str, token: str, host: str) -> dict[str, str]:
    """The setting that sends the token to this remote over HTTP; empty: it is not sent.

    A header, not a helper: what a helper has told git, git would store in the operator's own.
    """
    split = urlsplit(url)
    if not token or split.scheme not in ("http", "https") or split.hostname != host:
        return {}
    if split.username is not None:  # the operator chose other credentials
        return {}
    if split.scheme == "http" and split.hostname not in ("127.0.0.1", "localhost"):
        return {}  # it would travel in the clear
    said = base64.b64encode(f"x-access-token:{token}".encode()).decode("ascii")
    place = f"{split.scheme}://{split.netloc}/"
    return {f"http.{place}.extraHeader": f"Authorization: Basic {said}"}


def _without_user(url: str) -> str:
    split = urlsplit(url)
    if "@" not in split.netloc or split.scheme not in ("http", "https"):
        return url
    return split._replace(netloc=split.netloc.rpartition("@")[2]).geturl()
