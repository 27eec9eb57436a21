"""``neveridle doctor``: whether everything a team needs is there, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.health import Check, Finding

PARTS = (
    "neveridle.tools.health",
    "neveridle.agents.health",
    "neveridle.graph.health",
    "neveridle.board.health",
    "neveridle.memory.health",
)
"""Each part of neveridle registers its checks there, as ``CHECKS``."""


LiveOption = Annotated[
    bool, typer.Option("--live", help="Also call each model once; costs a few tokens.")
]


def doctor_command(
    config: ConfigOption = None, live: LiveOption = False, json: JsonOption = False
) -> None:
    """Check whatever a team needs, all at once, and say what to do; changes nothing.

    Looks at settings, repository, sandbox, checks, models, board, memory, disk and sizes, and
    asks each service that is configured whether it takes its token.
    Ends with 1 where there is a problem, else with 0.
    """
    import asyncio
    from dataclasses import replace

    from neveridle.cli.project import config_path
    from neveridle.cli.screen import print_json
    from neveridle.errors import SettingsInvalid
    from neveridle.health import Finding, Grade, examine, problem
    from neveridle.settings import load_settings
    from neveridle.tools.redact import redact

    path = config_path(config)
    try:
        settings = load_settings(path)
    except SettingsInvalid as error:  # without them there is nothing else to look at
        found = [problem("settings", error)]
    else:
        found = [Finding(about="settings", message=f"{path} can be read.")]
        found += asyncio.run(examine(checks(live=live), settings))
    found = [replace(one, message=redact(one.message), remedy=redact(one.remedy)) for one in found]
    sound = all(one.grade is not Grade.PROBLEM for one in found)
    if json:
        print_json({"ok": sound, "findings": [one.as_dict() for one in found]})
    else:
        _print(found)
    if not sound:
        raise typer.Exit(1)


def checks(*, live: bool = False) -> list[Check]:
    """The checks of all parts; ``live``: models are called, too."""
    from importlib import import_module

    found = [check for part in PARTS for check in import_module(part).CHECKS]
    if live:
        from neveridle.health import Check
        from neveridle.tools.models.live import look_at_live

        found.append(Check("model calls", look_at_live, seconds=60))
    return found


def _print(found: Sequence[Finding]) -> None:
    from neveridle.cli.screen import console, say, styled, table
    from neveridle.health import Grade

    styles = {Grade.OK: "green", Grade.WARNING: "yellow", Grade.PROBLEM: "red"}
    rows = [
        (styled(one.grade, styles[one.grade]), one.about,
         f"{one.message} {one.remedy}".strip() if one.grade is not Grade.OK else one.message)
        for one in found
    ]  # fmt: skip
    console().print(table("", "about", "what", rows=rows))
    counts = {grade: sum(one.grade is grade for one in found) for grade in Grade}
    problems, warnings = counts[Grade.PROBLEM], counts[Grade.WARNING]
    if problems or warnings:
        say(f"{problems} problems, {warnings} warnings.")
    else:
        say("Nothing is wrong.")
