"""The only ways in which a workspace writes to the repository."""

from __future__ import annotations

import asyncio
import fcntl
import os
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

from neveridle.board.simulation import host_seconds
from neveridle.errors import RepositoryUnusable, StateConflict
from neveridle.tools.threads import to_its_end
from neveridle.tools.workspace.git import GIT_SECONDS, OFF, Git, disk_errors, failure, shell_command
from neveridle.tools.workspace.results import PublishResult

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from neveridle.tools.workspace.git import Answer
    from neveridle.tools.workspace.repository import Repository

PUSH = ("push", "--quiet", "--no-verify", "--no-signed", "--recurse-submodules=no")
DURABLE = {
    "core.fsync": "committed,loose-object,reference",
    "core.fsyncMethod": "batch",  # one flush for all objects of a push
}
"""What has arrived is on the disk: by default git leaves objects and branches to the system's
cache, and after a power cut the board would say of lost work that it was merged."""
LOCK_SECONDS = 60.0
LOCK_POLL = 0.01
HELD_SECONDS = 30.0
"""How long another git may hold a lock that is in the way of a merge."""
HELD_POLL = 0.5

FOLLOW = """
git_dir=$1 ref=$2 commit=$3 expect=$4; shift 4
GIT_DIR=$git_dir git "$@" || exit 3
git update-index -q --refresh --ignore-submodules
git read-tree -m -u "$expect" "$commit" && exit 0
git update-ref "$ref" "$expect" "$commit" && exit 4
exit 5
"""
"""Moves the branch, then the tree that has it checked out; undoes the first where the
second is refused. One program, so that killing us cannot come between the two.

git's own receive.denyCurrentBranch=updateInstead changes the tree before it has the
branch: a person's commit in between would leave them the wrong files.
"""


async def publish(git: Git, target: Repository, published: Path, branch: str, commit: str) -> str:
    """Push ``commit`` to the repository's ``branch``; see ``Workspace.publish_branch``.

    What we are about to publish is noted first, in ``published``: a tip found in
    the repository later is ours, and may be replaced, when it is in those notes.
    """
    ref = f"refs/heads/{branch}"
    if ref == target.ref:
        raise StateConflict(f"{branch!r} is the target branch: it is merged to, not published.")
    there = await target.git.commit_at(ref)
    if there == commit:
        return commit
    notes = published / quote(branch, safe="")
    known = await asyncio.to_thread(_noted, notes)
    if there is not None and there not in known and not await git.contains(commit, there):
        raise StateConflict(
            f"The repository has a branch {branch!r} whose tip {there[:12]} is not ours.",
            remedy="Merge, rename or delete it; it is left as it is.",
        )
    with disk_errors():
        await to_its_end(lambda: _note(notes, commit))
    receiver = {**OFF, **DURABLE, "receive.denyCurrentBranch": "refuse"}
    answer = await git.run_to_end(*PUSH, *_where(target, receiver, commit, ref, there or ""))
    if answer.code != 0 and await target.git.commit_at(ref) != commit:
        if "stale info" in answer.messages or "reference already exists" in answer.messages:
            raise StateConflict(f"Somebody else moved the branch {branch!r} meanwhile.")
        raise failure("push", answer.messages)
    return commit


async def fast_forward(
    git: Git, git_dir: Path, target: Repository, commit: str, expect: str
) -> PublishResult:
    """Move the target branch by compare-and-swap; see ``Workspace.fast_forward_target``.

    Where another git holds one of its own locks it is tried again for a while: that lasts for
    moments, and is no reason to call a person. A lock that a dead git left behind is one.
    """
    until = host_seconds() + HELD_SECONDS
    while True:
        found = await _tried(git, git_dir, target, commit, expect)
        if isinstance(found, PublishResult):
            return found
        if not _held(found) or host_seconds() >= until:
            return await _outcome(git, target, commit, expect, found)
        await asyncio.sleep(HELD_POLL)


def _held(answer: Answer) -> bool:
    """Whether another git was just busy there, and nothing has moved."""
    return answer.code not in (0, 5) and ".lock': File exists" in answer.messages


