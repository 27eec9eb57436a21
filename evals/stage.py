"""Setting the stage: a fresh folder in which a recorded task can be run."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from pathlib import Path

from neveridle.errors import RepositoryUnusable, StageTaken
from neveridle.evals.checking import check_task
from neveridle.evals.recorded_task import RecordedTask
from neveridle.tools.workspace.git import Git

MARKER = ".neveridle-stage"
"""A folder that holds this file was made here, and may be replaced."""

BEFORE = ".neveridle-before.json"
"""What was so before the run; its being there says that the run has begun."""

FIRST_COMMIT = "2026-01-01T12:00:00+00:00"


async def set_up(task: RecordedTask, folder: Path) -> Path:
    """Lay out repository, settings, souls and recording; the path of the settings.

    Args:
        task: the recorded task.
        folder: where; one that an earlier run made is replaced.

    Raises:
        StageTaken: the folder holds something else.
        RecordingInvalid: a file of it is missing or broken, or what it expects can never hold.
        RepositoryUnusable: git is missing.
    """
    await asyncio.to_thread(check_task, task)
    try:
        await asyncio.to_thread(_lay_out, task, folder)
    except OSError as error:
        msg = f"{folder} cannot be written: {error.strerror}."
        raise StageTaken(msg, remedy="Choose another folder with --folder.") from error
    repository = folder / task.start.folder
    for arguments in (
        ("init", "--quiet", "--initial-branch", "main"),
        ("add", "--all"),
        ("commit", "--quiet", "--message", "The repository as it was"),
    ):
        await _git(repository, *arguments)
    return folder / "neveridle.toml"


def _lay_out(task: RecordedTask, folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / MARKER).is_file():
        msg = f"{folder} exists, and no earlier run made it."
        raise StageTaken(msg, remedy="Choose another folder with --folder.")
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    (folder / MARKER).write_text("made by neveridle; may be replaced\n", encoding="utf-8")
    skip = shutil.ignore_patterns("__pycache__", "*.pyc")
    source = task.folder
    shutil.copytree(source / task.start.repository, folder / task.start.folder, ignore=skip)
    shutil.copytree(source / task.start.souls, folder / "agents", ignore=skip)
    shutil.copyfile(source / task.start.team, folder / "neveridle.toml")
    if task.start.recording:
        shutil.copyfile(source / task.start.recording, folder / "recording.jsonl")
    if task.start.http:
        shutil.copyfile(source / task.start.http, folder / "http.jsonl")


async def changed_files(repository: Path, head: str) -> tuple[str, ...]:
    """Files that differ between the first commit and ``head``, by name."""
    listed = await Git(None, cwd=repository).run("rev-list", "--max-parents=0", head)
    first = listed.text.split("\n")[-1]
    found = await Git(None, cwd=repository).run("diff", "--name-only", "-z", first, head)
    return tuple(sorted(found.names))


def known_before(folder: Path) -> dict[str, bool] | None:
    """Which checks passed before the run, where a killed process has begun it; else None."""
    try:
        found: dict[str, bool] = json.loads((folder / BEFORE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def remember_before(folder: Path, before: dict[str, bool]) -> None:
    """Note that the run has begun, for whoever goes on with it."""
    draft = folder / f"{BEFORE}.tmp"
    draft.write_text(json.dumps(before), encoding="utf-8")
    draft.replace(folder / BEFORE)


async def _git(repository: Path, *arguments: str) -> None:
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(repository.parent),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_AUTHOR_NAME": "shelf", "GIT_AUTHOR_EMAIL": "shelf@example.invalid",
        "GIT_COMMITTER_NAME": "shelf", "GIT_COMMITTER_EMAIL": "shelf@example.invalid",
        "GIT_AUTHOR_DATE": FIRST_COMMIT, "GIT_COMMITTER_DATE": FIRST_COMMIT,
    }  # fmt: skip
    try:
        process = await asyncio.create_subprocess_exec(
            "git", *arguments, cwd=repository, env=environment,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
    except FileNotFoundError:
        msg = "git is not installed."
        raise RepositoryUnusable(msg, remedy="Install git 2.38 or newer.") from None
    _, errors = await process.communicate()
    if process.returncode != 0:
        msg = f"git {arguments[0]} failed in {repository}: {errors.decode(errors='replace')}"
        raise RepositoryUnusable(msg)
