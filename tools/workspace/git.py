"""Running git so that nothing it finds in a working tree is ever executed.

Git runs programs named by hooks, by configuration (fsmonitor, filters, textconv,
merge drivers) and by the repositories it finds inside a tree. All of these may
have been planted. So the git directory is always given explicitly and lies
outside every sandbox, no configuration but the repository's own is read, what
could name a program is overridden, and only commands that need no help from
outside are used.
"""

from __future__ import annotations

import errno
import os
import shlex
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neveridle.errors import DiskFull, NeveridleError, RepositoryUnusable
from neveridle.tools.sandbox.output import CappedOutput
from neveridle.tools.sandbox.process import run_process
from neveridle.tools.workspace.critical import run_to_end

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

GIT_SECONDS = 120.0
"""The time limit of one git call; checking out a whole tree has five times that."""

ANSWER_BYTES = 256 << 20
GRACE = 0.5
"""Seconds a cancelled git has to remove its lock files before it is killed."""

OFF = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.untrackedCache": "false",
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "core.alternateRefsCommand": "true",
    "core.editor": "false",
    "core.pager": "cat",
    "core.sshCommand": "false",
    "credential.helper": "",
    "commit.gpgSign": "false",
    "push.gpgSign": "false",
    "push.recurseSubmodules": "no",
    "fetch.recurseSubmodules": "no",
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "receive.autogc": "false",
    "receive.denyNonFastForwards": "false",
    "receive.denyDeletes": "false",
    "protocol.allow": "never",
    "protocol.file.allow": "always",
    "safe.directory": "*",  # the repository is the one the operator named
    "advice.detachedHead": "false",
}
"""Settings that override every repository's own."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What git said: its exit code, its output, its messages."""

    code: int
    out: bytes
    messages: str

    @property
    def text(self) -> str:
        """The output without the newline at its end."""
        return self.out.decode("utf-8", "surrogateescape").rstrip("\n")

    @property
    def names(self) -> list[str]:
        """NUL-terminated names; bytes that are not UTF-8 become surrogates."""
        return [name for name in self.out.decode("utf-8", "surrogateescape").split("\0") if name]


