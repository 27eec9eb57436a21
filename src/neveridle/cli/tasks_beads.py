"""``neveridle tasks import`` and ``export``: moving over from Beads, and back."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board
    from neveridle.board.beads.report import Imported

STREAM = "-"


def import_command(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="Beads' JSONL, such as .beads/issues.jsonl; -: stdin."),
    ],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Take over the backlog of a team that used Beads: all of the file, or nothing of it.

    Read again, only what changed in the file changes here, and nothing that the team does or
    did is undone.
    """
    from neveridle.board.beads.reading import read_issues
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import print_json, say
    from neveridle.cli.tasks_plan import skills_of

    settings = load(config)
    agents = list(skills_of(settings))
    name = "stdin" if file == STREAM else file
    reading = read_issues(_read(file), name)

    async def work(board: Board) -> Imported:
        return await board.beads.take(reading, agents=agents)

    done = on_board(settings, work, create=True)
    if json:
        print_json({"file": name, **done.as_dict()})
        return
    for line in _told(done, name):
        say(line, lines=False)


def _read(file: str) -> bytes:
    from neveridle.errors import ImportInvalid

    if file == STREAM:
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        msg = f"{file} cannot be read: {error.strerror or error}."
        remedy = "Name a file of issues: `bd export -o issues.jsonl` writes one."
        raise ImportInvalid(msg, remedy=remedy) from error


def _told(done: Imported, name: str) -> list[str]:
    if not done.changed:
        return [f"{done.read:,} issues in {name}; nothing changed. Ready: {done.ready:,}."]
    counts = [
        (done.new, "new"), (done.updated, "updated"), (done.completed, "closed"),
        (done.reopened, "reopened"), (done.held, "held or free again"), (done.cancelled, "deleted"),
        (done.dependencies, "dependencies added"), (done.released, "dependencies removed"),
    ]  # fmt: skip
    told = ", ".join(f"{count:,} {what}" for count, what in counts if count) or "no task changed"
    lines = [f"{done.read:,} issues in {name}: {told}. Ready: {done.ready:,}."]
    if done.tombstones:
        lines.append(f"{done.tombstones:,} of them were deleted in Beads and are no tasks.")
    if done.loose:
        lines.append(f"{done.loose:,} ties lead to issues that are not there, and hold nothing up.")
    if done.missing:
        lines.append(f"{done.missing:,} issues read earlier are not in it; they stay as they are.")
    if done.repeated:
        lines.append(
            f"Ids that occur more than once, of which the last counts: {_some(done.repeated)}."
        )
    for circle in done.circles[:10]:
        lines.append(f"Circle, so its tasks are blocked for a person: {' → '.join(circle)}.")
    if len(done.circles) > 10:
        lines.append(f"… and {len(done.circles) - 10:,} more circles; --json has them all.")
    return lines


def _some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (" …" if len(names) > 10 else "")


def export_command(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to; -: stdout.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Write the backlog as Beads' JSONL, with all that the team did; the file appears whole."""
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import print_json, say

    async def work(board: Board) -> bytes:
        return await board.beads.export()

    data = on_board(load(config), work, create=False)
    if file == STREAM:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        return
    _write(Path(file), data)
    count = data.count(b"\n")
    if json:
        print_json({"file": file, "issues": count, "bytes": len(data)})
    else:
        say(f"{count:,} records in {file}.", lines=False)


def _write(path: Path, data: bytes) -> None:
    """Put a file in its place whole, or not at all; it keeps the permissions it had."""
    import os
    import tempfile

    from neveridle.errors import ImportInvalid

    target = path.resolve() if path.is_symlink() else path
    partial = None
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        handle, partial = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
        Path(partial).chmod(mode)
        Path(partial).replace(target)
    except OSError as error:
        if partial is not None:
            Path(partial).unlink(missing_ok=True)
        msg = f"{path} cannot be written: {error.strerror or error}."
        raise ImportInvalid(msg, remedy="Name a file in a folder that is there.") from error
