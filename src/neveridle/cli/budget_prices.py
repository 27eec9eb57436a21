"""``neveridle budget prices``: what models cost."""

from __future__ import annotations

from typing import Annotated

import typer

from neveridle.cli.options import ConfigOption, JsonOption


def prices_command(
    model: Annotated[
        list[str] | None,
        typer.Argument(metavar="[MODEL]...", help="As in openai:gpt-5. Default: those in use."),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show the prices in effect, and where they come from.

    A table [prices."provider:model"] in neveridle.toml wins over what is publicly known as of
    the installed version of the package genai-prices. Nothing is asked of any network.
    """
    from dataclasses import asdict

    from neveridle.cli.project import load
    from neveridle.cli.screen import console, print_json, styled, table
    from neveridle.tools.models import Models
    from neveridle.tools.models.prices import Prices

    settings = load(config)
    names = model or sorted(
        {*Models(settings.model, settings.agents, root=settings.root).names(), *settings.prices}
    )
    prices = Prices(settings.prices)
    lines = [prices.line(name.strip()) for name in names]
    if json:
        print_json([asdict(one) for one in lines])
        return
    rows = [
        (one.model,
         one.source if one.source != "unknown" else styled("unknown", "yellow"),
         one.text or f'counted in tokens only; set [prices."{one.model}"]')
        for one in lines
    ]  # fmt: skip
    console().print(table("model", "from", "price", rows=rows))
