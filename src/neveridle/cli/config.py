"""``neveridle config``: the settings in effect, and whether they hold together."""

from __future__ import annotations

import typer

from neveridle.cli.lazy import ListingGroup
from neveridle.cli.options import ConfigOption, JsonOption

app = typer.Typer(cls=ListingGroup, add_completion=False)


@app.callback()
def config() -> None:
    """Show the settings in effect, or check them; alone it shows them."""


@app.command("show")
def show_command(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show every setting in effect, and where it comes from; secrets are left out."""
    from neveridle.cli.project import config_path
    from neveridle.cli.screen import console, print_json, say, table
    from neveridle.cli.settings_shown import effective
    from neveridle.settings import load_settings

    path = config_path(config)
    settings = load_settings(path)
    found = effective(settings, path)
    if json:
        print_json({"file": str(path), "settings": {one.name: one.as_dict() for one in found}})
        return
    say(str(path), lines=False)
    rows = [(one.name, one.source_words, one.text) for one in found]
    console().print(table("setting", "from", "value", rows=rows))


@app.command("check")
def check_command(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Check settings, souls, models and repository; say what is wrong, with file and line."""
    from neveridle.cli.project import config_path
    from neveridle.cli.screen import print_json, say
    from neveridle.cli.settings_checked import find_problems

    path = config_path(config)
    problems = find_problems(path)
    if json:
        print_json(
            {
                "file": str(path),
                "ok": not problems,
                "problems": [one.as_dict() for one in problems],
            }
        )
    elif not problems:
        say(f"{path}: nothing is wrong.", lines=False)
    else:
        for one in problems:
            say(f"error[{one.code}]: {one.message}")
            if one.remedy:
                say(f"  {one.remedy}")
    if problems:
        raise typer.Exit(2)
