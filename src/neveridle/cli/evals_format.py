"""``neveridle eval new``, ``schema`` and ``migrate``: the format of recorded tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neveridle.cli.options import JsonOption


def new_command(
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
    json: JsonOption = False,
) -> None:
    """Write a minimal recorded task that passes, to begin one's own from."""
    from neveridle.cli.screen import print_json, say
    from neveridle.evals.scaffold import new_task

    files = new_task(folder)
    if json:
        print_json({"folder": str(folder), "files": [str(path) for path in files]})
        return
    say(f"A recorded task in {folder}: {len(files)} files.")
    say(f"Play it with: neveridle eval run {folder}")


def schema_command(
    results: Annotated[
        bool, typer.Option("--results", help="Of the results of a run instead.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Print the JSON Schema of a recorded task's task.toml."""
    from neveridle.evals.json_schema import schema_text

    typer.echo(schema_text("results" if results else "task"), nl=False)


def migrate_command(
    folder: Annotated[Path, typer.Argument(help="A recorded task.")],
    json: JsonOption = False,
) -> None:
    """Bring a recorded task's task.toml to the version of today; its comments stay."""
    from neveridle.cli.screen import print_json, say
    from neveridle.evals.migration import migrate_task

    done = migrate_task(folder)
    if json:
        print_json({"folder": str(folder), "changed": done})
    elif done:
        say(f"{folder / 'task.toml'} now says: {', '.join(done)}")
    else:
        say(f"{folder / 'task.toml'} is of this version already.")
