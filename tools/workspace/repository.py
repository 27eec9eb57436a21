"""The repository the team works on: a person's, so it is hardly ever written to."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING

from neveridle.errors import RepositoryUnusable
from neveridle.tools.workspace.git import Git
from neveridle.tools.workspace.results import BranchInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST_GIT = (2, 38)  # merge-tree --write-tree
TEXT_MODES = {"100644", "100755"}


class Repository:
    """A git repository, bare or with a tree, and its target branch.

    Args:
        path: the repository's top folder.
        branch: the target branch; empty takes the one checked out.
    """

    def __init__(self, path: Path, branch: str = "") -> None:
        self.path = path
        self.branch = branch
        self.git_dir = path
        self.common_dir = path
        self.objects = path / "objects"
        self.object_format = "sha1"
        self.bare = False
        self.git = Git(None, cwd=path)

    @property
    def ref(self) -> str:
        """The target branch's full name."""
        return f"refs/heads/{self.branch}"

    async def open(self) -> None:
        """Find the repository, its objects and its branch.

        Raises:
            RepositoryUnusable: git is missing or too old, or this is no
                repository, or it has no commit, or its branch is not known.
        """
        await self._check_version()
        self.git = Git(None, cwd=self.path)
        found = await self.git.run(
            "rev-parse",
            *("--path-format=absolute", "--absolute-git-dir", "--git-common-dir"),
            *("--git-path", "objects", "--show-object-format", "--is-bare-repository"),
            accept=(0, 128),
        )
        if found.code != 0:
            raise RepositoryUnusable(
                f"{self.path} is not the top folder of a git repository: {found.messages.strip()}.",
                remedy="Set repository in [team] to one, or make one with git init.",
            )
        git_dir, common_dir, objects, self.object_format, bare = found.text.split("\n")
        self.git_dir, self.common_dir, self.objects = Path(git_dir), Path(common_dir), Path(objects)
        self.bare = bare == "true"
        self.git = Git(self.git_dir)
        self.branch = self.branch.removeprefix("refs/heads/") or await self._checked_out_branch()
        if await self.git.commit_at(self.ref) is None:
            raise await self._no_such_branch()

    async def _check_version(self) -> None:
        said = await Git(None, cwd=Path("/")).line("version")
        found = re.search(r"(\d+)\.(\d+)", said)
        if found is None or (int(found[1]), int(found[2])) < OLDEST_GIT:
            raise RepositoryUnusable(
                f"git is too old ({said}).",
                remedy=f"Install git {OLDEST_GIT[0]}.{OLDEST_GIT[1]} or later.",
            )

    async def _checked_out_branch(self) -> str:
        answer = await self.git.run("symbolic-ref", "--quiet", "HEAD", accept=(0, 1))
        if answer.code == 1:
            raise RepositoryUnusable(
                f"The repository {self.path} is on no branch (detached HEAD).",
                remedy="Check a branch out, or set branch in [team].",
            )
        return answer.text.removeprefix("refs/heads/")

    async def _no_such_branch(self) -> RepositoryUnusable:
        names = [info.name for info in await self._list_branches(merged=set())]
        if not names:
            return RepositoryUnusable(
                f"The repository {self.path} has no commit yet.", remedy="Make a first one."
            )
        return RepositoryUnusable(
            f"The repository {self.path} has no branch {self.branch!r}.",
            remedy=f"Set branch in [team] to one of: {', '.join(names[:20])}.",
        )

    async def head(self) -> str:
        """The commit of the target branch."""
        commit = await self.git.commit_at(self.ref)
        if commit is None:
            raise await self._no_such_branch()
        return commit

    async def sound(self) -> bool:
        """Whether git can read the target branch and its commit."""
        try:
            await self.git.run("ls-tree", "-r", "-t", self.ref, keep=1)
        except RepositoryUnusable:
            return False
        return True

    def head_hint(self) -> str | None:
        """The same, read without a process; None where that is not certain."""
        if (self.common_dir / "reftable").exists():
            return None
        try:
            said = (self.common_dir / self.ref).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            said = self._packed()
        except (OSError, UnicodeDecodeError):
            return None
        return said if re.fullmatch(r"[0-9a-f]{40,64}", said) else None

    def _packed(self) -> str:
        try:
            lines = (self.common_dir / "packed-refs").read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return ""
        return next(
            (line[: -len(self.ref) - 1] for line in lines if line.endswith(f" {self.ref}")), ""
        )

    async def contains(self, commit: str) -> bool:
        """Whether the target branch contains ``commit``."""
        return await self.git.contains(self.ref, commit)

    async def branches(self) -> list[BranchInfo]:
        """All branches, by name."""
        merged = await self.git.run(
            "for-each-ref", f"--merged={self.ref}", "--format=%(refname)", "refs/heads/"
        )
        return await self._list_branches(merged=set(merged.text.split("\n")))

    async def _list_branches(self, *, merged: set[str]) -> list[BranchInfo]:
        listed = await self.git.line(
            "for-each-ref",
            "--format=%(objectname) %(committerdate:unix) %(refname)",
            "refs/heads/",
        )
        rows = [line.split(" ", 2) for line in listed.split("\n") if line]
        return [
            BranchInfo(ref.removeprefix("refs/heads/"), commit, int(date or 0), ref in merged)
            for commit, date, ref in rows
        ]

    async def read_at(self, commit: str, path: str) -> str | None:
        """The text of a file at a commit; None where there is no such file.

        Line endings stay as they are; what is not UTF-8 is replaced.
        """
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if not parts or ".." in parts or path.startswith("/"):
            return None
        path = "/".join(parts)
        listed = await self.git.run("ls-tree", "-z", "--full-tree", commit, "--", path)
        for row in listed.names:
            (mode, _, blob), name = row.split("\t", 1)[0].split(" "), row.split("\t", 1)[1]
            if name == path and mode in TEXT_MODES:
                return (await self.git.run("cat-file", "blob", blob)).out.decode("utf-8", "replace")
        return None

    async def delete_branch(self, name: str, *, expect: str) -> bool:
        """Delete a branch that still points at ``expect`` and is checked out nowhere."""
        if await self.worktree_of(f"refs/heads/{name}") is not None or name == self.branch:
            return False
        answer = await self.git.run_to_end("update-ref", "-d", f"refs/heads/{name}", expect)
        return answer.code == 0

    async def worktree_of(self, ref: str) -> Path | None:
        """The tree in which a branch is checked out."""
        listed = await self.git.run("worktree", "list", "--porcelain", "-z")
        blocks = listed.out.decode("utf-8", "surrogateescape").split("\0\0")
        for number, block in enumerate(blocks):
            rows = block.split("\0")
            if f"branch {ref}" in rows:
                ours = number == 0 and self.git_dir == self.common_dir
                return self.path if ours else Path(rows[0].removeprefix("worktree "))
        return None

    async def dirty_files(self) -> list[str]:
        """Tracked files with uncommitted changes where the target branch is checked out.

        A rebase of the target branch that is under way counts as one.
        """
        if await asyncio.to_thread(self._is_being_rebased):
            return [f"(a rebase of {self.branch} is under way)"]
        tree = await self.worktree_of(self.ref)
        if tree is None:
            return []
        answer = await (await self.in_tree(tree)).run(
            *("status", "--porcelain", "-z", "--no-renames"),
            *("--untracked-files=no", "--ignore-submodules=all"),
        )
        return sorted(row[3:] for row in answer.names)

    async def untracked_files(self, among: list[str]) -> list[str]:
        """Which of these paths exist, untracked, where the target branch is checked out."""
        tree = await self.worktree_of(self.ref)
        if tree is None:
            return []
        tracked = set((await Git(None, cwd=tree).run("ls-files", "-z")).names)
        return await asyncio.to_thread(
            lambda: sorted(p for p in set(among) - tracked if (tree / p).exists())
        )

    def _is_being_rebased(self) -> bool:
        return any(
            head.read_text(encoding="utf-8", errors="replace").strip() == self.ref
            for head in self._rebase_heads()
        )

    def _rebase_heads(self) -> Iterator[Path]:
        for git_dir in (self.common_dir, *self.common_dir.glob("worktrees/*")):
            for folder in ("rebase-merge", "rebase-apply"):
                if (git_dir / folder / "head-name").is_file():
                    yield git_dir / folder / "head-name"

    async def in_tree(self, tree: Path) -> Git:
        """Git in a person's working tree, the repository's own filters off, too."""
        return Git(None, cwd=tree, options=await self.filters_off())

    async def filters_off(self) -> dict[str, str]:
        """Options that turn off the filters this repository's own configuration names.

        A ``.gitattributes`` that came with a merge could otherwise feed them.
        """
        listed = await self.git.run(
            "config", "--null", "--name-only", "--get-regexp", r"^filter\.", accept=(0, 1)
        )
        off: dict[str, str] = {}
        for name in {key.rpartition(".")[0] for key in listed.names}:
            off |= {f"{name}.{verb}": "" for verb in ("clean", "smudge", "process")}
            off[f"{name}.required"] = "false"
        return off
