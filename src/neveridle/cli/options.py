"""The options that every command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="PATH",
        help="The configuration file. Default: the nearest neveridle.toml, here or above.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def commas(value: str | None) -> list[str]:
    """The parts of a list written with commas, such as ``sam,leo``; empty ones are dropped."""
    return [part.strip() for part in (value or "").split(",") if part.strip()]
