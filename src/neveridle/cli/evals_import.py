"""``neveridle eval tau-bench`` and ``transcript``: recordings of others drive our worker."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neveridle.cli.options import JsonOption

if TYPE_CHECKING:
    from neveridle.evals.importers.taubench_runs import TauRun
    from neveridle.evals.importers.verdict import Verdict


def taubench_command(
    runs: Annotated[Path, typer.Argument(help="Recorded runs, as tau-bench writes them.")],
    tools: Annotated[
        str,
        typer.Option(
            "--tools",
            metavar="MODULE",
            help="The domain's tools: a module such as tau_bench.envs.airline.tools, or the path "
            "of a folder or .py file. It is imported: its code runs.",
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="FOLDER",
            help="The database: every .json file in it is a table. Default: what the tools' own "
            "package loads.",
            show_default=False,
        ),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option("--task", metavar="ID", help="Only runs of this task; several times: these."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="Go through so many runs. 0: all.")
    ] = 0,
    agree: Annotated[
        float,
        typer.Option("--agree", min=0.0, max=1.0, help="The share of verdicts that must agree."),
    ] = 0.95,
    terminate: Annotated[
        list[str] | None,
        typer.Option(
            "--terminate",
            metavar="TOOL",
            help="A tool that ends the conversation. Default: transfer_to_human_agents.",
            show_default=False,
        ),
    ] = None,
    tool_timeout: Annotated[
        float, typer.Option("--tool-timeout", min=0.01, help="Seconds one tool call may take.")
    ] = 30.0,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write results that `eval compare` reads."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Let recorded runs of tau-bench drive the worker; the final database decides.

    The recorded answers stand in the model's place; worker, board, checkpoints and tools are
    real. Exit code 1 where less than --agree of the verdicts are the recorded rewards.
    """
    import tempfile
    from datetime import UTC, datetime

    from neveridle.cli.interrupt import Interruption, leave
    from neveridle.cli.screen import print_json, say
    from neveridle.evals.importers.taubench_runs import TERMINATING, load_runs
    from neveridle.evals.importers.toolset import Toolset, database_for
    from neveridle.evals.importers.verdict import report

    recorded = load_runs(runs)
    wanted = _wanted(recorded, task or [], limit)
    toolset = Toolset.load(tools)
    database = database_for(toolset, data)

    from neveridle.evals.importers.taubench import TauBench

    def tell(verdict: Verdict) -> None:
        if not json:
            say(_line(verdict), err=True, lines=False)

    started = datetime.now(UTC).isoformat(timespec="seconds")
    with tempfile.TemporaryDirectory(prefix="neveridle-eval-") as temporary:
        bench = TauBench(
            toolset,
            database,
            Path(temporary),
            terminating=terminate or TERMINATING,
            seconds=tool_timeout,
        )
        with Interruption(lambda: None) as interruption:
            verdicts = interruption.run(bench.go(wanted, among=recorded, tell=tell))
        if verdicts is None:
            leave(interruption.exit_code)
    facts = report(verdicts, agree=agree)
    if output is not None:
        _write(output, verdicts, runs, started)
    if json:
        print_json(facts)
    else:
        _print(facts)
    if not facts["passed"]:
        raise typer.Exit(1)


