"""What git says where a remote repository does not do what it is asked."""

from __future__ import annotations

import re
from typing import Final

from neveridle.errors import (
    AccessRefused,
    MergeConflict,
    NeveridleError,
    RepositoryUnusable,
    ServiceError,
    ServiceUnreached,
)
from neveridle.tools.redact import redact
from neveridle.tools.workspace.git import failure, is_disk_full

SHOWN = 800
"""Characters of git's own words in an error."""
CREDENTIALS: Final = re.compile(r"(?<=://)[^/@\s]+@")
"""What stands before the host of a URL: it may be a password."""

UNREACHED = (
    "could not resolve host",
    "failed to connect",
    "couldn't connect to server",
    "connection refused",
    "connection timed out",
    "network is unreachable",
    "no route to host",
    "operation timed out",
    "name or service not known",
    "temporary failure in name resolution",
    "proxy connect aborted",
)
"""The remote was not reached: certainly nothing was done."""
REJECTED = (
    "authentication failed",
    "could not read username",
    "could not read password",
    "invalid username or password",
    "permission denied (publickey",
    "host key verification failed",
    "returned error: 401",
)
"""The remote does not know who we are."""
FORBIDDEN = (
    "returned error: 403",
    "permission to ",
    "write access to repository not granted",
    "protected branch",
    "repository rule violations",
    "pre-receive hook declined",
    "hook declined",
    "insufficient permission",
)
"""It knows, and does not allow this."""
MOVED = ("stale info", "non-fast-forward", "fetch first", "already exists", "failed to lock")
"""Somebody else moved the branch."""
MISSING = (
    "repository not found",
    "returned error: 404",
    "does not appear to be a git repository",
    "no such remote",
    "does not exist",
)
SHAKY = (
    "returned error: 5",
    "returned error: 429",
    "the remote end hung up",
    "early eof",
    "rpc failed",
    "connection reset",
    "unexpected disconnect",
    "broken pipe",
    "ssl_",
    "gnutls_",
    "timed out",
)
"""It failed on the way: whether it was done is not known."""


def remote_failure(command: str, remote: str, messages: str) -> NeveridleError:
    """The error for a git command on a remote that failed with these messages.

    Args:
        command: the git command, such as ``push``.
        remote: the remote's name.
        messages: what git wrote, in English.
    """
    said = told(messages)
    low = messages.lower()
    what = f"git {command} on the remote {remote!r} failed: {said}"
    if is_disk_full(messages) and "remote:" not in low:
        return failure(command, said)

    def one_of(words: tuple[str, ...]) -> bool:
        return any(word in low for word in words)

    if one_of(MOVED):
        return MergeConflict(what)
    if one_of(REJECTED):
        remedy = "Let git reach it without being asked (a credential helper, an SSH key), or set "
        return AccessRefused(what, remedy=f"{remedy}the token of [services.github].")
    if one_of(FORBIDDEN):
        return AccessRefused(what, remedy="Allow these credentials to push branches there.")
    if one_of(UNREACHED):
        return ServiceUnreached(what)
    if one_of(SHAKY):
        return ServiceError(what)
    if one_of(MISSING):
        remedy = "See `git remote -v`, and remote in [services.github]."
        return RepositoryUnusable(what, remedy=remedy)
    return RepositoryUnusable(what)


def told(messages: str) -> str:
    """Git's words without secrets, shortened."""
    return redact(CREDENTIALS.sub("", messages.strip()))[-SHOWN:]
