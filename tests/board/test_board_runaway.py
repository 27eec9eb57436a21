"""A runaway model, eight processes, a simulated week, and some of them are killed.

No day and no week costs more than 1 % above its cap, and nothing that was spent is missing.
"""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from neveridle.board import Board, Event
from neveridle.board.budget import Standing

PROCESSES = 8
DAYS = 7
DAY = 86_400.0
START = 20_000 * DAY
PROMISE = 100
"""Tokens that one call promises at most; it uses up to three times as many."""
LOST = 120.0
"""Seconds after which a call is lost, by the board's clock."""

WORKER = '''
"""Calls a runaway model for as long as a budget has room; writes down what each call used."""
import asyncio, random, sys
from neveridle.board import Board
from neveridle.board.budget import Call, Cap
from neveridle.errors import BudgetReached

url, name, path, day_cap, week_cap, seed = sys.argv[1:]
day_cap, week_cap, chance = int(day_cap), int(week_cap), random.Random(int(seed))
DAY, PROMISE = 86400.0, 100

async def stopped():
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)

async def one(board, notes, number):
    """One call; whether a budget had room."""
    now = await board.clock.now()
    window, ends = str(int(now // DAY)), (now // DAY + 1) * DAY
    caps = [
        Cap(scope="team", tokens=week_cap, nanos=10 * week_cap),
        Cap(scope="day", window=window, ends_at=ends, tokens=day_cap, nanos=10 * day_cap),
        Cap(scope=f"agent:{name.partition('-')[0]}", window=window, ends_at=ends),
        Cap(scope=f"task:{chance.randrange(3)}"),
    ]
    chance.shuffle(caps)
    promised = chance.randint(PROMISE // 5, PROMISE)
    run = f"{name}.{number}"
    call = Call(run=run, agent=name, purpose="work", model="runaway", tokens=promised,
                nanos=10 * promised, seconds=120)
    try:
        held = await board.budgets.reserve(call, caps)
    except BudgetReached:
        await asyncio.sleep(0.02)
        return
    if held is None:
        await asyncio.sleep(0.001)
        return
    tokens = chance.randint(0, promised)
    if chance.random() < 0.5:  # it runs away
        tokens = chance.randint(promised, 3 * promised)
    nanos = 10 * tokens
    notes.write(f"used {run} {tokens} {nanos}\\n")  # the model has answered
    await asyncio.sleep(0.002)
    if await board.budgets.settle(held, tokens=tokens, nanos=nanos, event={"cost": nanos,
                                  "tokens": tokens}):
        notes.write(f"settled {run} {tokens} {nanos}\\n")

async def main():
    with open(path, "a", buffering=1) as notes:
        async with Board(url, create=False) as board:
            print("ready", flush=True)
            stop, number = asyncio.create_task(stopped()), 0
            while not stop.done():
                number += 1
                await one(board, notes, number)

asyncio.run(main())
'''


@dataclass
class Worker:
    """A process that calls the model, and the file it writes down what it used in."""

    process: subprocess.Popen[str]
    notes: Path
    errors: Path

    def lines(self) -> list[tuple[str, str, int, int]]:
        """What it wrote; the last line of a killed process may be half a line."""
        if not self.notes.exists():
            return []
        whole = self.notes.read_text("utf-8").split("\n")[:-1]
        split = [line.split() for line in whole]
        return [(word, run, int(tokens), int(nanos)) for word, run, tokens, nanos in split]


Start = Callable[[str, int, int], Worker]


@pytest.fixture
def start(tmp_path: Path, board_url: str) -> Generator[Start]:
    script = tmp_path / "worker.py"
    script.write_text(WORKER, encoding="utf-8")
    begun: list[Worker] = []

    def begin(name: str, day_cap: int, week_cap: int) -> Worker:
        notes, errors = tmp_path / f"notes-{name}", tmp_path / f"errors-{name}"
        said = (board_url, name, str(notes), str(day_cap), str(week_cap), str(len(begun)))
        pipe = subprocess.PIPE
        with errors.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-P", str(script), *said],
                stdin=pipe, stdout=pipe, stderr=stderr, text=True,
            )  # fmt: skip
        begun.append(Worker(process, notes, errors))
        return begun[-1]

    yield begin
    for worker in begun:
        with worker.process as process:
            process.kill()


async def closes(board: Board, scopes: set[str], workers: list[Worker]) -> set[str]:
    """Wait until one of these scopes is closed; those that are.

    A day takes longer than this ever does; what killed processes hold is let go meanwhile.
    """
    while not (found := {one.scope for one in await board.budgets.now_closed()} & scopes):
        for worker in workers:
            assert worker.process.poll() is None, worker.errors.read_text("utf-8")
        await asyncio.sleep(0.05)
        await board.clock.advance(LOST / 20)
        await board.sweep()
    return found


