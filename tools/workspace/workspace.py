"""One attempt's clone: its tree, its branch, its commits."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

from neveridle.errors import RepositoryUnusable, StateConflict, StateCorrupted
from neveridle.tools.repository.confined import ConfinedTree
from neveridle.tools.threads import to_its_end
from neveridle.tools.workspace import merging
from neveridle.tools.workspace.git import GIT_SECONDS, Git, disk_errors
from neveridle.tools.workspace.publishing import fast_forward, publish
from neveridle.tools.workspace.staging import identity, restore, stage, write_commit

if TYPE_CHECKING:
    from pathlib import Path

    from neveridle.tools.workspace.repository import Repository
    from neveridle.tools.workspace.results import MergeResult, PublishResult

MARKER = "neveridle.json"
"""Branch and base; written last, so that a workspace without it is not whole."""

ADOPTED = "adopted.json"
"""The same of the workspace that this one was copied from."""

CHECKOUT_SECONDS = 5 * GIT_SECONDS
FILE_BYTES = 10 << 20
EXCLUDED = "__pycache__/\n*.py[cod]\n.DS_Store\n.neveridle-*.tmp\n"
"""What no commit of an agent holds, even where the repository ignores nothing."""


def damaged(key: str, why: str) -> StateCorrupted:
    """The error of a clone that git cannot read any more."""
    return StateCorrupted(
        f"The clone {key} cannot be read any more: {why[:300].rstrip('.')}.",
        remedy="The task begins anew without it. Look at the disk it lies on before the agent "
        "works again.",
    )


class Workspace:
    """A clone made by :class:`Workspaces`, for one owner at a time.

    Attributes:
        key: its name among the workspaces.
        tree: the working tree; there is no ``.git`` in it.
        git_dir: the git directory, outside the tree.
        branch: its branch.
        base: the commit the work started from.
    """

    def __init__(self, key: str, folder: Path, target: Repository, published: Path) -> None:
        self.key = key
        self.tree = folder / "tree"
        self.git_dir = folder / "git"
        self.branch = ""
        self.base = ""
        self._target = target
        self._published = published
        self._git = Git(self.git_dir, self.tree)
        self._lock = asyncio.Lock()

    # What Workspaces does with it.

    async def set_up(self, *, branch: str, start: str) -> None:
        """Make the clone in a folder that holds an empty tree."""
        commit = await self._target.git.commit_at(start or self._target.ref)
        if commit is None:
            raise RepositoryUnusable(f"The repository has no commit {start or self._target.ref!r}.")
        await self._check_name(branch)
        await Git(self.git_dir, cwd=self.tree).run(
            *("init", "--quiet", "--bare", "--template="),
            *(f"--object-format={self._target.object_format}", "--initial-branch", branch),
            str(self.git_dir),
        )
        await to_its_end(self._share_objects)
        await self._git.run("update-ref", f"refs/heads/{branch}", commit)
        await self._git.run("read-tree", "-m", "-u", commit, time_limit=CHECKOUT_SECONDS)
        self.branch, self.base = branch, commit
        await to_its_end(self._save)

    async def take_over(self, *, branch: str, old: str) -> bool:
        """Make a workspace of what was copied of ``old``; False where the copy is of no use.

        Raises:
            StateCorrupted: it cannot be read, though the repository can.
        """
        await self._check_name(branch)
        text = await asyncio.to_thread((self.git_dir / ADOPTED).read_text, errors="replace")
        commit = await self._git.commit_at("HEAD")
        if commit is None:  # what was whole had one
            if await self._target.sound():
                raise damaged(old, "its branch has no commit that git can find")
            return False
        try:
            self.base = str(json.loads(text)["base"])
            await self._git.run("update-ref", f"refs/heads/{branch}", commit)
            await self._git.run("symbolic-ref", "HEAD", f"refs/heads/{branch}")
            await self._git.run("read-tree", commit)  # the tree stays as it is: work in progress
        except (RepositoryUnusable, ValueError, KeyError, TypeError) as error:
            self.branch = branch
            if isinstance(error, RepositoryUnusable) and await self.sound():
                raise
            raise damaged(old, str(error)) from error
        self.branch = branch
        await to_its_end(self._save)
        return True

    def load(self) -> bool:
        """Read branch and base, and remove stale locks; False where it is not whole."""
        try:
            facts = json.loads((self.git_dir / MARKER).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        self.branch, self.base = str(facts["branch"]), str(facts["base"])
        for lock in (*self.git_dir.glob("*.lock"), *self.git_dir.glob("refs/**/*.lock")):
            with contextlib.suppress(FileNotFoundError):
                lock.unlink()
        return self.tree.is_dir()

    async def sound(self) -> bool:
        """Whether git can read it: its branch, and all of its commit.

        Damage to the repository itself, whose objects it shares, is not taken for its own.
        """
        if not await self._target.sound():
            return True
        try:
            await self._git.run("ls-tree", "-r", "-t", await self.head(), keep=1)
            await self._git.run("diff-index", "--quiet", await self.head(), accept=(0, 1))
        except RepositoryUnusable:
            return False
        return True

    async def _check_name(self, branch: str) -> None:
        if (
            await self._target.git.run("check-ref-format", f"refs/heads/{branch}", accept=(0, 1))
        ).code or branch.startswith("-"):
            raise RepositoryUnusable(
                f"{branch!r} cannot be the name of a branch.",
                remedy="See branch_prefix in [delivery].",
            )

    def _share_objects(self) -> None:
        info = self.git_dir / "objects" / "info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "alternates").write_text(f"{self._target.objects}\n", encoding="utf-8")
        (self.git_dir / "info").mkdir(exist_ok=True)
        (self.git_dir / "info" / "exclude").write_text(EXCLUDED, encoding="utf-8")
        shallow = self._target.common_dir / "shallow"
        if shallow.is_file():  # or the parents of its oldest commits would be missed
            (self.git_dir / "shallow").write_bytes(shallow.read_bytes())

    def _save(self) -> None:
        facts = json.dumps({"branch": self.branch, "base": self.base})
        draft = self.git_dir / f"{MARKER}.new"
        draft.write_text(facts, encoding="utf-8")
        draft.replace(self.git_dir / MARKER)

    # What attempts do with it.

    async def head(self) -> str:
        """The commit of its branch."""
        return await self._git.line("rev-parse", "--verify", f"refs/heads/{self.branch}")

    async def commit(self, message: str, *, author: str, email: str) -> str | None:
        """Commit everything that is not ignored; None where nothing changed.

        Raises:
            ModelMistake: there is a file git cannot store.
            DiskFull: no space is left.
        """
        async with self._lock:
            head, tree = await self.head(), await self._stage()
            parents = await merging.parents_of(self._git, head)
            if parents == [head] and tree == await self._git.line("rev-parse", f"{head}^{{tree}}"):
                return None
            commit = await write_commit(self._git, tree, parents, message, identity(author, email))
            await self._git.run("update-ref", f"refs/heads/{self.branch}", commit, head)
            if len(parents) > 1:
                await merging.end(self._git)
            return commit

    async def begin_merge(self, other: str) -> list[str]:
        """Merge a commit of the repository into the tree, with marks where they conflict.

        The next commit is the merge commit; it is for who works here to repair the files.

        Args:
            other: the commit.

        Returns:
            The paths that conflict; the lines ``<<<<<<<`` there name the commits.

        Raises:
            StateConflict: there are uncommitted changes.
        """
        async with self._lock:
            head, tree = await self.head(), await self._stage()
            if tree != await self._git.line("rev-parse", f"{head}^{{tree}}"):
                raise StateConflict("The workspace has changes that are not committed.")
            return await merging.begin(self._git, ours=head, theirs=other)

    async def status_clean(self) -> bool:
        """Whether there is nothing to commit."""
        async with self._lock:
            tree = await self._stage()
            return tree == await self._git.line("rev-parse", f"{await self.head()}^{{tree}}")

    async def changed_files(self, since: str) -> list[str]:
        """Paths that differ from commit ``since``, committed or not, sorted."""
        async with self._lock:
            answer = await self._git.run(
                *("diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff"),
                *(since, await self._stage()),
            )
            return sorted(answer.names)

    async def diff(self, since: str, *, limit: int = 60_000) -> str:
        """The difference from commit ``since``, committed or not, as a patch.

        Cut after ``limit`` bytes, with a line that says so.
        """
        async with self._lock:
            answer = await self._git.run(
                *("diff-tree", "-r", "-p", "-M", "--no-color", "--no-ext-diff", "--no-textconv"),
                *("--submodule=short", since, await self._stage()),
                keep=limit + 1,
            )
        if len(answer.out) <= limit:
            return answer.out.decode("utf-8", "replace")
        kept = answer.out[:limit].decode("utf-8", "ignore")
        return f"{kept}\n[... cut after {limit} bytes ...]\n"

    async def merge(
        self,
        other: str,
        *,
        message: str,
        author: str,
        email: str,
        always: bool = False,
        other_first: bool = False,
    ) -> MergeResult:
        """Merge a branch or commit of the repository into this branch.

        Where they conflict the tree and branch stay as they were.

        Args:
            other: a branch's name or a commit.
            message: of the merge commit.
            author: of the merge commit.
            email: the author's.
            always: make a merge commit even where this branch already contains
                ``other``, or could be fast-forwarded to it.
            other_first: make ``other`` the first parent, as if this branch had
                been merged into it.

        Raises:
            StateConflict: there are uncommitted changes.
            RepositoryUnusable: there is no such branch, or no common history.
        """
        async with self._lock:
            theirs = await self._target.git.commit_at(f"refs/heads/{other}")
            theirs = theirs or await self._target.git.commit_at(other)
            if theirs is None:
                raise RepositoryUnusable(f"The repository has no branch or commit {other!r}.")
            head, tree = await self.head(), await self._stage()
            return await merging.merge(
                self._git,
                f"refs/heads/{self.branch}",
                ours=head,
                theirs=theirs,
                staged=tree,
                message=message,
                author=identity(author, email),
                always=always,
                other_first=other_first,
            )

    async def contains(self, commit: str) -> bool:
        """Whether this branch contains a commit of the repository."""
        return await self._git.contains(await self.head(), commit)

    async def reset(self, commit: str) -> None:
        """Put branch and tree back to a commit of this workspace; ignored files stay.

        What git does not know goes: checks leave files, and so does a merge that was killed
        while it wrote the tree, whose index came too late or not along with the copy.
        """
        async with self._lock:
            await self._git.run("read-tree", "--reset", "-u", commit, time_limit=CHECKOUT_SECONDS)
            await self._git.run("clean", "-ffdq", time_limit=CHECKOUT_SECONDS)
            await self._git.run("update-ref", f"refs/heads/{self.branch}", commit)
            await merging.end(self._git)

    async def clean(self) -> None:
        """Make the tree exactly what its commit holds: nothing untracked, nothing ignored.

        What checks see there is what the repository will hold: a file that git ignores
        cannot make them pass.
        """
        async with self._lock:
            head = await self.head()
            await self._git.run("read-tree", "--reset", "-u", head, time_limit=CHECKOUT_SECONDS)
            await self._git.run("clean", "-ffdxq", time_limit=CHECKOUT_SECONDS)

    async def publish_branch(self) -> str:
        """Make the repository's branch of the same name point at this one; returns the commit.

        A branch that somebody else made, or moved since we published it, is left
        alone. Repeating it is harmless.

        Raises:
            StateConflict: the branch there holds commits that are not ours.
            RepositoryUnusable: git refused, with its words.
        """
        return await publish(
            self._git, self._target, self._published, self.branch, await self.head()
        )

    async def fast_forward_target(self, *, expect: str) -> PublishResult:
        """Move the target branch from ``expect`` to this branch's commit, or not at all.

        Where the target branch is checked out, that tree follows; where that tree
        has uncommitted changes, nothing is touched. Repeating it is harmless.

        Raises:
            ValueError: this branch does not contain ``expect``.
            RepositoryUnusable: git refused, with its words.
        """
        return await fast_forward(self._git, self.git_dir, self._target, await self.head(), expect)

    async def checkout_paths(self, commit: str, paths: list[str]) -> None:
        """Make files and folders of the tree what they are at ``commit``.

        A path that is not there at ``commit`` is removed; inside a folder that is
        there, files that ``commit`` does not know stay.

        Raises:
            PathEscape: a path leads out of the tree.
        """
        async with self._lock:
            await restore(self._git, self.git_dir, self.tree, commit, paths)

    async def write(self, path: str, text: str) -> None:
        """Write a file of the tree, UTF-8, line endings as given; makes folders.

        Raises:
            PathEscape: the path leads out of the tree.
        """
        data = text.encode("utf-8", "surrogateescape")
        with disk_errors():
            await to_its_end(lambda: ConfinedTree(self.tree).write(path, data))

    async def read(self, path: str) -> str | None:
        """A file's text, line endings as they are; None where there is no such file.

        Bytes that are not UTF-8 become lone surrogates, which :meth:`write` turns back.

        Raises:
            PathEscape: the path leads out of the tree.
            ModelMistake: it is no regular file, or larger than 10 MiB.
        """
        tree = ConfinedTree(self.tree)
        data = await asyncio.to_thread(tree.read_if_there, path, limit=FILE_BYTES)
        return None if data is None else data.decode("utf-8", "surrogateescape")

    async def _stage(self) -> str:
        return await stage(self._git, self.tree)
