"""Merging without a working tree, so that a conflict leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.errors import StateConflict
from neveridle.tools.workspace.git import GIT_SECONDS
from neveridle.tools.workspace.results import MergeResult
from neveridle.tools.workspace.staging import write_commit

if TYPE_CHECKING:
    from neveridle.tools.workspace.git import Git


async def merge(
    git: Git,
    ref: str,
    *,
    ours: str,
    theirs: str,
    staged: str,
    message: str,
    author: dict[str, str],
    always: bool,
    other_first: bool,
) -> MergeResult:
    """Merge ``theirs`` into ``ours``, move ``ref`` and the tree; see ``Workspace.merge``.

    ``staged`` is the tree object of the working tree as it is.
    """
    if staged != await git.line("rev-parse", f"{ours}^{{tree}}"):
        raise StateConflict(
            "The workspace has changes that are not committed.", remedy="Commit them, then merge."
        )
    if not always and await git.contains(ours, theirs):
        return MergeResult(ours)
    if not always and await git.contains(theirs, ours):
        commit = theirs
    else:
        merged = await git.run(
            *("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"),
            *((theirs, ours) if other_first else (ours, theirs)),
            accept=(0, 1),
        )
        tree, *conflicts = merged.names
        if merged.code == 1:
            return MergeResult(None, sorted(set(conflicts)))
        parents = [theirs, ours] if other_first else [ours, theirs]
        commit = await write_commit(git, tree, parents, message, author)
    # The tree first: cut short here, it holds the merged files uncommitted, while a
    # branch ahead of its tree would look as if somebody had undone the other's work.
    await git.run("read-tree", "--reset", "-u", commit, time_limit=5 * GIT_SECONDS)
    await git.run("update-ref", ref, commit, ours)
    return MergeResult(commit)


MERGING = "refs/neveridle/merging"
"""The commit whose merge is under way: the second parent of the next commit."""


async def begin(git: Git, *, ours: str, theirs: str) -> list[str]:
    """Put the conflicted merge of ``theirs`` into the tree; see ``Workspace.begin_merge``."""
    merged = await git.run(
        *("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages"),
        *(ours, theirs),
        accept=(0, 1),
    )
    tree, *conflicts = merged.names
    # The tree first: cut short here it is work like any other. A second parent without its
    # files would look as if somebody had undone them.
    await git.run("read-tree", "--reset", "-u", tree, time_limit=5 * GIT_SECONDS)
    await git.run("update-ref", MERGING, theirs)
    return sorted(set(conflicts))


async def parents_of(git: Git, head: str) -> list[str]:
    """The parents of the next commit: the head, and what is being merged."""
    merging = await git.commit_at(MERGING)
    if merging is None or await git.contains(head, merging):
        return [head]
    return [head, merging]


async def end(git: Git) -> None:
    """No merge is under way any more."""
    await git.run("update-ref", "-d", MERGING)
