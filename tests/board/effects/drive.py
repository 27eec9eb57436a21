"""Performs effects in processes that die or stop where they are told to.

python drive.py     for each line {"url": …, "standin": …, "fence": …, "verb": …, "window": …}:
                    fork, perform, and say on stdout how each child went on, as JSON lines
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sys
import threading
from dataclasses import replace
from typing import Any

from neveridle.board import Asked, Attempt, Board
from neveridle.errors import NeveridleError
from neveridle.tools.effects import Verb, Verbs
from neveridle.tools.standin import StandinClient


def die() -> None:
    """As by the kernel."""
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(verb: Verb, window: str) -> Verb:
    """The verb, whose call dies in a window."""

    async def call(asked: Asked) -> Any:
        if window == "before the call":
            die()
        result = await verb.call(asked)
        if window == "before the result":
            die()
        return result

    return replace(verb, call=call)


def stop_before_check(board: Board) -> None:
    """Stop the process between the intent and the look at the fence."""
    read = board.database.read

    async def stopped(work: Any) -> Any:
        os.kill(os.getpid(), signal.SIGSTOP)
        return await read(work)

    board.database.read = stopped  # type: ignore[method-assign]  # where the driver looks in


async def perform(asked: dict[str, Any]) -> dict[str, Any]:
    """Do one effect; what came of it."""
    how = {"timeout": asked.get("timeout", 1e6)}
    async with Board(asked["url"]) as board, StandinClient(asked["standin"], **how) as client:
        attempt = await board.attempts.get(1, asked["fence"])
        assert isinstance(attempt, Attempt)
        try:
            if asked["window"] == "recover":
                await board.effects.reconcile(attempt, Verbs(*client.verbs))
            verb = deadly(getattr(client, asked["verb"]), asked["window"])
            if asked["window"] == "stop":
                stop_before_check(board)
            done = await board.effects.once(attempt, verb, "A-1", "hello")
        except NeveridleError as error:
            return {"error": error.code}
        return {"result": done.result, "how": done.effect.how, "fresh": done.fresh}


def say(**what: Any) -> None:
    """One line, written at once: children write to the same pipe."""
    os.write(1, (json.dumps(what) + "\n").encode())


def watch(child: int) -> None:
    """Say when a child stops, and how it ends."""
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            say(pid=child, ended=os.waitstatus_to_exitcode(status))
            return
        say(pid=child, stopped=True)


def main() -> None:
    """Fork for each line, so that what is imported is imported once."""
    for module in ("sqlalchemy", "httpx", "psycopg", "neveridle.board.effects"):
        importlib.import_module(module)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            said = asyncio.run(perform(json.loads(line)))
            say(pid=os.getpid(), **said)
            os._exit(0)
        say(pid=child, begun=True)
        threading.Thread(target=watch, args=(child,), daemon=True).start()


if __name__ == "__main__":
    main()
