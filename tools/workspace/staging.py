"""From a working tree to a tree object, by plumbing that runs nothing."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

from neveridle.errors import ModelMistake, RepositoryUnusable
from neveridle.tools.repository.confined import ConfinedTree
from neveridle.tools.repository.paths import split_path
from neveridle.tools.threads import to_its_end
from neveridle.tools.workspace.git import GIT_SECONDS, Git, disk_errors
from neveridle.tools.workspace.sweeping import sweep_git

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOTES = ".context/WORKING.md"
"""A task's working memory: an agent's own, and never a part of its work."""


async def stage(git: Git, tree: Path) -> str:
    """Put all that is not ignored into the index; returns the id of its tree.

    ``git add`` is not used: it takes folders with a ``.git`` for submodules, and
    asks git inside them for their state, under their configuration.
    """
    await to_its_end(lambda: sweep_git(tree))
    new = await git.run("ls-files", "-z", "--others", "--exclude-standard")
    changed = await git.run("diff-files", "-z", "--name-only", "--ignore-submodules=all")
    # By its name, not by an exclude: a repository's own .gitignore could take that back.
    others = [name for name in new.names if name != NOTES]
    names = [name for name in (*changed.names, *others) if not name.endswith("/")]
    if names:
        given = "".join(f"{name}\0" for name in names).encode("utf-8", "surrogateescape")
        try:
            answer = await git.run(
                *("update-index", "--add", "--remove", "-z", "--stdin"),
                given=given,
                time_limit=5 * GIT_SECONDS,
            )
        except RepositoryUnusable as error:
            _check_stored(error.message)
            raise
        _check_stored(answer.messages)
    return await git.line("write-tree")


def _check_stored(messages: str) -> None:
    """Raise for a file that git left out: a name that is unsafe somewhere, or unreadable."""
    refused = re.search(r"(?:Unable to process|Ignoring) path (.*)", messages)
    if refused is not None:
        raise ModelMistake(
            f"git cannot store {refused[1]!r}: {messages.strip()[:500]}",
            remedy="Rename or remove it.",
        )


def identity(name: str, email: str) -> dict[str, str]:
    """The variables that name a commit's author; what git forbids in them is dropped."""

    def plain(text: str) -> str:
        return re.sub(r"[<>\x00-\x1f\x7f]", " ", text).strip(" .,:;\"'")

    return {
        "GIT_AUTHOR_NAME": plain(name) or "neveridle",
        "GIT_AUTHOR_EMAIL": plain(email) or "neveridle@localhost",
    }


async def write_commit(
    git: Git, tree: str, parents: Sequence[str], message: str, author: dict[str, str]
) -> str:
    """Write a commit object; no branch moves."""
    text = message.replace("\0", "").strip() or "Work"
    answer = await git.run(
        "commit-tree",
        tree,
        *(part for parent in parents for part in ("-p", parent)),
        *("-F", "-"),
        given=f"{text}\n".encode("utf-8", "replace"),
        env=author,
    )
    return answer.text


async def restore(git: Git, git_dir: Path, tree: Path, commit: str, paths: Sequence[str]) -> None:
    """Make paths of the tree what they are at ``commit``; see ``Workspace.checkout_paths``."""
    wanted = ["/".join(split_path(path)) for path in paths]
    names: list[str] = []
    for path in wanted:
        listed = await git.run(
            "ls-tree", "-r", "-z", "--name-only", commit, *(["--", path] if path else [])
        )
        names += listed.names
        if not listed.names:
            with disk_errors():
                await to_its_end(partial(ConfinedTree(tree).remove, path))
    if not names:
        return
    index = git_dir / "restore.index"  # the work tree's own index is not disturbed
    aside = Git(git_dir, tree, index=index)
    try:
        await aside.run("read-tree", commit)
        given = "".join(f"{name}\0" for name in names).encode("utf-8", "surrogateescape")
        await aside.run("checkout-index", "--force", "-z", "--stdin", given=given)
    finally:
        await to_its_end(lambda: index.unlink(missing_ok=True))
