"""``neveridle serve``: listen to webhooks of the tracker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.settings import Settings


def serve_command(
    host: Annotated[str, typer.Option(help="Where to listen; only this machine by default.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="On which port; 0: wherever there is room.")] = 8765,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Listen to webhooks, so that the team looks at its tracker as soon as something changed.

    Linear's go to /webhooks/linear, GitHub's to /webhooks/github; /health says whether the
    board can be read. Until Ctrl-C or SIGTERM. Put what the internet can reach in front of it.
    """
    import asyncio

    from neveridle.cli.observing import Observing
    from neveridle.cli.project import load

    settings = load(config)
    with Observing(settings, traces=False):
        asyncio.run(_serve(settings, host, port, as_json=json))


async def _serve(settings: Settings, host: str, port: int, *, as_json: bool) -> None:
    import json
    import socket

    import uvicorn

    from neveridle.board import Board
    from neveridle.errors import OperatorError
    from neveridle.graph.serving import webhook_app

    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        msg = f"Cannot listen on {host}:{port}: {error}."
        raise OperatorError(msg, remedy="Choose another --port, or end who has it.") from error
    with listening:
        url = f"http://{host}:{listening.getsockname()[1]}"
        async with Board(settings.board_url) as board:
            app = webhook_app(board, settings)
            typer.echo(json.dumps({"url": url}) if as_json else f"Listening at {url}")
            how = uvicorn.Config(app, log_config=None, log_level="warning", access_log=False)
            await uvicorn.Server(how).serve(sockets=[listening])
