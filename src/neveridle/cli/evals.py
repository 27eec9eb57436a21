"""``neveridle eval``: run recorded tasks, and see whether what must hold holds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.evals_compaction import compaction_command
from neveridle.cli.evals_compare import compare_command
from neveridle.cli.evals_format import migrate_command, new_command, schema_command
from neveridle.cli.evals_import import taubench_command, transcript_command
from neveridle.cli.evals_memory import memory_command
from neveridle.cli.evals_record import record_command
from neveridle.cli.evals_report import report_command
from neveridle.cli.options import JsonOption

if TYPE_CHECKING:
    from neveridle.evals.result import CaseResult

app = typer.Typer(help="Run recorded tasks, and see whether what must hold holds.")


@app.callback()
def group() -> None:
    """Run recorded tasks, and see whether what must hold holds."""


app.command("compaction")(compaction_command)
app.command("compare")(compare_command)
app.command("memory")(memory_command)
app.command("record")(record_command)
app.command("migrate")(migrate_command)
app.command("new")(new_command)
app.command("schema")(schema_command)
app.command("tau-bench")(taubench_command)
app.command("transcript")(transcript_command)
app.command("report")(report_command)


@app.command("list")
def list_command(json: JsonOption = False) -> None:
    """List the recorded tasks that come with neveridle."""
    from neveridle.cli.screen import console, print_json, table
    from neveridle.evals import load_task, shipped_tasks

    tasks = [load_task(folder) for folder in shipped_tasks().values()]
    if json:
        print_json(
            [
                {"name": t.name, "title": t.title, "provenance": t.provenance, "tags": t.tags}
                for t in tasks
            ]
        )
        return
    rows = [(task.name, task.provenance, " ".join(task.tags), task.title) for task in tasks]
    console().print(table("name", "recording", "tags", "title", rows=rows))


@app.command("run")
def run_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SUITE]...",
            help="Recorded tasks: names of shipped ones, folders, or folders of folders. "
            "None: all that are shipped.",
        ),
    ] = None,
    keyword: Annotated[
        str,
        typer.Option("-k", metavar="WORD", help="Only those with this in their name or tags."),
    ] = "",
    repeat: Annotated[
        int, typer.Option("--repeat", min=1, max=1000, help="How often each is run.")
    ] = 1,
    seed: Annotated[
        int, typer.Option("--seed", help="What chance is seeded with in the first run of each.")
    ] = 0,
    model: Annotated[
        str,
        typer.Option("--model", metavar="NAME", help="A live model in place of the recorded one."),
    ] = "",
    lenient: Annotated[
        bool,
        typer.Option("--lenient", help="Answer requests that differ from the recorded ones."),
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option("--workers", "-j", min=1, help="How many at once. Unset: one per processor."),
    ] = None,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Where to play them, and keep what came of it."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where to write the results, for `eval compare`."),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Where to write the results as JUnit XML.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Where to write the results as one page.")
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", help="Fail where a score fell by more than noise since then."),
    ] = None,
    write_baseline: Annotated[
        Path | None,
        typer.Option("--write-baseline", help="Where to write what later runs are held against."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Run recorded tasks; exit code 1 where an expectation does not hold, or one got worse."""
    from neveridle.cli.evals_shown import print_gate, print_results
    from neveridle.cli.interrupt import Interruption, leave
    from neveridle.cli.screen import print_json, say
    from neveridle.evals import find_tasks
    from neveridle.evals import report as reports
    from neveridle.evals.suite import run_suite
    from neveridle.tools.models.providers import split_name

    folders = find_tasks(names or [], keyword=keyword)
    known = reports.load_results(baseline) if baseline is not None else None
    partial = bool(names or keyword)
    if model:
        split_name(model)
    reports.check_places([output, junit, html, write_baseline], folder)

    def tell(one: CaseResult) -> None:
        trouble = one.trouble
        said = f"{trouble.message} {trouble.remedy}" if trouble else _missed(one)
        took = one.measures.get("seconds", 0.0)
        say(f"{one.status:8}{one.task} ({took:.1f} s) {said}".rstrip(), err=json)

    with Interruption(lambda: None) as interruption:
        result = interruption.run(
            run_suite(
                folders,
                suite=" ".join(names or ["shipped"]),
                repeat=repeat,
                seed=seed,
                model=model,
                lenient=lenient,
                workers=workers,
                folder=folder,
                tell=tell,
            )
        )
    if result is None:
        say("Interrupted: no results were written.", err=True)
        leave(interruption.exit_code)
    reports.write_reports(result, json=output, junit=junit, html=html)
    if write_baseline is not None:
        reports.write_baseline(result, write_baseline)
    gate = None if known is None else reports.hold(known, result, partial=partial)
    if json:
        print_json({**result.model_dump(mode="json"), "gate": gate and gate.facts})
    else:
        print_results(result)
        if gate is not None:
            print_gate(gate, baseline)
    if not result.passed or (gate is not None and not gate.passed):
        raise typer.Exit(1)


def _missed(result: CaseResult) -> str:
    """The first line of each score that does not hold, or is not known."""
    missed = [f"{one.name}: {one.detail}" for one in result.scores
              if not one.passed and one.unscored != "skipped"]  # fmt: skip
    return "; ".join(text.splitlines()[0] for text in missed)
