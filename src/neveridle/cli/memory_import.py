"""``neveridle memory import``: memories from JSON lines."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board
    from neveridle.memory import Memory
    from neveridle.memory.exchange import Imported

STREAM = "-"


def import_command(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A JSON object on each line; -: stdin.")
    ],
    agent: Annotated[
        str | None, typer.Option("--agent", help="Whose they are where a line does not say.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Import nothing if a single line is bad.")
    ] = False,
    trusted: Annotated[
        bool, typer.Option("--trusted", help="You vouch for what the file calls trusted.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Remember what stands in JSON lines; each needs `text` and `agent`.

    Bad lines are named and passed over. Imported again, a file adds only what is new.
    Ends with 1 if a line was bad.
    """
    from neveridle.cli.failure import FAILED
    from neveridle.cli.memory_opened import on_memory
    from neveridle.cli.project import load
    from neveridle.cli.screen import print_json

    settings = load(config)
    progress = None if json or not sys.stderr.isatty() else _told

    async def work(memory: Memory, board: Board) -> Imported:
        if file == STREAM:
            return await memory.import_(
                _again(sys.stdin.buffer, strict), agent=agent, strict=strict, trust=trusted,
                progress=progress,
            )  # fmt: skip
        return await memory.import_(
            Path(file), agent=agent, strict=strict, trust=trusted, progress=progress
        )

    done = on_memory(settings, work, create=True)
    if progress is not None:
        sys.stderr.write("\r\x1b[K")
    if json:
        print_json({"file": file, **done.as_dict()})
    else:
        _tell(done)
    if done.bad:
        raise typer.Exit(FAILED)


def _again(stream: IO[bytes], strict: bool) -> IO[bytes]:
    """The stream as something that can be read twice, where that is needed."""
    if not strict:
        return stream
    import shutil
    import tempfile

    held = tempfile.TemporaryFile()  # noqa: SIM115 - gone when nobody holds it any more
    shutil.copyfileobj(stream, held)
    held.seek(0)
    return held


def _told(count: int) -> None:
    sys.stderr.write(f"\r\x1b[K{count:,} lines")
    sys.stderr.flush()


def _tell(done: Imported) -> None:
    from neveridle.cli.screen import say

    say(f"{done.added:,} memories are new; {done.known:,} of {done.read:,} were known already.")
    if done.unknown:
        named = ", ".join(f"{name} ({count:,})" for name, count in list(done.unknown.items())[:10])
        say(f"Fields that are none of ours were left out: {named}.", lines=False)
    for number, reason in done.problems[:_SHOWN]:
        say(f"Line {number:,} is passed over: {reason}.", err=True, lines=False)
    if done.bad > _SHOWN:
        say(f"… and {done.bad - _SHOWN:,} more.", err=True)


_SHOWN = 20
