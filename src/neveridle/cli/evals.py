"""``neveridle eval``: run recorded tasks, and see whether what must hold holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from neveridle.cli.evals_compaction import compaction_command
from neveridle.cli.evals_import import taubench_command, transcript_command
from neveridle.cli.evals_memory import memory_command
from neveridle.cli.options import JsonOption

app = typer.Typer(help="Run recorded tasks, and see whether what must hold holds.")


@app.callback()
def group() -> None:
    """Run recorded tasks, and see whether what must hold holds."""


app.command("compaction")(compaction_command)
app.command("memory")(memory_command)
app.command("tau-bench")(taubench_command)
app.command("transcript")(transcript_command)


@app.command("list")
def list_command(json: JsonOption = False) -> None:
    """List the recorded tasks that come with neveridle."""
    from neveridle.cli.screen import console, print_json, table
    from neveridle.evals import load_task, shipped_tasks

    tasks = [load_task(folder) for folder in shipped_tasks().values()]
    if json:
        print_json([{"name": t.name, "title": t.title, "provenance": t.provenance} for t in tasks])
        return
    rows = [(task.name, task.provenance, task.title) for task in tasks]
    console().print(table("name", "recording", "title", rows=rows))


@app.command("run")
def run_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Recorded tasks: names of shipped ones, or folders. None: all."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Where to play them, and keep what came of it."),
    ] = None,
    model: Annotated[
        str,
        typer.Option("--model", metavar="NAME", help="A live model in place of the recorded one."),
    ] = "",
    json: JsonOption = False,
) -> None:
    """Play recorded tasks; exit code 1 where an expectation does not hold."""
    import tempfile

    from neveridle.cli.interrupt import Interruption, leave
    from neveridle.cli.played import facts_of, print_scores, shown
    from neveridle.cli.screen import print_json, say
    from neveridle.evals import find_task, load_task, play, score, shipped_tasks

    tasks = [load_task(find_task(name)) for name in names or list(shipped_tasks())]
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="neveridle-eval-") as temporary:
        root = Path(temporary) if folder is None else folder.absolute()
        for task in tasks:
            with Interruption(lambda: None) as interruption:
                played = interruption.run(
                    play(
                        task,
                        root / task.name,
                        model=model,
                        shown=lambda team: shown(team, quiet=json),
                    )
                )
            if played is None:
                leave(interruption.exit_code)
            scores = score(played, task.expect)
            passed = all(one.passed for one in scores)
            results.append({"task": task.name, "passed": passed, **facts_of(played, scores)})
            if not json:
                say()
                print_scores(scores)
                say()
                say(f"{task.name}: {'passed' if passed else 'FAILED'} in {played.seconds:.1f} s")
    if json:
        print_json(results)
    if not all(result["passed"] for result in results):
        raise typer.Exit(1)