async def _tried(
    git: Git, git_dir: Path, target: Repository, commit: str, expect: str
) -> PublishResult | Answer:
    """What came of one try; or what git said, which ``_outcome`` understands."""
    async with _alone(target.common_dir) as lock:
        now = await target.head()
        if now == commit:
            return PublishResult("done", commit)
        if now != expect:
            return PublishResult("moved", now)
        if not await git.contains(commit, expect):
            msg = f"{commit} does not contain {expect}: merge the target branch first"
            raise ValueError(msg)
        dirty = await _in_the_way(git, target, commit, expect)
        if dirty:
            return PublishResult("dirty", now, dirty)
        return await _move(git, git_dir, target, commit, expect, lock)


async def _move(
    git: Git, git_dir: Path, target: Repository, commit: str, expect: str, lock: int
) -> Answer:
    # "ignore": the tree is not receive-pack's business, it follows in FOLLOW.
    rules = {"receive.denyCurrentBranch": "ignore", "receive.denyNonFastForwards": "true"}
    push = (*PUSH, *_where(target, {**OFF, **DURABLE, **rules}, commit, target.ref, expect))
    tree = await target.worktree_of(target.ref)
    limit = 5 * GIT_SECONDS
    if tree is None:
        return await git.run_to_end(*push, time_limit=limit, pass_fds=[lock])
    there = await target.in_tree(tree)
    facts = (str(git_dir), target.ref, commit, expect)
    return await there.run_to_end(
        *("-c", FOLLOW, "sh", *facts, *push), program="/bin/sh", time_limit=limit, pass_fds=[lock]
    )


async def _outcome(
    git: Git, target: Repository, commit: str, expect: str, answer: Answer
) -> PublishResult:
    now = await target.head()
    if answer.code == 0 and await git.contains(now, commit):
        return PublishResult("done", now)
    if answer.code == 5:
        raise RepositoryUnusable(
            f"{target.branch} has moved to {commit[:12]}, but its tree could not follow: "
            f"{answer.messages.strip()}",
            remedy="Look at git status there; git reset --hard brings the tree along.",
        )
    if now != expect:
        return PublishResult("moved", now)
    in_the_way = await _in_the_way(git, target, commit, expect)
    if in_the_way:
        return PublishResult("dirty", now, in_the_way)
    raise failure("push", answer.messages)


async def _in_the_way(git: Git, target: Repository, commit: str, expect: str) -> list[str]:
    """Files a person changed, and untracked ones that ``commit`` would overwrite."""
    dirty = await target.dirty_files()
    if dirty:
        return dirty
    touched = await git.run("diff-tree", "-r", "-z", "--name-only", expect, commit)
    return await target.untracked_files(touched.names)


def _where(
    target: Repository, receiver: dict[str, str], commit: str, ref: str, expect: str
) -> tuple[str, ...]:
    """Push arguments: one commit to one ref that points at ``expect`` (empty: at nothing)."""
    return (
        f"--receive-pack={shell_command(receiver, 'git receive-pack')}",
        f"--force-with-lease={ref}:{expect}",
        str(target.common_dir),
        f"{commit}:{ref}",
    )


@asynccontextmanager
async def _alone(folder: Path) -> AsyncGenerator[int]:
    """Hold the lock of a repository's folder among processes that work like us.

    The open folder is yielded, to be inherited by whoever must finish the work:
    the lock then lasts until it has. Without it (some network file systems)
    branches are still safe, but a tree may be called dirty by mistake.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        until = host_seconds() + LOCK_SECONDS
        while host_seconds() < until:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(LOCK_POLL)
            except OSError:  # not supported there
                break
            else:
                break
        yield opened
    finally:
        os.close(opened)


def _noted(notes: Path) -> set[str]:
    try:
        return set(notes.read_text(encoding="ascii").split())
    except FileNotFoundError:
        return set()


def _note(notes: Path, commit: str) -> None:
    notes.parent.mkdir(parents=True, exist_ok=True)
    with notes.open("a", encoding="ascii") as file:
        file.write(f"{commit}\n")
