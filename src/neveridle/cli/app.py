"""The command line: which commands there are, and how each of them ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neveridle.cli.failure import report, wants_json
from neveridle.cli.lazy import LazyGroup
from neveridle.cli.screen import forgiving_streams

if TYPE_CHECKING:
    from neveridle.cli.lazy import Command

COMMANDS = {
    "demo": "neveridle.cli.demo:demo_command",
    "init": "neveridle.cli.init:init_command",
    "run": "neveridle.cli.run:run_command",
    "serve": "neveridle.cli.serve:serve_command",
    "status": "neveridle.cli.status:status_command",
    "top": "neveridle.cli.status:top_command",
    "pause": "neveridle.cli.controls:pause_command",
    "resume": "neveridle.cli.controls:resume_command",
    "drain": "neveridle.cli.controls:drain_command",
    "metrics": "neveridle.cli.metrics:metrics_command",
    "recover": "neveridle.cli.recover:recover_command",
    "dispatch": "neveridle.cli.dispatch:dispatch_command",
    "tasks": "neveridle.cli.tasks:app",
    "handoff": "neveridle.cli.handoff:app",
    "sync": "neveridle.cli.sync:app",
    "inbox": "neveridle.cli.inbox:app",
    "approve": "neveridle.cli.inbox:approve_command",
    "effects": "neveridle.cli.effects:app",
    "services": "neveridle.cli.services:app",
    "config": "neveridle.cli.config:app",
    "memory": "neveridle.cli.memory:app",
    "budget": "neveridle.cli.budget:app",
    "doctor": "neveridle.cli.doctor:doctor_command",
    "tidy": "neveridle.cli.tidy:tidy_command",
    "eval": "neveridle.cli.evals:app",
    "roadmap": "neveridle.cli.roadmap:roadmap_command",
    "graph": "neveridle.cli.graph:graph_command",
}


PANELS = {
    "Begin": ("demo", "init", "doctor", "config"),
    "Run and watch": ("run", "serve", "status", "top", "pause", "resume", "drain", "recover"),
    "Give work, and look at it": ("dispatch", "tasks", "handoff", "sync", "roadmap"),
    "What waits for you": ("inbox", "approve"),
    "Cost, services, memory": ("budget", "metrics", "services", "effects", "memory", "tidy"),
    "For those who build": ("eval", "graph"),
}
"""Under which head ``--help`` shows each command; what is in none stands apart."""


class Root(LazyGroup):
    """``neveridle`` itself."""

    table = COMMANDS

    def get_command(self, ctx: Any, cmd_name: str) -> Command | None:
        """One command, under its head."""
        found = super().get_command(ctx, cmd_name)
        head = next((head for head, names in PANELS.items() if cmd_name in names), None)
        if found is not None and head is not None:
            found.rich_help_panel = head
        return found


app = typer.Typer(
    name="neveridle",
    cls=Root,
    help="A team of LLM agents that always has something worth doing.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        from neveridle import __version__

        typer.echo(f"neveridle {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    ctx: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """A team of LLM agents that always has something worth doing.

    Agents pull work by themselves (dispatch, backlog, roadmap, improvement), do it in
    isolated clones of a git repository, and prove it with the project's own checks.
    Start with `neveridle init` in a repository, or look at `neveridle demo`.
    """
    if ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; its exit code.

    0 is fine, 1 work that failed or a bug, 2 usage or configuration, 3 a service, 4 what
    is not there or was taken, 130 Ctrl-C.

    Args:
        arguments: what follows the program's name; None: this process's.
    """
    line = list(sys.argv[1:] if arguments is None else arguments)
    forgiving_streams()
    try:
        code = typer.main.get_command(app).main(line, "neveridle", standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 - the last one to catch it says what it is
        return report(error, as_json=wants_json(line))
    return code if isinstance(code, int) else 0
