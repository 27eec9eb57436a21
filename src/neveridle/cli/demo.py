"""``neveridle demo``: a team of four works a sample repository."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neveridle.cli.options import JsonOption

FOLDER = Path("neveridle-demo")


def demo_command(
    folder: Annotated[
        Path,
        typer.Option("--folder", help="Where to; what an earlier demo left there is replaced."),
    ] = FOLDER,
    model: Annotated[
        str,
        typer.Option("--model", metavar="NAME", help="A live model in place of the recorded one."),
    ] = "",
    json: JsonOption = False,
) -> None:
    """A team of four works a sample repository, with a recorded model.

    Everything but the model is real: git, clones, commands, checks, the board. It needs no
    key and no network. With --model, such as anthropic:…, openai:… or ollama:…, it runs live.
    """
    from neveridle.cli.interrupt import Interruption, leave
    from neveridle.cli.observing import Observing
    from neveridle.cli.played import facts_of, print_played, shown
    from neveridle.cli.screen import print_json, say
    from neveridle.evals import find_task, load_task, play, score
    from neveridle.evals.scorers.as_planned import as_planned
    from neveridle.settings.loader import settings_from

    task = load_task(find_task("demo"))
    if not json:
        say(f"{task.title}, in {folder}.")
        say("Its model is " + (f"{model}, live." if model else "a recording; the rest is real."))
        say()
    # What the environment says: the demo's own settings are part of what is shown.
    with (
        Observing(settings_from({}, Path.cwd())) as observing,
        Interruption(lambda: None) as interruption,
    ):
        played = interruption.run(
            play(
                task,
                folder.absolute(),
                model=model,
                shown=lambda team: shown(team, quiet=json),
            )
        )
        observing.close(hurried=played is None)
    if played is None:
        leave(interruption.exit_code)
    scores = [*score(played, task.expect), *as_planned(played, task)]
    facts = facts_of(played, scores, task.expect.lessons)
    if json:
        print_json(facts)
    else:
        print_played(facts)
        say()
        say(f"The repository: {played.repository}")
        say(f"Look at it with: git -C {played.repository} log --graph --oneline")
    missed = [one for one in scores if not one.passed]
    if missed and not model:
        for one in missed:
            say(f"expected, and not so: {one.name}: {one.detail}", err=True)
        raise typer.Exit(1)
