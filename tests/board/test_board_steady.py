"""The board's time never goes back, and a jump forward costs nobody his work."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest

from neveridle.board import Board, NewTask, Source
from neveridle.board.schema import CLOCK_VIEW

HOUR = 3600.0
Sql = Callable[..., Awaitable[list[tuple[Any, ...]]]]

RAW = {
    "sqlite": "(julianday('now') - 2440587.5) * 86400.0",
    "postgresql": "extract(epoch FROM clock_timestamp())::double precision",
}


class Host:
    """A host whose clock can be set: the board's own view and statements, reading it.

    Wherever they would ask the database for its time, they ask for the time plus ``by``.
    """

    def __init__(self, board: Board, sql: Sql) -> None:
        self._board = board
        self._sql = sql
        self._kind = board.url.partition(":")[0]

    async def prepare(self) -> None:
        """Let the board read this clock in place of the database's."""
        raw = RAW[self._kind]
        ours = f"({raw} + (SELECT by FROM host))"  # noqa: S608 - all of it is from here
        if self._kind == "postgresql":
            ours = "(" + ours + ")::double precision"
        await self._sql("CREATE TABLE host (by double precision)")
        await self._sql("INSERT INTO host VALUES (0)")
        await self._sql("DROP VIEW board_clock")
        assert raw in CLOCK_VIEW[self._kind]
        await self._sql(CLOCK_VIEW[self._kind].replace(raw, ours).replace("::", "\\:\\:"))
        queries: Any = self._board.database.hot
        steady = queries._sql["steady"]  # the statement itself is what is tested
        if isinstance(steady, bytes):
            assert raw.encode() in steady
            queries._sql["steady"] = steady.replace(raw.encode(), ours.encode())
        else:
            assert raw in steady
            queries._sql["steady"] = steady.replace(raw, ours)
        await self._board.clock.script(None)

    async def set_by(self, seconds: float) -> None:
        """Set the clock, that far from the true time."""
        await self._sql("UPDATE host SET by = :by", by=seconds)


@pytest.fixture
async def host(board: Board, sql: Sql) -> AsyncGenerator[Host]:
    made = Host(board, sql)
    await made.prepare()
    yield made


async def test_a_clock_set_back_by_hours_freezes_no_lease(board: Board, host: Host) -> None:
    await board.tasks.add(NewTask(source=Source.BACKLOG, title="work"))
    won = await board.attempts.claim(
        agent="sam", run="run-1", skills=[], source=Source.BACKLOG, lease=120.0
    )
    assert won is not None
    await board.attempts.renew(["run-1"], lease=120.0)
    before = await board.clock.now()

    await host.set_by(-5 * HOUR)
    # Until the next heartbeat it stands still; after that it goes on from there.
    assert before - 1 <= await board.clock.now() < before + 30
    assert await board.attempts.renew(["run-1"], lease=120.0) == {(1, 1)}
    now = await board.clock.now()
    assert before - 1 <= now < before + 60
    attempt = await board.attempts.get(1, 1)
    assert attempt is not None
    assert now + 60 < attempt.lease_until < now + 121

    # It went on from there, and did not stop: the lease of who dies now ends in two minutes.
    await host.set_by(-5 * HOUR + 130)
    assert await board.sweep() == [(1, 1)]


async def test_the_board_comes_down_to_the_hosts_time_by_a_tenth_of_what_passes(
    board: Board, host: Host, sql: Sql
) -> None:
    async def ahead() -> float:
        await board.attempts.renew(["run-1"], lease=120.0)
        return float((await sql("SELECT ahead FROM clock_guard"))[0][0])

    assert await ahead() == 0.0
    await host.set_by(-HOUR)
    assert await ahead() == pytest.approx(HOUR, abs=30)
    seen = [await board.clock.now()]
    for passed in (1000, 2000):
        await host.set_by(-HOUR + passed)
        assert await ahead() == pytest.approx(HOUR - passed * 0.1, abs=30)
        seen.append(await board.clock.now())
    await host.set_by(100 * HOUR)
    assert await ahead() == 0.0
    assert seen == sorted(seen)


async def test_a_scripted_clock_is_nobodys_but_the_scripts(board: Board, sql: Sql) -> None:
    await board.attempts.renew(["run-1"], lease=60.0)
    assert await board.clock.now() == 1e6
    assert await sql("SELECT newest, ahead FROM clock_guard") == [(0.0, 0.0)]


async def test_a_heartbeat_seldom_writes_the_time(board: Board, host: Host, sql: Sql) -> None:
    await board.attempts.renew(["run-1"], lease=60.0)
    first = await sql("SELECT newest FROM clock_guard")
    await board.attempts.renew(["run-1"], lease=60.0)
    assert await sql("SELECT newest FROM clock_guard") == first
    await host.set_by(10.0)
    await board.attempts.renew(["run-1"], lease=60.0)
    assert await sql("SELECT newest FROM clock_guard") > first


async def test_work_is_counted_by_heartbeats_and_a_jump_is_none(board: Board) -> None:
    async def claim(run: str) -> Any:
        won = await board.attempts.claim(
            agent="sam", run=run, skills=[], source=Source.BACKLOG, lease=60.0
        )
        assert won is not None
        return won.attempt

    await board.tasks.add(NewTask(source=Source.BACKLOG, title="work"))
    first = await claim("run-1")
    assert await board.attempts.worked_before(first) == 0.0
    for _ in range(3):
        await board.clock.advance(20)
        await board.attempts.renew(["run-1"], lease=60.0)
    await board.clock.advance(7)
    await board.attempts.park(first, on="retry")  # 67 seconds
    await board.clock.advance(5 * HOUR)  # of waiting
    await board.tasks.retry(1)

    second = await claim("run-2")
    assert await board.attempts.worked_before(second) == 67.0
    await board.clock.advance(5 * HOUR)  # the host slept
    await board.attempts.renew(["run-2"], lease=60.0)
    await board.clock.advance(10)
    await board.attempts.renew(["run-2"], lease=60.0)
    await board.clock.advance(500)  # it died, unnoticed for a while
    assert await board.sweep() == [(1, 2)]

    third = await claim("run-3")
    assert await board.attempts.worked_before(third) == 67.0 + 60.0 + 10.0
    await board.clock.advance(30)
    await board.attempts.fail(third, code="x", error="y", limit=3)
    anew = await claim("run-4")
    assert (anew.number, await board.attempts.worked_before(anew)) == (2, 0.0)
