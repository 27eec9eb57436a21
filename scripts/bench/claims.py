"""What finding the next task costs on a full board."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Generator
from pathlib import Path

from bench.harness import Pair, row, timed
from neveridle.board import Board, NewTask, Source

MANY = 100_000
FEW = 1_000
LOOKS = 200


@row("next runnable task among 100,000, 90 % blocked", floor="among 1,000", limit=2.0)
def flat_runnable() -> Generator[Pair]:
    """The same look-up on two boards: what it costs must not grow with what is blocked."""
    with tempfile.TemporaryDirectory() as name, asyncio.Runner() as runner:
        many = runner.run(_filled(Path(name) / "many.db", MANY))
        few = runner.run(_filled(Path(name) / "few.db", FEW))
        try:
            yield Pair(
                ours=timed(lambda: runner.run(_look(many)), LOOKS),
                floor=timed(lambda: runner.run(_look(few)), LOOKS),
            )
        finally:
            runner.run(many.close())
            runner.run(few.close())


async def _look(board: Board) -> None:
    for _ in range(LOOKS):
        await board.attempts.peek("sam", ["backend"], Source.BACKLOG)


async def _filled(path: Path, count: int) -> Board:
    """A board of so many tasks, 90 % of them blocked by the first; made by plain SQL, quickly."""
    board = await Board(f"sqlite:///{path}").open()
    await board.tasks.add(NewTask(source=Source.ROADMAP, title="The blocker"))
    plain = sqlite3.connect(path)
    plain.executemany(
        "INSERT INTO tasks (source, title, skills, services, acceptance, budget, open_blockers,"
        " created_at, updated_at)"
        " VALUES ('backlog', ?, '[\"backend\"]', '[]', '[]', '{}', ?, 0, 0)",
        ((f"Task {number}", int(number % 10 != 0)) for number in range(count)),
    )
    plain.execute(
        "INSERT INTO task_skills (task_id, skill) SELECT id, 'backend' FROM tasks WHERE id > 1"
    )
    plain.execute(
        "INSERT INTO task_edges (task_id, blocker_id) SELECT id, 1 FROM tasks"
        " WHERE open_blockers > 0"
    )
    plain.commit()
    plain.close()
    return board
