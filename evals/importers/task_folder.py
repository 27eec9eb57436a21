"""A recorded task made of transcripts: what ``neveridle eval run`` plays."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from neveridle.errors import StageTaken
from neveridle.evals.recorded_task import FILE, SCHEMA

AGENT: Final = "imported"
SOUL: Final = f"""\
---
role: assistant
skills: []
---

# {AGENT.upper()}

You do what the task says.
"""
TEAM: Final = """\
# The team of imported transcripts: one agent, whose answers are recorded.

[team]
name = "imported"
repository = "project"
branch = "main"

[model]
default = "replay:recording.jsonl"

# Nothing is known of what must hold: put the project's own checks here.
[checks]
any = "true"

[limits]
attempts = 1
model_calls = {calls}
tool_calls = {calls}
stuck_repeats = 0 # what was recorded is gone through to its end
stuck_rounds = 0

[memory]
enabled = false # lessons would be drawn by a model, and none is recorded for that
"""
README: Final = "# An imported transcript\n\nThe transcript does not say what files there were.\n"


@dataclass(frozen=True, slots=True)
class TaskOf:
    """A task on the board, from one transcript.

    Attributes:
        title: what the recording is keyed by.
        description: what the agent is told.
    """

    title: str
    description: str


def write_task_folder(
    folder: Path, tasks: Sequence[TaskOf], *, steps: int, source: str, repository: Path | None
) -> None:
    """Write all of a recorded task but its recording.

    Args:
        folder: of the recorded task; it is there.
        tasks: one for each transcript.
        steps: of the longest.
        source: the name of the file of the transcripts.
        repository: files that the tasks start from; None: nearly none.

    Raises:
        StageTaken: it cannot be written, or something is there already.
    """
    try:
        _write(folder / "neveridle.toml", TEAM.format(calls=10 * steps + 50))
        (folder / "agents").mkdir(exist_ok=True)
        _write(folder / "agents" / f"{AGENT}.md", SOUL)
        if repository is None:
            (folder / "repository").mkdir()
            _write(folder / "repository" / "README.md", README)
        else:
            skip = shutil.ignore_patterns(".git", "__pycache__", "*.pyc")
            shutil.copytree(repository, folder / "repository", ignore=skip)
        _write(folder / FILE, _task(tasks, source))
    except OSError as error:
        msg = f"{error.filename or folder} cannot be written: {error.strerror or error}."
        raise StageTaken(msg, remedy="Choose another folder with --into.") from error


def _task(tasks: Sequence[TaskOf], source: str) -> str:
    lines = [
        f"schema = {SCHEMA}",
        f"title = {_text(f'Transcripts of {source}')}",
        'provenance = "authored"',
        'tags = ["imported"]',
        "",
        "[start]",
        'repository = "repository"',
        "",
        "[expect]",
        f"completed = {len(tasks)}",
    ]
    for one in tasks:
        lines += [
            "",
            "[[tasks]]",
            'source = "dispatch"',
            f"title = {_text(one.title)}",
            f'agent = "{AGENT}"',
            f"description = {_text(one.description)}",
            "needs_change = false",
        ]
    return "\n".join(lines) + "\n"


def _text(text: str) -> str:
    """A string of TOML: as in JSON, but for what TOML forbids."""
    whole = text.encode("utf-8", "replace").decode()
    return json.dumps(whole, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        file.write(text)
