"""The repository that ``neveridle init`` writes to, as far as it has to know it."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from neveridle.errors import RepositoryUnusable
from neveridle.tools.workspace.git import Git

ROADMAPS = ("roadmap.md", "roadmap.markdown")
PLACES = ("", "docs", "doc", ".github", "documentation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What was found out about a repository.

    Attributes:
        top: its top folder.
        branch: the branch to start from; empty: none can be told.
        empty: whether it has no commit yet.
        exclude: git's own list of files to leave alone, which is not part of the repository.
        roadmap: the path of its roadmap inside it; empty: it has none.
    """

    top: Path
    branch: str
    empty: bool
    exclude: Path
    roadmap: str


def look(folder: Path) -> Found:
    """The repository that a folder lies in.

    Raises:
        RepositoryUnusable: it lies in none, or the repository has no files of its own, or
            git is missing.
    """
    start = folder.resolve()
    top = next((one for one in (start, *start.parents) if (one / ".git").exists()), None)
    if top is None:
        msg = f"{start} is not inside a git repository."
        raise RepositoryUnusable(
            msg, remedy="Run `git init` and commit something first, or name another folder."
        )
    return asyncio.run(_ask(top))


async def _ask(top: Path) -> Found:
    git = Git(None, cwd=top)
    answer = await git.run(
        "rev-parse", "--path-format=absolute", "--git-path", "info/exclude", accept=(0, 128)
    )
    if answer.code != 0:
        msg = f"{top} is not a git repository that can be used: {answer.messages.strip()}."
        raise RepositoryUnusable(msg, remedy="Look at it with `git status`.")
    head = await git.run("rev-parse", "--verify", "--quiet", "HEAD", accept=(0, 1))
    return Found(
        top=top,
        branch=await _default_branch(git),
        empty=head.code != 0,
        exclude=Path(answer.text),
        roadmap=find_roadmap(top),
    )


async def _default_branch(git: Git) -> str:
    """What the remote calls its default, where that is here too; else what is checked out."""
    names: list[str] = []
    for ref in ("refs/remotes/origin/HEAD", "HEAD"):
        answer = await git.run("symbolic-ref", "--quiet", ref, accept=(0, 1, 128))
        if answer.code == 0:
            names.append(
                answer.text.removeprefix("refs/remotes/origin/").removeprefix("refs/heads/")
            )
    for name in (*names, "main", "master"):
        known = await git.run(
            "rev-parse", "--verify", "--quiet", f"refs/heads/{name}", accept=(0, 1)
        )
        if known.code == 0:
            return name
    return ""


def find_roadmap(top: Path) -> str:
    """The roadmap's path with ``/``, by its name in the usual places; empty: there is none."""
    for place in PLACES:
        folder = top / place
        if not folder.is_dir():
            continue
        names = sorted(name for name in os.listdir(folder) if name.lower() in ROADMAPS)  # noqa: PTH208 - names as they are written, on any file system
        for name in names:
            if (folder / name).is_file():
                return (Path(place) / name).as_posix()
    return ""


def exclude(path: Path, pattern: str) -> bool:
    """Add a pattern to git's own exclude file; whether it was not there before."""
    try:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        text = ""
    if pattern in (line.strip() for line in text.splitlines()):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    gap = "" if not text or text.endswith("\n") else "\n"
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(f"{gap}{pattern}\n")
    return True