def transcript_command(
    file: Annotated[
        Path,
        typer.Argument(
            help="Messages as OpenAI writes them: a list, {messages: …}, several of them, or JSONL."
        ),
    ],
    into: Annotated[
        Path,
        typer.Option(
            "--into", metavar="FOLDER", help="Where the recorded task is written; new or empty."
        ),
    ],
    repository: Annotated[
        Path | None,
        typer.Option(
            "--repository",
            metavar="FOLDER",
            exists=True,
            file_okay=False,
            help="Files that the tasks start from. Default: nearly none.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="What the recording names as its model.")
    ] = "a recorded transcript",
    json: JsonOption = False,
) -> None:
    """Make a recorded task of plain transcripts, and let the worker go through its recording.

    Each answer becomes a step; in the replay made here every tool says what it said then. Exit
    code 1 where a conversation could not be read, or did not come to its end.
    """
    import tempfile

    from neveridle.cli.interrupt import Interruption, leave
    from neveridle.cli.screen import print_json
    from neveridle.evals.importers.owned import OWN
    from neveridle.evals.importers.transcripts import Transcripts, read_transcripts

    conversations = read_transcripts(file)
    transcripts = Transcripts(into, OWN)
    made = transcripts.record(conversations, model=model, source=file.name, repository=repository)

    async def replay() -> bool:
        await transcripts.replay(conversations, made, Path(temporary))
        return True

    with tempfile.TemporaryDirectory(prefix="neveridle-eval-") as temporary:
        with Interruption(lambda: None) as interruption:
            done = interruption.run(replay())
        if done is None:
            leave(interruption.exit_code)
    good = all(one.replayed for one in made)
    recording = str(into / "recording.jsonl")
    if json:
        facts = [one.as_dict() for one in made]
        print_json({"recording": recording, "passed": good, "conversations": facts})
    else:
        _print_transcripts([one.as_dict() for one in made], recording)
    if not good:
        raise typer.Exit(1)


def _wanted(runs: list[TauRun], tasks: list[str], limit: int) -> list[TauRun]:
    from neveridle.errors import RecordingInvalid

    found = [one for one in runs if not tasks or str(one.task_id) in tasks]
    missing = sorted(set(tasks) - {str(one.task_id) for one in found})
    if missing:
        known = ", ".join(dict.fromkeys(str(one.task_id) for one in runs))
        msg = f"There is no run of task {', '.join(missing)}."
        raise RecordingInvalid(msg, remedy=f"There are runs of {known}.")
    return found[:limit] if limit else found


def _write(output: Path, verdicts: list[Verdict], runs: Path, started: str) -> None:
    from neveridle.errors import StageTaken
    from neveridle.evals.importers.results import suite_of

    try:
        suite_of(verdicts, runs, started_at=started).write(output)
    except OSError as error:
        msg = f"{output} cannot be written: {error.strerror or error}."
        raise StageTaken(msg, remedy="Name another file with --output.") from error


def _line(one: Verdict) -> str:
    said = f"run {one.number}: task {one.task_id}, trial {one.trial}: {one.status}"
    if one.status in ("error", "skipped"):
        return f"{said}: {one.error}"
    differ = f", {len(one.different)} results differ" if one.different else ""
    return f"{said} (recorded {one.recorded:g}, replayed {one.reward:g}{differ})"


def _print(facts: dict[str, Any]) -> None:
    from neveridle.cli.screen import console, say, table

    odd = [one for one in facts["results"] if one["status"] != "agreed"]
    if odd:
        rows = [
            (str(one["number"]), str(one["task_id"]), str(one["trial"]), one["status"], _why(one))
            for one in odd
        ]
        console().print(table("run", "task", "trial", "verdict", "why", rows=rows))
    for one in _examples(facts):
        say(f"{one['tool']} {one['args']}")
        say(f"  then: {one['recorded']}")
        say(f"  now:  {one['now']}")
    if facts["differing"]:
        tools = ", ".join(f"{name} {times}" for name, times in facts["differing_tools"].items())
        say(f"{facts['differing']} of {facts['tool_calls']} results differ from then: {tools}.")
    goals = facts["goals"]
    if goals["same"] < goals["recorded"]:
        say(
            f"The right database has the recorded hash in {goals['same']} of {goals['recorded']} "
            "runs: tools or data are of another version than the recording's."
        )
    share = facts["agreement"]
    said = "no run could be judged" if share is None else f"{share:.1%} agree"
    say(
        f"{facts['runs']} runs: {facts['agreed']} agree with the recorded reward, "
        f"{facts['disagreed']} do not, {facts['error']} errors, {facts['skipped']} skipped: {said} "
        f"(wanted: {facts['wanted']:.0%}), in {facts['seconds']:.1f} s."
    )


def _examples(facts: dict[str, Any]) -> list[dict[str, Any]]:
    """One differing result of each tool."""
    found: dict[str, dict[str, Any]] = {}
    for one in facts["results"]:
        for different in one["different"]:
            found.setdefault(different["tool"], different)
    return list(found.values())


def _why(one: dict[str, Any]) -> str:
    if one["status"] in ("error", "skipped"):
        return f"{one['error']} {one['remedy']}".strip()
    unsaid = [text for text, said in one["outputs"].items() if not said]
    parts = [
        f"recorded {one['recorded']:g}, replayed {one['reward']:g}",
        "the conversation did not end" if not one["ended"] else "",
        "" if one["database"] else "another database",
        f"not said: {', '.join(unsaid)}" if unsaid else "",
        f"{one['differing']} results differ" if one["differing"] else "",
    ]
    return "; ".join(part for part in parts if part)


def _print_transcripts(made: list[dict[str, Any]], recording: str) -> None:
    from neveridle.cli.screen import console, say, table

    rows = [
        (
            str(one["number"]),
            one["key"] or "—",
            str(one["steps"]),
            "replayed" if one["replayed"] else f"{one['error']} {one['remedy']}".strip(),
        )
        for one in made
    ]
    console().print(table("", "task", "steps", "came to", rows=rows))
    foreign: dict[str, int] = {}
    for one in made:
        for name, times in one["foreign"].items():
            foreign[name] = foreign.get(name, 0) + times
    if foreign:
        named = ", ".join(f"{name} ({times})" for name, times in sorted(foreign.items()))
        say(f"Tools that an agent of neveridle does not have, and their calls: {named}.")
        say("In `neveridle eval run` their calls are answered with an error, and it goes on.")
    say(f"Written: {recording} and what `neveridle eval run` needs beside it.")