async def next_day(board: Board) -> None:
    await board.clock.advance(DAY - await board.clock.now() % DAY)


@pytest.mark.chaos
@pytest.mark.timeout(3000)
@pytest.mark.skipif(sys.platform == "win32", reason="needs a signal that cannot be caught")
async def test_a_runaway_model_exceeds_no_cap_by_more_than_one_percent(
    board_url: str, start: Start, chaos_scale: float
) -> None:
    chance = random.Random(3)
    day_cap = max(60, int(1200 * chaos_scale)) * PROMISE
    week_cap = int(day_cap * (DAYS - 0.5))
    everyone = [start(f"a{n}-0", day_cap, week_cap) for n in range(PROCESSES)]
    workers = list(everyone)
    async with Board(board_url) as board:
        await board.clock.script(START)
        for worker in workers:
            assert worker.process.stdout is not None
            assert await asyncio.to_thread(worker.process.stdout.readline) == "ready\n"
        days = 0
        while "team" not in await closes(board, {"day", "team"}, workers):
            days += 1
            await next_day(board)
            if days % 3 == 1:
                await asyncio.sleep(0.1 * chance.random())
                place = chance.randrange(PROCESSES)
                workers[place].process.kill()
                workers[place] = start(f"a{place}-{days}", day_cap, week_cap)
                everyone.append(workers[place])
        assert days == DAYS - 1
        for worker in workers:
            assert worker.process.stdin is not None
            worker.process.stdin.write("\n")
            worker.process.stdin.flush()
        for worker in workers:
            code = await asyncio.to_thread(worker.process.wait)
            assert code == 0, worker.errors.read_text("utf-8")
        await board.clock.advance(LOST + 1.0)
        await board.sweep()
        found = await standings(board)
        booked = {event.run: event.data for event in await told(board, "model.call")}
        lost = {event.run: event.data for event in await told(board, "budget.call_lost")}
        if board_url.startswith("postgres"):
            assert await deadlocks(board) == 0

    # No cap is exceeded by more than 1 %, and each was made use of.
    of_days = [one for one in found if one.scope == "day"]
    assert len(of_days) == DAYS
    for one in of_days:
        assert max(one.tokens, one.nanos / 10) <= 1.01 * day_cap
    for one in of_days[:-1]:
        assert one.tokens >= 0.9 * day_cap
    (team,) = (one for one in found if one.scope == "team")
    assert max(team.tokens, team.nanos / 10) <= 1.01 * week_cap
    assert team.tokens >= 0.9 * week_cap
    # Nothing is held any more, and all windows of a kind say the same.
    assert all((one.held_tokens, one.held_nanos) == (0, 0) for one in found)
    for scope in ("day", "agent", "task"):
        parts = [one for one in found if one.scope.startswith(scope)]
        assert sum(one.tokens for one in parts) == team.tokens
        assert sum(one.nanos for one in parts) == team.nanos
        assert sum(one.calls for one in parts) == team.calls
    # What is booked is what was told, call by call; and what each process wrote down of its
    # own is there: what it settled as it was, what died with it at its worst.
    assert team.calls == len(booked) + len(lost)
    total = sum(data["tokens"] for data in (*booked.values(), *lost.values()))
    assert team.tokens == total
    assert not booked.keys() & lost.keys()
    most = 0
    for worker in everyone:
        for word, run, tokens, nanos in worker.lines():
            if run in booked:
                assert booked[run] == {"cost": nanos, "tokens": tokens}
            else:
                assert word == "used"
                assert lost[run]["tokens"] >= tokens
            most = max(most, tokens)
    assert most > 2 * PROMISE  # it did run away


async def standings(board: Board) -> list[Standing]:
    """Every window there is."""
    query = "SELECT scope, \"window\" FROM budgets WHERE scope NOT LIKE 'overrun:%' ORDER BY 1, 2"
    keys = await board.database.read(lambda c: [tuple(row) for row in c.execute(text(query))])
    return await board.budgets.standing(keys)


async def told(board: Board, kind: str) -> list[Event]:
    """All events of a kind."""
    found: list[Event] = []
    last = 0
    while events := await board.events.find(kind=kind, after=last, limit=5000):
        last = events[-1].id
        found += events
    return found


async def deadlocks(board: Board) -> int:
    """How many PostgreSQL had to end; its sessions are over, and so it has counted all."""
    query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    return int(await board.database.read(lambda c: c.execute(text(query)).scalar_one()))
