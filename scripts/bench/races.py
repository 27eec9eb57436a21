"""Claim and complete with many processes: the floor is the same statements, raw."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from bench import peers
from bench.contest import Contest, Side, Sides, least, most, rate, slow
from bench.harness import Pair, Skipped, row, scaled
from bench.server import fill, postgres
from neveridle.board import Board

ROUNDS = 5
ON_POSTGRES = 4000
ON_SQLITE = 20_000
MIXED = 500

# Each process of a peer works on one job at a time, as an agent does. DBOS takes several jobs
# from its queue in one transaction where a process may work on several; that is shown as well.
PEERS = {
    "procrastinate": ("procrastinate", 1500, 1),
    "DBOS": ("dbos", 500, 1),
    "DBOS, ten jobs at a time": ("dbos", 1500, 10),
}


def ours(kind: str, url: str, processes: int) -> list[list[str]]:
    """The processes of a side of ours."""
    start = [sys.executable, "-P", "-m", "bench.worker", kind, url]
    return [[*start, f"agent-{number}"] for number in range(processes)]


def on_postgres(processes: int) -> Callable[[], Generator[Sides]]:
    """The board, the same statements raw, and the peers that could be installed."""

    def prepare() -> Generator[Sides]:
        with postgres() as server:
            sides: Sides = {}
            tasks = scaled(ON_POSTGRES)
            for kind in ("board", "raw"):
                url = server.board()

                def more(url: str = url) -> None:
                    fill(server, url, tasks)

                sides[kind] = Side(tasks, more, ours(kind, url, processes))
            for side, (peer, count, each) in PEERS.items():
                try:
                    peers.interpreter()
                except Skipped as skipped:
                    print(f"{peer}: {skipped}", file=sys.stderr)
                    break
                url, count = server.fresh(), scaled(count)
                peers.run(peer, "setup", url, "-")

                def jobs(peer: str = peer, url: str = url, count: int = count) -> None:
                    peers.run(peer, "fill", url, str(count))
                    server.do("VACUUM (ANALYZE)", url)

                workers = [f"w{number}:{each}" for number in range(processes)]
                commands = [peers.command(peer, "work", url, worker) for worker in workers]
                sides[side] = Side(count, jobs, commands, restless=peer == "dbos")
            yield sides

    return prepare


@contextmanager
def on_sqlite() -> Generator[Sides]:
    """The board, and the same transactions raw."""
    with tempfile.TemporaryDirectory() as folder:
        sides: Sides = {}
        tasks = scaled(ON_SQLITE)
        for kind in ("board", "raw"):
            path = Path(folder) / f"{kind}.db"
            asyncio.run(_made(f"sqlite:///{path}"))

            def more(path: Path = path) -> None:
                sqlite_tasks(path, tasks)

            sides[kind] = Side(tasks, more, ours(kind, f"sqlite:///{path}", 8))
        yield sides


@contextmanager
def mixed() -> Generator[Sides]:
    """All that an attempt writes, and a task found meanwhile, on both databases."""
    tasks = scaled(MIXED)
    with postgres() as server, tempfile.TemporaryDirectory() as folder:
        url, path = server.board(), Path(folder) / "board.db"
        lite = f"sqlite:///{path}"
        asyncio.run(_made(lite))
        yield {
            "postgres": Side(tasks, lambda: fill(server, url, tasks), ours("mixed", url, 8)),
            "sqlite": Side(tasks, lambda: sqlite_tasks(path, tasks), ours("mixed", lite, 8)),
        }


async def _made(url: str) -> None:
    async with Board(url):
        pass


def sqlite_tasks(path: Path, count: int) -> None:
    """Put so many runnable tasks on a board, by plain SQL."""
    plain = sqlite3.connect(path, timeout=30)
    with plain:
        plain.executemany(
            "INSERT INTO tasks (source, title, skills, services, acceptance, budget, priority,"
            " created_at, updated_at)"
            " VALUES ('backlog', ?, '[\"python\"]', '[]', '[]', '{}', ?, 0, 0)",
            ((f"Task {number}", number % 4) for number in range(count)),
        )
        plain.execute(
            "INSERT OR IGNORE INTO task_skills (task_id, skill)"
            " SELECT id, 'python' FROM tasks WHERE state = 'pending'"
        )
    plain.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    plain.close()


CONTESTS = {n: Contest(contextmanager(on_postgres(n))) for n in (4, 8)}
SQLITE = Contest(on_sqlite)
MIX = Contest(mixed)


def _postgres_rows(processes: int) -> None:
    contest, name = CONTESTS[processes], f"claim + complete, PostgreSQL, {processes} processes"

    @row(name, floor="the same statements raw", compare="rate", limit=0.6, rounds=ROUNDS)
    def against_raw() -> Generator[Pair]:
        with contest.pair(("board", rate), ("raw", rate)) as pair:
            yield pair

    for peer, (_, _, each) in PEERS.items():
        limit = 2.5 if each == 1 else None

        @row(name, floor=peer, compare="rate", limit=limit, rounds=ROUNDS)
        def against_peer(peer: str = peer) -> Generator[Pair]:
            with contest.pair(("board", rate), (peer, rate)) as pair:
                yield pair

    @row(
        f"{name}: tasks of who got the fewest", floor="of who got the most", compare="rate",
        limit=0.8, rounds=ROUNDS,
    )  # fmt: skip
    def fairness() -> Generator[Pair]:
        with contest.pair(("board", least), ("board", most)) as pair:
            yield pair


_postgres_rows(4)
_postgres_rows(8)


@row(
    "claim + complete, SQLite, 8 processes", floor="the same transactions raw", compare="rate",
    limit=0.4, rounds=3,
)  # fmt: skip
def sqlite_against_raw() -> Generator[Pair]:
    """Each of them waits its turn at one file."""
    with SQLITE.pair(("board", rate), ("raw", rate)) as pair:
        yield pair


@row(
    "claim + complete, SQLite, 8 processes: tasks of who got the fewest",
    floor="of who got the most", compare="rate", limit=0.6, rounds=3,
)  # fmt: skip
def sqlite_fairness() -> Generator[Pair]:
    """Nobody starves."""
    with SQLITE.pair(("board", least), ("board", most)) as pair:
        yield pair


@row(
    "claim + complete, SQLite, 8 processes: slower are 1 in 1,000", floor="raw", compare="ours",
    limit=0.1, rounds=3,
)  # fmt: skip
def sqlite_slow() -> Generator[Pair]:
    """What a claim and its completion take together, waiting included."""
    with SQLITE.pair(("board", slow), ("raw", slow)) as pair:
        yield pair


@row(
    "claim, record three times, add, complete: PostgreSQL, 8 processes",
    floor="SQLite",
    compare="rate",
    limit=None,
    rounds=3,
)
def everything() -> Generator[Pair]:
    """What an attempt writes from its beginning to its end."""
    with MIX.pair(("postgres", rate), ("sqlite", rate)) as pair:
        yield pair
