"""``neveridle budget``: what models have cost, and what they may cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import typer

from neveridle.cli.lazy import LazyGroup

COMMANDS = {
    "show": "neveridle.cli.budget_show:show_command",
    "raise": "neveridle.cli.budget_raise:raise_command",
    "prices": "neveridle.cli.budget_prices:prices_command",
}


class BudgetGroup(LazyGroup):
    """``neveridle budget`` itself: without a command it is ``neveridle budget show``."""

    table: ClassVar[Mapping[str, str]] = COMMANDS

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``show`` in front, where the line begins with no command."""
        helps = {"--help", *ctx.help_option_names}
        if not args or (args[0].startswith("-") and args[0] not in helps):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=BudgetGroup, add_completion=False)


@app.callback()
def budget() -> None:
    """Show what models have cost and may still cost, and raise what a task may cost."""
