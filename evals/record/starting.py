"""What a recorded task starts from: files of a repository, souls, open tasks of a board."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from neveridle.board import Board, Source, Task, TaskState
from neveridle.errors import RepositoryUnusable
from neveridle.evals.recorded_task import StartTask

if TYPE_CHECKING:
    from neveridle.settings import Settings
    from neveridle.tools.workspace.repository import Repository

LARGEST: Final = 1024 * 1024
"""Bytes of a file that is taken."""
MOST: Final = 32 * 1024 * 1024
"""Bytes of all files together."""
FILES: Final = 5_000
"""Files that are taken."""
TASKS: Final = 500
"""Open tasks that are taken."""
_PLAIN: Final = {"100644": False, "100755": True}


@dataclass(slots=True)
class Taken:
    """What was taken of a project.

    Attributes:
        tasks: open tasks of the board, each after those it waits for.
        files: how many files of the repository.
        left_out: what was not taken, and why, in words.
    """

    tasks: list[StartTask] = field(default_factory=list[StartTask])
    files: int = 0
    left_out: list[str] = field(default_factory=list[str])


async def take(settings: Settings, folder: Path) -> Taken:
    """Copy a project's start to the folder of a recorded task; the project is only read.

    Args:
        settings: the project's.
        folder: gets ``repository`` and ``agents``.

    Raises:
        RepositoryUnusable: there is no repository, or no file in it that could be taken.
    """
    from neveridle.tools.workspace.repository import Repository

    taken = Taken()
    repository = Repository(settings.repository, settings.team.branch)
    await repository.open()
    await _files(repository, folder / "repository", taken)
    souls = settings.path(settings.team.souls)
    await asyncio.to_thread(_copy_souls, souls, folder / "agents")
    await _tasks(settings, taken)
    return taken


async def _files(repository: Repository, folder: Path, taken: Taken) -> None:
    head = await repository.head()
    listed = await repository.git.run(
        "ls-tree", "-r", "-z", "-l", "--full-tree", head, keep=16 * 1024 * 1024
    )
    wanted: list[tuple[str, str, bool]] = []
    total = 0
    for row in listed.names:
        about, _, name = row.partition("\t")
        mode, kind, blob, size = about.split()
        if mode not in _PLAIN:
            what = "a submodule" if kind == "commit" else "a link"
            taken.left_out.append(f"{name}: {what}")
        elif int(size) > LARGEST:
            taken.left_out.append(f"{name}: {int(size):,} bytes")
        elif total + int(size) > MOST or len(wanted) >= FILES:
            taken.left_out.append(f"{name}: the repository is too large")
        else:
            total += int(size)
            wanted.append((name, blob, _PLAIN[mode]))
    if not wanted:
        msg = f"{repository.path} has no file that could be taken."
        raise RepositoryUnusable(msg, remedy="Commit what the team is to work on.")
    given = "".join(f"{blob}\n" for _, blob, _ in wanted).encode("ascii")
    found = await repository.git.run(
        "cat-file", "--batch", given=given, keep=total + 200 * len(wanted) + 1024
    )
    await asyncio.to_thread(_write, folder, wanted, found.out)
    taken.files = len(wanted)
    dirty = await repository.dirty_files()
    if dirty:
        shown = ", ".join(dirty[:5])
        taken.left_out.append(f"uncommitted changes in {len(dirty)} files ({shown})")


def _write(folder: Path, wanted: Sequence[tuple[str, str, bool]], out: bytes) -> None:
    place = 0
    for name, _, executable in wanted:
        end = out.index(b"\n", place)
        size = int(out[place:end].rsplit(b" ", 1)[1])
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(out[end + 1 : end + 1 + size])
        if executable:
            target.chmod(0o755)
        place = end + 1 + size + 1


def _copy_souls(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("*.md")):
        shutil.copyfile(path, folder / path.name)


async def _tasks(settings: Settings, taken: Taken) -> None:
    """Open tasks that people or agents put on the board; the other rungs find theirs again."""
    if not await asyncio.to_thread(_has_board, settings.board_url):
        return
    over = (TaskState.COMPLETED, TaskState.CANCELLED)
    async with Board(settings.board_url) as board:
        states = [state for state in TaskState if state not in over]
        found = await board.tasks.find(states=states, limit=TASKS + 1)
        blockers = {one.id: await board.tasks.blockers(one.id) for one in found}
    if len(found) > TASKS:
        taken.left_out.append(f"open tasks beyond {TASKS}")
    ours = [one for one in found[:TASKS] if _is_ours(one)]
    others = len(found[:TASKS]) - len(ours)
    if others:
        taken.left_out.append(f"{others} open tasks of roadmap, improvement, tracker or handoff")
    titles: dict[int, str] = {}
    left = {one.id: one for one in ours}
    while left:
        ready = (one for one in left.values() if not any(on in left for on in blockers[one.id]))
        one = next(ready, next(iter(left.values())))  # no circle can be; it would not end
        titles[one.id] = _unique(one.title, titles)
        after = tuple(titles[on] for on in blockers[one.id] if on in titles)
        taken.tasks.append(_start(one, titles[one.id], after))
        del left[one.id]


def _has_board(url: str) -> bool:
    """Whether there is a board; opening would make one on SQLite."""
    return not url.startswith("sqlite:///") or Path(url.removeprefix("sqlite:///")).exists()


def _is_ours(task: Task) -> bool:
    """Whether it is known by nothing but the board."""
    plain = task.source in (Source.DISPATCH, Source.BACKLOG)
    return plain and task.ref is None and task.continues is None


def _unique(title: str, titles: dict[int, str]) -> str:
    number, made = 1, title
    while made in titles.values():
        number += 1
        made = f"{title} ({number})"
    return made


def _start(task: Task, title: str, after: tuple[str, ...]) -> StartTask:
    return StartTask.model_validate(
        {
            "source": str(task.source),
            "title": title,
            "description": task.description,
            "agent": task.assignee or "",
            "ticket": task.ticket,
            "priority": task.priority.name.lower(),
            "skills": task.skills,
            "after": after,
            "acceptance": task.acceptance,
            "needs_change": task.needs_change,
            "budget": task.budget,
            "services": task.services,
        }
    )