class Git:
    """Git on one git directory, and one tree if any.

    Args:
        git_dir: GIT_DIR; None lets git look for it in ``cwd``, never above.
        tree: GIT_WORK_TREE.
        cwd: where git runs; by default the tree or the git directory.
        index: GIT_INDEX_FILE, where it is not the git directory's own.
        options: settings beside :data:`OFF`.
    """

    def __init__(
        self,
        git_dir: Path | None,
        tree: Path | None = None,
        *,
        cwd: Path | None = None,
        index: Path | None = None,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.options = {**OFF, **(options or {})}
        self._cwd = cwd or tree or git_dir
        self._env = {**_surroundings(), **config_environment(self.options)}
        if git_dir is not None:
            self._env["GIT_DIR"] = str(git_dir)
        if self._cwd is not None:
            self._env["GIT_CEILING_DIRECTORIES"] = str(self._cwd.parent)
        if tree is not None:
            self._env["GIT_WORK_TREE"] = str(tree)
        if index is not None:
            self._env["GIT_INDEX_FILE"] = str(index)

    async def run(
        self,
        *arguments: str,
        given: bytes = b"",
        accept: Sequence[int] = (0,),
        env: Mapping[str, str] | None = None,
        keep: int = ANSWER_BYTES,
        time_limit: float = GIT_SECONDS,
    ) -> Answer:
        """Run one git command; cancelled, it is ended at once.

        Args:
            arguments: the command and its arguments.
            given: its standard input.
            accept: exit codes that are answers rather than errors.
            env: further variables.
            keep: bytes of output kept, from its start.
            time_limit: seconds.

        Raises:
            RepositoryUnusable: git is missing, failed, or took too long.
            DiskFull: no space is left.
        """
        out, messages = CappedOutput(keep, head_only=True), CappedOutput(20_000)
        with disk_errors(), tempfile.TemporaryFile() as stdin:
            stdin.write(given)
            stdin.seek(0)
            try:
                ended = await run_process(
                    ["git", *arguments],
                    env={**self._env, **(env or {})},
                    cwd=self._cwd,
                    stdin=stdin,
                    stdout=out,
                    stderr=messages,
                    time_limit=time_limit,
                    grace=GRACE,
                )
            except OSError as error:
                raise _not_started(error, self._cwd) from error
        if ended.code is None:
            raise too_slow(arguments[0], time_limit)
        if ended.code not in accept:
            raise failure(arguments[0], messages.text())
        return Answer(ended.code, out.data(), messages.text())

    async def run_to_end(
        self,
        *arguments: str,
        program: str = "git",
        pass_fds: Sequence[int] = (),
        time_limit: float = GIT_SECONDS,
    ) -> Answer:
        """Run a command that writes to the repository: cancelling does not cut it short.

        A killed git would leave lock files, or a half-updated tree, to a person.
        Every exit code is an answer; output and messages come joined.

        Raises:
            RepositoryUnusable: git is missing or took too long.
            DiskFull: no space is left.
        """
        with disk_errors():
            try:
                code, out = await run_to_end(
                    [program, *arguments], self._env, self._cwd, time_limit, pass_fds
                )
            except OSError as error:
                raise _not_started(error, self._cwd) from error
        if code is None:
            raise too_slow(arguments[0], time_limit)
        messages = out.decode("utf-8", "replace")
        if code != 0 and is_disk_full(messages):
            raise failure(arguments[0], messages)
        return Answer(code, out, messages)

    async def line(self, *arguments: str) -> str:
        """The output of a command, without its last newline."""
        return (await self.run(*arguments)).text

    async def commit_at(self, revision: str) -> str | None:
        """The id of the commit that ``revision`` names, None where there is none."""
        if not revision or revision.startswith("-"):
            return None
        answer = await self.run(
            "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", accept=(0, 1, 128)
        )
        return answer.text if answer.code == 0 else None

    async def contains(self, tip: str, commit: str) -> bool:
        """Whether ``commit`` is ``tip`` or one of its ancestors."""
        answer = await self.run("merge-base", "--is-ancestor", commit, tip, accept=(0, 1, 128))
        return answer.code == 0


def config_environment(options: Mapping[str, str]) -> dict[str, str]:
    """Variables that make git take ``options`` over any configuration file."""
    variables = {"GIT_CONFIG_COUNT": str(len(options))}
    for number, (key, value) in enumerate(options.items()):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables


def shell_command(options: Mapping[str, str], program: str) -> str:
    """``program`` for ``--receive-pack``: git clears our options on the way there."""
    variables = config_environment(options)
    return " ".join([*(f"{k}={shlex.quote(v)}" for k, v in variables.items()), program])


def _surroundings() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "HOME": os.devnull,  # a folder that can hold no configuration
        "LC_ALL": "C",  # messages are read
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_SYSTEM": os.devnull,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_OPTIONAL_LOCKS": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_LITERAL_PATHSPECS": "1",
        "GIT_AUTHOR_NAME": "neveridle",
        "GIT_AUTHOR_EMAIL": "neveridle@localhost",
        "GIT_COMMITTER_NAME": "neveridle",
        "GIT_COMMITTER_EMAIL": "neveridle@localhost",
    }


@contextmanager
def disk_errors() -> Generator[None]:
    """Turns the system's "no space left" into :class:`DiskFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _disk_full() from error
        raise


def is_disk_full(messages: str) -> bool:
    """Whether git's messages (in English) say that the disk is full."""
    return "No space left on device" in messages or "Disk quota exceeded" in messages


def failure(command: str, messages: str) -> NeveridleError:
    """The error for a git command that failed with these messages."""
    if is_disk_full(messages):
        return _disk_full()
    return RepositoryUnusable(f"git {command} failed: {messages.strip()[-2000:]}")


def too_slow(command: str, seconds: float) -> RepositoryUnusable:
    """The error for a git command that did not end in time."""
    return RepositoryUnusable(
        f"git {command} took longer than {seconds:g} seconds and was ended.",
        remedy="See that the disk answers and the repository is sound (git fsck).",
    )


def _disk_full() -> DiskFull:
    return DiskFull(
        "No space is left on the disk of the workspaces or of the repository.",
        remedy="Free some; the team goes on from where it was.",
    )


def _not_started(error: OSError, cwd: Path | None) -> Exception:
    if isinstance(error, FileNotFoundError) and (cwd is None or cwd.is_dir()):
        return RepositoryUnusable("git is not installed.", remedy="Install git 2.38 or later.")
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return RepositoryUnusable(f"There is no folder {cwd}.")
    return error
