"""Runs the team of a project, and dies where it is told to: started by the tests, by path.

python drive.py ROOT [EDGE]        run; print the report
python drive.py --serve            for each line {"root": …, "edge": …}: fork, and run there
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import runpy
import select
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg

from neveridle import Team
from neveridle.agents.checkpoints import thread_config
from neveridle.board import Source
from neveridle.errors import LeaseLost
from neveridle.memory import HashingEmbedder
from neveridle.settings.loader import settings_from
from neveridle.tools.workspace import Workspace, Workspaces, critical, workspaces
from neveridle.tools.workspace.git import Git

Method = Callable[..., Awaitable[Any]]

BOARD = "clock"
"""The table whose lock every write to a board on PostgreSQL needs."""
WAITING = """
SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE NOT granted AND datname = current_database()
"""
CHECKPOINTS = "neveridle_checkpoints.checkpoints"


def die() -> None:
    """As by the kernel, or a power cut."""
    os.kill(os.getpid(), signal.SIGKILL)


def stop() -> None:
    """Be silent until somebody goes on with this process."""
    os.kill(os.getpid(), signal.SIGSTOP)


def before(
    owner: Any, name: str, phase: str = "", *, count: int = 1, act: Callable[[], None] = die
) -> None:
    """Die when a method is about to run the ``count``-th time."""
    method: Method = getattr(owner, name)
    left = [count]

    async def dying(*args: Any, **named: Any) -> Any:
        if str(named.get("phase") or "") == phase:
            left[0] -= 1
            if left[0] == 0:
                act()
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


class Dying(sqlite3.Connection):
    """A connection whose process dies once it is about to commit and has been told to."""

    armed = False

    def execute(self, *args: Any) -> sqlite3.Cursor:
        if Dying.armed and args[0] == "COMMIT":
            die()
        return super().execute(*args)

    def commit(self) -> None:
        if Dying.armed and self.in_transaction:
            die()
        super().commit()


def during(team: Team, owner: Any, name: str, *, phase: str = "", count: int = 1) -> None:
    """Die in the middle of the transaction that a method makes.

    On SQLite all is written but not committed. On PostgreSQL the server has the statement,
    which waits for a lock; the server goes on with it when nobody is there any more, where
    it is one that was prepared before: else its text alone has been sent.
    """
    method: Method = getattr(owner, name)
    left = [count]
    table = BOARD if owner in (team.board.attempts, team.board.handoffs) else CHECKPOINTS

    async def dying(*args: Any, **named: Any) -> Any:
        if str(named.get("phase") or "") == phase:
            left[0] -= 1
        if left[0]:
            return await method(*args, **named)
        if not team.settings.board_url.startswith("postgres"):
            Dying.armed = True
            return await method(*args, **named)
        with (
            psycopg.connect(team.settings.board_url) as holder,
            psycopg.connect(team.settings.board_url, autocommit=True) as other,
        ):
            if name == "complete":
                with suppress(LeaseLost):
                    await method(replace(args[0], fence=99))
            if name == "claim":
                await method(**{**named, "source": Source.IMPROVEMENT})
            holder.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE".encode())
            going = asyncio.ensure_future(method(*args, **named))
            while not other.execute(WAITING).fetchall():
                assert not going.done()
                await asyncio.sleep(0.001)
            die()
        return None

    setattr(owner, name, dying)


def at_git(*commands: str, first: bool = False, locked: bool = False) -> None:
    """Die behind the last of these git commands, once the others have run in this order.

    Args:
        commands: git's commands.
        first: die before the last one instead.
        locked: leave behind the locks that a git killed with us would leave.
    """
    run = Git.run
    left = list(commands)

    async def dying(self: Git, *arguments: str, **named: Any) -> Any:
        here = bool(left) and arguments[0] == left[0]
        if here and first and len(left) == 1:
            die_with(self) if locked else die()
        answer = await run(self, *arguments, **named)
        if here:
            left.pop(0)
            if not left:
                die()
        return answer

    setattr(Git, "run", dying)  # noqa: B010 - the types differ, the calls do not


def die_with(git: Git) -> None:
    """Die together with git, which leaves its locks."""
    folder = Path(git._env["GIT_DIR"])  # pyright: ignore[reportPrivateUsage]
    (folder / "index.lock").write_bytes(b"")
    (folder / "refs" / "heads" / "neveridle").mkdir(parents=True, exist_ok=True)
    (folder / "refs" / "heads" / "neveridle" / "x.lock").write_bytes(b"")
    die()


def while_pushing() -> None:
    """Die right behind the start of what moves a branch of the repository."""

    async def dying(*_: Any) -> bool:
        die()
        return False

    setattr(critical, "_ended", dying)  # noqa: B010 - no type of its own


def while_copying() -> None:
    """Die when half of an older clone has been copied."""
    copy: Callable[..., None] = vars(workspaces)["copy_tree"]

    def dying(source: Path, target: Path, **named: Any) -> None:
        copy(source, target, **named)
        if source.name == "objects":
            die()

    setattr(workspaces, "copy_tree", dying)  # noqa: B010 - no type of its own


def saver_of(team: Team) -> Any:
    """The class of the team's checkpointer."""
    if team.settings.board_url.startswith("postgres"):
        from neveridle.agents.newest_postgres_saver import NewestPostgresSaver

        return NewestPostgresSaver
    from neveridle.agents.newest_saver import NewestSaver

    return NewestSaver


