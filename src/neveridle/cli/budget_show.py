"""``neveridle budget show``: how every budget stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from rich.text import Text

    from neveridle.agents.standings import Line
    from neveridle.board import Board


def show_command(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show every budget: what is spent, held for calls on their way, and allowed.

    Those of the team, of each agent, and of tasks that are at work or out of budget. Days
    begin at midnight in budgets.timezone.
    """
    from neveridle.agents.standings import standings
    from neveridle.cli.project import load, on_board, roster_of
    from neveridle.cli.screen import console, print_json, table

    settings = load(config)
    agents = roster_of(settings).names

    async def work(board: Board) -> list[Line]:
        return await standings(board, settings, agents)

    lines = on_board(settings, work, create=False)
    if json:
        zone = settings.budgets.timezone
        print_json({"timezone": zone, "scopes": [one.as_dict() for one in lines]})
        return
    rows = [
        (one.scope, _tokens(one), _cost(one), "" if one.share is None else f"{one.share:.0%}",
         _state(one))
        for one in lines
    ]  # fmt: skip
    console().print(table("budget", "tokens", "cost", "used", "state", rows=rows))


def _tokens(one: Line) -> str:
    held = f" +{one.held_tokens:,}" if one.held_tokens else ""
    cap = "" if one.cap_tokens is None else f" of {one.cap_tokens:,}"
    return f"{one.tokens:,}{held}{cap}"


def _cost(one: Line) -> str:
    held = f" +{one.held_cost:.2f}" if one.held_cost else ""
    cap = "" if one.cap_cost is None else f" of ${one.cap_cost:,.2f}"
    return f"${one.cost:,.2f}{held}{cap}"


def _state(one: Line) -> str | Text:
    from neveridle.cli.screen import moment, styled

    if not one.closed:
        return "open" if one.share is not None else "no cap"
    if one.resumes_at is not None:
        return styled(f"closed until {moment(one.resumes_at)}", "yellow")
    if one.scope.startswith("task:"):
        return styled(f"closed: neveridle budget raise {one.scope[5:]} --tokens N", "red")
    return styled("closed: raise it in neveridle.toml", "red")
