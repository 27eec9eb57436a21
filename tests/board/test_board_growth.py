"""A board that is tidied does not grow, and one that was killed while tidying is whole."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import Connection, text

from neveridle.board import Board, Claim, NewTask, Source
from neveridle.board.aging import DAY, Ages
from neveridle.board.handoff import HandoffDocument
from neveridle.board.upkeep import upkeep_for

LIVES = 10_000
A_DAY = 25
AGES = Ages(events=5, tasks=5)
DOCUMENT = HandoffDocument(summary="so far", action="go on")


def size_of(c: Connection) -> int:
    """Bytes that the database takes."""
    if c.dialect.name == "sqlite":
        pages, size = c.execute(text("PRAGMA page_count")), c.execute(text("PRAGMA page_size"))
        return int(pages.scalar_one()) * int(size.scalar_one())
    query = (
        "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class AS c"
        " WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace"
    )
    return int(c.execute(text(query)).scalar_one())


async def live(board: Board, day: int) -> None:
    """What a team leaves on the board in a day."""
    new = [
        NewTask(source=Source.BACKLOG, title=f"Task {day}.{n}", skills=("python",) * (n % 2),
                ref=f"made:{day}.{n}", description="x" * 200)
        for n in range(A_DAY)
    ]  # fmt: skip
    tasks = await board.tasks.add_all(new)
    await board.tasks.depend(tasks[1].id, tasks[0].id)
    await board.tasks.cancel(tasks[2].id)
    run = await board.runs.start("sam", role="r", skills=["python"])

    async def claim(source: Source, agent: str = "sam") -> Claim | None:
        return await board.attempts.claim(
            agent=agent, run=run, skills=["python"], source=source, lease=60
        )

    handed = 0
    while (won := await claim(Source.BACKLOG)) is not None:
        await board.events.append("model.call", {"input_tokens": 9}, task=won.task.id, run=run)
        if won.task.id % 25 == 0:
            await board.handoffs.give(won.attempt, to="leo", document=DOCUMENT, verified=False)
            handed += 1
        else:
            await board.attempts.complete(won.attempt)
    for _ in range(handed):
        won = await claim(Source.DISPATCH, "leo")
        assert won is not None
        await board.attempts.complete(won.attempt)
    await board.runs.end([run])


@pytest.mark.postgres_in_chaos
@pytest.mark.chaos
@pytest.mark.timeout(3600)
async def test_the_board_stays_flat_over_thousands_of_lives(
    board: Board, chaos_scale: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neveridle.board.retention.PAUSE", 0)
    sizes: list[int] = []
    gone: dict[str, int] = {}
    days = max(24, int(LIVES * chaos_scale) // A_DAY)
    for day in range(days):
        await live(board, day)
        await board.clock.advance(DAY)
        for kind, count in (await board.retention.tidy(AGES, holder="me")).items():
            gone[kind] = gone.get(kind, 0) + count
        if board.url.startswith("postgresql") and day % 4 == 3:
            await upkeep_for(board.url).vacuum()  # as the server does by itself, each minute
        sizes.append(await board.database.read(size_of))
    first, second = max(sizes[: days // 2]), max(sizes[days // 2 :])
    said = f"{board.url.split(':')[0]}: {days * A_DAY} lives, {first:,} and {second:,} bytes"
    sys.stdout.write(f"{said}\n")  # shown by `make chaos`
    assert second <= first * 1.2, said
    assert gone["tasks"] > days * A_DAY / 2
    assert gone["events"] > gone["tasks"] * 3
    assert gone["runs"] >= days - 7
    assert len(await board.tasks.find(limit=10_000)) < 8 * A_DAY


TIDIER = """
import asyncio, sys
from neveridle.board import Board
from neveridle.board.aging import Ages

async def main():
    async with Board(sys.argv[1]) as board:
        remove = board.retention._remove
        async def told(aged, ages):
            async for count in remove(aged, ages):
                print(aged.name, count, flush=True)
                yield count
        board.retention._remove = told
        await board.retention.tidy(Ages(events=5, tasks=5), holder="the one that dies")

asyncio.run(main())
"""
ORPHANS = (
    "SELECT count(*) FROM attempts WHERE task_id NOT IN (SELECT id FROM tasks)",
    "SELECT count(*) FROM handoffs WHERE task_id NOT IN (SELECT id FROM tasks)"
    " OR dispatch_id NOT IN (SELECT id FROM tasks)",
    "SELECT count(*) FROM tasks WHERE continues IS NOT NULL"
    " AND continues NOT IN (SELECT id FROM tasks)",
    "SELECT count(*) FROM tasks WHERE handoff IS NOT NULL"
    " AND handoff NOT IN (SELECT id FROM handoffs)",
    "SELECT count(*) FROM tasks WHERE state = 'completed'"
    " AND id NOT IN (SELECT task_id FROM attempts) AND id NOT IN (SELECT task_id FROM handoffs)",
)


def tidier(url: str) -> subprocess.Popen[str]:
    """A process that tidies, and says so after each page."""
    command = [sys.executable, "-P", "-c", TIDIER, url]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


async def test_killed_while_it_tidies_it_leaves_nothing_half_done(board: Board, sql: Any) -> None:
    for day in range(6):
        await live(board, day)
    open_task = await board.tasks.add(NewTask(source=Source.ROADMAP, title="open"))
    await board.clock.advance(100 * DAY)
    before = (await board.retention.count(AGES))["tasks"]
    with tidier(board.url) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("tasks ")
        process.kill()
    for query in ORPHANS:
        assert await sql(query) == [(0,)], query
    left = (await board.retention.count(AGES))["tasks"]
    assert 0 < left < before
    await board.clock.advance(301)
    assert (await board.retention.tidy(AGES, holder="me"))["tasks"] == left
    assert [task.id for task in await board.tasks.find()] == [open_task.id]