def cancel_at_work(team: Team) -> None:
    """Have the run cancelled once the model has answered twice, as by Ctrl-C."""
    main = asyncio.current_task()
    settle: Method = team.board.budgets.settle
    calls = [0]

    async def cancelling(*args: Any, **named: Any) -> Any:
        settled = await settle(*args, **named)
        calls[0] += 1
        if calls[0] == 2 and main is not None:
            main.cancel()
        return settled

    setattr(team.board.budgets, "settle", cancelling)  # noqa: B010 - no type of its own


def acknowledge(team: Team, root: Path) -> None:
    """Note on the disk, one by one, what the board has acknowledged."""
    log = os.open(root / "acknowledged", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def noting(owner: Any, verb: str) -> None:
        method: Method = getattr(owner, verb)

        async def noted(attempt: Any, **named: Any) -> Any:
            result = await method(attempt, **named)
            if verb != "record" or named.get("phase") is not None:
                line = {"verb": verb, "task": attempt.task_id, "fence": attempt.fence}
                line["phase"] = str(named.get("phase") or "")
                os.write(log, f"{json.dumps(line)}\n".encode())
                os.fsync(log)
            return result

        setattr(owner, verb, noted)

    for verb in ("record", "complete"):
        noting(team.board.attempts, verb)
    noting(team.board.handoffs, "give")


def arm(team: Team, edge: str) -> None:
    """Let the process die at an edge of the graph."""
    board = team.board
    saver = saver_of(team)
    work = ("commit-tree", "commit-tree")  # the roadmap's mark, then the work
    join = ("merge-tree", "commit-tree")
    edges: dict[str, Callable[[], None]] = {
        "": lambda: None,
        "to its end": lambda: None,
        "in claim": lambda: during(team, board.attempts, "claim"),
        "claimed": lambda: after(board.attempts, "claim"),
        "half cloned": lambda: at_git("init"),
        "checked out": lambda: at_git("init", "read-tree"),
        "cloned": lambda: after(Workspaces, "create"),
        "half adopted": while_copying,
        "adopted": lambda: after(Workspaces, "adopt"),
        "forked": lambda: after(team.checkpoints, "fork"),
        "asked": lambda: after(board.budgets, "settle", count=2),
        "in writes": lambda: during(team, saver, "aput_writes", count=3),
        "in checkpoint": lambda: during(team, saver, "aput", count=4),
        "checkpoint": lambda: after(saver, "aput", count=4),
        "in commit, with git": lambda: at_git(
            "commit-tree", "update-index", first=True, locked=True
        ),
        "staged": lambda: at_git("commit-tree", "update-index", "write-tree"),
        "committed": lambda: at_git(*work),
        "branch moved": lambda: at_git(*work, "update-ref"),
        "before worked": lambda: before(board.attempts, "record", "worked"),
        "in worked": lambda: during(team, board.attempts, "record", phase="worked"),
        "worked": lambda: after(board.attempts, "record", "worked"),
        "verified": lambda: after(board.attempts, "record", "verified"),
        "merge written": lambda: at_git(*join),
        "merge read": lambda: at_git(*join, "read-tree"),
        "merge on branch": lambda: at_git(*join, "read-tree", "update-ref"),
        "before merge": lambda: before(Workspace, "fast_forward_target"),
        "in merge": while_pushing,
        "merged": lambda: after(Workspace, "fast_forward_target"),
        "delivered": lambda: after(board.attempts, "record", "delivered"),
        "learnt": lambda: after(team.lessons, "draw"),
        "in complete": lambda: during(team, board.attempts, "complete"),
        "completed": lambda: after(board.attempts, "complete"),
        "cleared": lambda: after(Workspaces, "remove"),
        "before handoff": lambda: before(board.handoffs, "give"),
        "in handoff": lambda: during(team, board.handoffs, "give"),
        "handed off": lambda: after(board.handoffs, "give"),
        "in release": lambda: during(team, board.attempts, "release"),
        "released": lambda: after(board.attempts, "release"),
        "acknowledge": lambda: acknowledge(team, team.settings.root),
        "stop at an answer": lambda: before(board.budgets, "settle", count=3, act=stop),
        "stop at a command": lambda: before(team.sandbox, "run", act=stop),
        "stop at a check": lambda: before(team.sandbox, "run", count=2, act=stop),
        "stop at a merge": lambda: before(board.attempts, "check", act=stop),
        "stop in a merge": lambda: before(Workspace, "fast_forward_target", act=stop),
        "stop at a lesson": lambda: before(team.lessons, "draw", act=stop),
        "stop at the end": lambda: before(board.attempts, "complete", act=stop),
        "stop at a handoff": lambda: before(board.handoffs, "give", act=stop),
    }  # fmt: skip
    edges[edge]()
    if edge in ("in release", "released"):
        cancel_at_work(team)


async def spy(team: Team, told: dict[str, Any]) -> None:
    """Compare the first attempt's thread before all and right before the task is completed."""

    async def thread() -> list[Any]:
        saver = await team.checkpoints.saver()
        return [one async for one in saver.alist(thread_config("1:1"))]

    if "1:1" not in await team.checkpoints.threads():
        return
    at_first = await thread()
    complete: Method = team.board.attempts.complete

    async def compare(*args: Any, **named: Any) -> Any:
        told["zombie"] = {"rows": len(at_first), "same": await thread() == at_first}
        return await complete(*args, **named)

    setattr(team.board.attempts, "complete", compare)  # noqa: B010 - no type of its own


def mark_losses(team: Team, root: Path) -> None:
    """Leave a file once this process has noticed that it lost a task, and cleared up."""
    clear: Method = team.janitor.clear

    async def marking(*args: Any) -> None:
        await clear(*args)
        (root / f"lost-{os.getpid()}").touch()

    setattr(team.janitor, "clear", marking)  # noqa: B010 - no type of its own


async def main(root: Path, edge: str) -> None:
    """Run until there is nothing left."""
    settings = settings_from(json.loads((root / "settings.json").read_text("utf-8")), root)
    told: dict[str, Any] = {}
    own = root / "given.py"  # a worker of the test's own
    given: dict[str, Any] = runpy.run_path(str(own))["given"](root) if own.exists() else {}
    async with Team(settings, embedder=HashingEmbedder(), **given) as team:
        for one in given.values():
            one.bind(team)
        arm(team, edge)
        mark_losses(team, root)
        if not edge:
            await spy(team, told)
        report = await team.run(until="idle", timeout=None if edge else 120)
    sys.stdout.write(json.dumps({**report.as_dict(), **told}) + "\n")


def prepare(root: Path) -> None:
    """Whatever is temporary lies in the project, where the tests look for leftovers."""
    temporary = root / "tmp"
    temporary.mkdir(exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(temporary)
    connect = sqlite3.connect

    def dying(*args: Any, **named: Any) -> Any:
        return connect(*args, **{"factory": Dying, **named})

    setattr(sqlite3, "connect", dying)  # noqa: B010 - overloaded beyond what can be written here


def serve() -> None:
    """Fork for each request, so that what is imported is imported once.

    The child's id is the answer; its report and its exit code go into the project's folder.
    """
    for module in (
        "langchain.agents",
        "neveridle.agents.newest_postgres_saver",
        "neveridle.agents.newest_saver",
        "neveridle.board.postgres.database",
        "neveridle.graph.opening",
    ):
        importlib.import_module(module)
    roots: dict[int, Path] = {}
    while True:
        if select.select([sys.stdin], [], [], 0.005 if roots else None)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            asked = json.loads(line)
            root = Path(asked["root"])
            child = os.fork()
            if child == 0:
                with (root / f"said-{os.getpid()}").open("wb") as said:
                    os.dup2(said.fileno(), 1)
                    os.dup2(said.fileno(), 2)
                prepare(root)
                asyncio.run(main(root, asked["edge"]))
                os._exit(0)
            roots[child] = root
            sys.stdout.write(f"{child}\n")
            sys.stdout.flush()
        while roots:
            ended, status = os.waitpid(-1, os.WNOHANG)
            if not ended:
                break
            draft = roots[ended] / f"draft-{ended}"
            draft.write_text(str(os.waitstatus_to_exitcode(status)), "ascii")
            draft.rename(roots.pop(ended) / f"ended-{ended}")


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        serve()
    else:
        prepare(Path(sys.argv[1]))
        asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
