"""The branches behind the GitHub stand-in: those of a bare repository, or made up."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Final, Protocol

WHO: Final = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "GitHub stand-in"), ("EMAIL", "standin@localhost"))
}


class Heads(Protocol):
    """Where branches are, and how they are merged."""

    def all(self) -> dict[str, str]:
        """The commits of the branches, by name."""
        ...

    def set(self, branch: str, sha: str) -> None:
        """Put a branch at a commit."""
        ...

    def ahead(self, base: str, head: str) -> bool:
        """Whether a commit holds something that another does not."""
        ...

    def merge(self, base: str, head: str, message: str, method: str) -> str | None:
        """Merge a commit into a branch, by ``merge``, ``squash`` or ``rebase``.

        Returns:
            The branch's new commit; None: they conflict.
        """
        ...

    def mergeable(self, base: str, head: str) -> bool:
        """Whether a commit can be merged into a branch without conflicts."""
        ...


class MadeUpHeads:
    """Branches without a repository; nothing conflicts, and each branch is ahead of others."""

    def __init__(self) -> None:
        self._heads = {"main": _made_up("main")}

    def all(self) -> dict[str, str]:
        """The commits of the branches, by name."""
        return dict(self._heads)

    def set(self, branch: str, sha: str) -> None:
        """Put a branch at a commit; empty: at a new one."""
        self._heads[branch] = sha or _made_up(f"{branch} {self._heads.get(branch)}")

    def ahead(self, base: str, head: str) -> bool:
        """Whether the two differ."""
        return base != head

    def merge(self, base: str, head: str, message: str, method: str) -> str | None:
        """Make up a merge commit."""
        self._heads[base] = _made_up(f"{self._heads[base]} {head} {message} {method}")
        return self._heads[base]

    def mergeable(self, base: str, head: str) -> bool:
        """Always."""
        return True


class RepositoryHeads:
    """The branches of a bare git repository, which is merged in for real.

    Args:
        path: the repository.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> dict[str, str]:
        """The commits of the branches, by name."""
        said = self._git("for-each-ref", "--format=%(objectname) %(refname:lstrip=2)", "refs/heads")
        rows = [line.partition(" ") for line in said.splitlines()]
        return {name: sha for sha, _, name in rows}

    def set(self, branch: str, sha: str) -> None:
        """Put a branch at a commit."""
        self._git("update-ref", f"refs/heads/{branch}", sha)

    def ahead(self, base: str, head: str) -> bool:
        """Whether a commit holds commits that another does not."""
        return self._git("rev-list", "--count", f"{base}..{head}") != "0"

    def merge(self, base: str, head: str, message: str, method: str) -> str | None:
        """Merge a commit into a branch, without a working tree.

        Only what stands on the branch's newest commit is rebased.
        """
        ours = self._git("rev-parse", f"refs/heads/{base}")
        if method == "rebase":
            return self._rebased(base, ours, head)
        tree = self._tree(ours, head)
        if tree is None:
            return None
        parents = ["-p", ours] if method == "squash" else ["-p", ours, "-p", head]
        commit = self._git("commit-tree", tree, *parents, "-m", message)
        self._git("update-ref", f"refs/heads/{base}", commit, ours)
        return commit

    def _rebased(self, base: str, ours: str, head: str) -> str | None:
        """Each commit made anew, as GitHub does even where nothing would have to change."""
        if self._git("merge-base", ours, head) != ours:
            return None
        last = ours
        for commit in self._git("rev-list", "--reverse", f"{ours}..{head}").splitlines():
            tree = self._git("rev-parse", f"{commit}^{{tree}}")
            message = self._git("log", "-1", "--format=%B", commit)
            last = self._git("commit-tree", tree, "-p", last, "-m", message)
        self._git("update-ref", f"refs/heads/{base}", last, ours)
        return last

    def mergeable(self, base: str, head: str) -> bool:
        """Whether a commit can be merged into a branch without conflicts."""
        return self._tree(self._git("rev-parse", f"refs/heads/{base}"), head) is not None

    def _tree(self, ours: str, theirs: str) -> str | None:
        done = self._run("merge-tree", "--write-tree", "--no-messages", ours, theirs)
        return done.stdout.splitlines()[0] if done.returncode == 0 else None

    def _git(self, *arguments: str) -> str:
        done = self._run(*arguments)
        if done.returncode:
            msg = f"git {arguments[0]} failed: {done.stderr.strip()}"
            raise RuntimeError(msg)
        return done.stdout.strip()

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        given = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        return subprocess.run(
            ["git", "--git-dir", str(self._path), *arguments],
            env={**given, **WHO, "GIT_CONFIG_NOSYSTEM": "1", "HOME": os.devnull},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )


def _made_up(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
