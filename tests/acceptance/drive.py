"""Runs the team of a project, and dies where it is told to: started by the tests, by path.

python drive.py ROOT [EDGE]        run; print the report
python drive.py --serve            for each line {"root": …, "edge": …}: fork, run, say how it ended
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from neveridle import Team
from neveridle.memory import HashingEmbedder
from neveridle.settings.loader import settings_from
from neveridle.tools.workspace import Workspace, Workspaces

Method = Callable[..., Awaitable[Any]]


def die() -> None:
    """As by the kernel, or a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


def before(owner: Any, name: str, phase: str = "") -> None:
    """Die when a method is about to run."""
    method: Method = getattr(owner, name)

    async def dying(*args: Any, **named: Any) -> Any:
        if str(named.get("phase") or "") == phase:
            die()
        return await method(*args, **named)

    setattr(owner, name, dying)


def after(owner: Any, name: str, phase: str = "", count: int = 1) -> None:
    """Die when a method has run, the ``count``-th time."""
    method: Method = getattr(owner, name)
    left = [count]

    async def dying(*args: Any, **named: Any) -> Any:
        result = await method(*args, **named)
        nothing = name in ("claim", "adopt") and result is None
        if str(named.get("phase") or "") == phase and not nothing:
            left[0] -= 1
            if left[0] == 0:
                die()
        return result

    setattr(owner, name, dying)


def arm(team: Team, edge: str) -> None:
    """Let the process die at an edge of the graph."""
    board = team.board
    edges: dict[str, Callable[[], None]] = {
        "": lambda: None,
        "claimed": lambda: after(board.attempts, "claim"),
        "cloned": lambda: after(Workspaces, "create"),
        "adopted": lambda: after(Workspaces, "adopt"),
        "asked": lambda: after(board.events, "append", count=2),
        "before worked": lambda: before(board.attempts, "record", "worked"),
        "worked": lambda: after(board.attempts, "record", "worked"),
        "verified": lambda: after(board.attempts, "record", "verified"),
        "before merge": lambda: before(Workspace, "fast_forward_target"),
        "merged": lambda: after(Workspace, "fast_forward_target"),
        "delivered": lambda: after(board.attempts, "record", "delivered"),
        "learnt": lambda: after(team.lessons, "draw"),
        "completed": lambda: after(board.attempts, "complete"),
        "cleared": lambda: after(Workspaces, "branches"),
        "before handoff": lambda: before(board.handoffs, "give"),
        "handed off": lambda: after(board.handoffs, "give"),
    }
    edges[edge]()


def rows(home: Path, thread: str) -> list[Any]:
    """All that the checkpoints hold of a thread."""
    with sqlite3.connect(home / "checkpoints.db") as connection:
        found: list[Any] = []
        for table in ("checkpoints", "writes"):
            query = f"SELECT * FROM {table} WHERE thread_id = ? ORDER BY 1, 2, 3, 4"  # noqa: S608 - one of two constants
            found += connection.execute(query, (thread,)).fetchall()
    return found


def spy(team: Team, home: Path, told: dict[str, Any]) -> None:
    """Compare the first attempt's thread before all and right before the task is completed."""
    at_first = rows(home, "1:1") if (home / "checkpoints.db").exists() else []
    complete: Method = team.board.attempts.complete

    async def compare(*args: Any, **named: Any) -> Any:
        told["zombie"] = {"rows": len(at_first), "same": rows(home, "1:1") == at_first}
        return await complete(*args, **named)

    setattr(team.board.attempts, "complete", compare)  # noqa: B010 - no type of its own


async def main(root: Path, edge: str) -> None:
    """Run until there is nothing left."""
    settings = settings_from(json.loads((root / "settings.json").read_text("utf-8")), root)
    told: dict[str, Any] = {}
    async with Team(settings, embedder=HashingEmbedder()) as team:
        arm(team, edge)
        if not edge:
            spy(team, settings.home, told)
        report = await team.run(until="idle", timeout=120)
    sys.stdout.write(json.dumps({**report.as_dict(), **told}) + "\n")


def serve() -> None:
    """Fork for each request, so that what is imported is imported once."""
    for module in ("langchain.agents", "neveridle.agents.newest_saver", "neveridle.graph.opening"):
        importlib.import_module(module)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            asyncio.run(main(Path(asked["root"]), asked["edge"]))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stderr.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stderr.flush()


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve()
    else:
        asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
