"""Breakers on SQLite: what processes tell each other in shared memory, and what if it fails."""

from __future__ import annotations

import asyncio
import shutil
import struct
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from neveridle.board import Board
from neveridle.board.breaker import BreakerPolicy, BreakerState, Permit
from neveridle.board.breaker_changes import BreakerChanges
from neveridle.errors import BoardUnusable, ServiceUnavailable

POLICY = BreakerPolicy(threshold=2, reset=30.0, probe=60.0)
Hops = Callable[[], int]


@pytest.fixture
async def board(sqlite_url: str) -> AsyncGenerator[Board]:
    """A board whose time runs."""
    async with Board(sqlite_url) as opened:
        yield opened


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> Hops:
    """How often a thread was given something to do: the database is asked in no other way."""
    submit, count = ThreadPoolExecutor.submit, 0

    def counted(*given: Any) -> Any:
        nonlocal count
        count += 1
        return submit(*given)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", counted)
    return lambda: count


def file_of(board: Board) -> Path:
    return Path(board.url.removeprefix("sqlite:///") + "-breakers")


async def admit(board: Board) -> Permit:
    return await board.breakers.admit("linear", POLICY)


async def limit(board: Board, wait: float = 1000.0) -> None:
    await board.breakers.failed(Permit("linear"), POLICY, "limited", wait=wait, health=False)


async def undone(board: Board) -> None:
    """An opening that is undone once everybody could know of it."""

    def work(c: Connection) -> None:
        changes = BreakerChanges(c, "linear", board.database.breakers.next)
        changes.failed("", POLICY, "limited", 1000.0)
        raise KeyError

    with pytest.raises(KeyError):
        await board.database.write(work)


async def test_good_calls_and_refusals_ask_nothing_of_the_database(
    board: Board, hops: Hops
) -> None:
    await admit(board)
    before = hops()
    for _ in range(100):
        permit = await admit(board)
        await board.breakers.succeeded(permit)
        assert board.breakers.unblemished(permit)
        assert await board.breakers.admit("github", POLICY) == Permit("github")
    assert hops() == before
    await limit(board)
    with pytest.raises(ServiceUnavailable):
        await admit(board)
    before = hops()
    for _ in range(100):
        with pytest.raises(ServiceUnavailable) as error:
            await admit(board)
        assert 900 < (error.value.wait or 0) <= 1000
    await board.breakers.admit("github", POLICY)
    assert hops() == before
    await board.breakers.hold("linear", "rejected.", "x")
    with pytest.raises(ServiceUnavailable):
        await admit(board)
    before = hops()
    with pytest.raises(ServiceUnavailable, match="held"):
        await admit(board)
    assert hops() == before


async def test_a_success_after_a_failure_is_written_once(board: Board, hops: Hops) -> None:
    await board.breakers.failed(await admit(board), POLICY, "500")
    permit = await admit(board)
    assert not board.breakers.unblemished(permit)
    await board.breakers.succeeded(permit)
    permit = await admit(board)
    before = hops()
    await board.breakers.succeeded(permit)
    assert hops() == before
    assert (await board.breakers.get("linear")).failures == 0


async def test_the_time_passes_without_asking(board: Board) -> None:
    await limit(board, wait=0.2)
    with pytest.raises(ServiceUnavailable):
        await admit(board)
    await asyncio.sleep(0.25)
    assert (await admit(board)).probe


async def test_a_change_is_known_before_its_commit_and_kept_by_nobody(
    board: Board, sqlite_url: str
) -> None:
    async with Board(sqlite_url) as other:
        assert board.breakers.admitted("linear", "") is None
        await admit(board)
        assert board.breakers.admitted("linear", "") == Permit("linear")

        def work(c: Connection) -> None:
            changes = BreakerChanges(c, "linear", other.database.breakers.next)
            changes.failed("", POLICY, "limited", 1000.0)
            assert board.breakers.admitted("linear", "") is None

            async def meanwhile() -> tuple[Permit, Permit | None]:
                return await admit(board), board.breakers.admitted("linear", "")

            # Not committed: requests may start, and each of them asks.
            got = asyncio.run_coroutine_threadsafe(meanwhile(), loop).result()
            assert got == (Permit("linear"), None)

        loop = asyncio.get_running_loop()
        await other.database.write(work)
        assert board.breakers.admitted("linear", "") is None
        with pytest.raises(ServiceUnavailable):
            await admit(board)


async def test_a_change_that_was_undone_costs_one_look(board: Board, hops: Hops) -> None:
    await admit(board)
    await undone(board)
    assert board.breakers.admitted("linear", "") is None
    await admit(board)
    before = hops()
    await admit(board)
    assert hops() == before
    await limit(board)
    with pytest.raises(ServiceUnavailable):
        await admit(board)


async def test_while_somebody_writes_nothing_is_healed_and_nothing_waits(
    board: Board, sqlite_url: str
) -> None:
    await admit(board)
    await undone(board)
    async with Board(sqlite_url) as other:

        def work(c: Connection) -> None:
            c.execute(text("UPDATE wakeups SET version = version"))
            got = asyncio.run_coroutine_threadsafe(admit(board), loop).result()
            assert got == Permit("linear")
            assert board.breakers.admitted("linear", "") is None

        loop = asyncio.get_running_loop()
        await other.database.write(work)


@pytest.mark.parametrize("number", [0, 1, 2**40, 2**64 - 1])
async def test_whatever_the_file_says_the_board_is_right(
    sqlite_url: str, tmp_path: Path, number: int
) -> None:
    async with Board(sqlite_url) as board:
        await limit(board)
    file_of(board).write_bytes(struct.pack("=Q", number))
    for change in (False, True):
        async with Board(sqlite_url) as board:
            if change:
                file_of(board).write_bytes(struct.pack("=Q", number))
                await board.breakers.reset("linear")
                await limit(board, wait=500.0)
            with pytest.raises(ServiceUnavailable):
                await admit(board)
            assert file_of(board).read_bytes() == struct.pack("=Q", 3 if change else 1)
    copied = tmp_path / "copy.db"
    shutil.copy(sqlite_url.removeprefix("sqlite:///"), copied)
    async with Board(f"sqlite:///{copied}") as board:
        with pytest.raises(ServiceUnavailable):
            await admit(board)


async def test_a_file_that_was_replaced_is_noticed_by_whoever_looks(
    board: Board, sqlite_url: str
) -> None:
    await admit(board)
    async with Board(sqlite_url) as other:
        await admit(other)
        file_of(board).unlink()
        await limit(other)  # makes a new one, and says so in the old one
        with pytest.raises(ServiceUnavailable):
            await admit(board)
        await other.breakers.reset("linear")
        assert await admit(board) == Permit("linear")


async def test_a_file_that_cannot_be_made_costs_a_question_each_time(
    board: Board, hops: Hops
) -> None:
    file_of(board).mkdir()  # nothing that could be mapped, for whoever the test runs as
    assert await admit(board) == Permit("linear")
    before = hops()
    await admit(board)
    assert hops() == before + 1
    # But a change that others may not hear of is not made.
    with pytest.raises(BoardUnusable, match="right to write this file"):
        await limit(board)
    file_of(board).rmdir()
    await limit(board)
    with pytest.raises(ServiceUnavailable):
        await admit(board)


async def test_a_file_that_is_too_short_is_filled_up(board: Board) -> None:
    file_of(board).write_bytes(b"x")
    await limit(board)
    assert file_of(board).stat().st_size == 8
    assert (await board.breakers.get("linear")).state is BreakerState.OPEN


async def test_looking_at_breakers_does_not_write(board: Board, sqlite_url: str) -> None:
    def log() -> bytes:
        return Path(sqlite_url.removeprefix("sqlite:///") + "-wal").read_bytes()

    await limit(board)
    before = log()
    async with Board(sqlite_url) as other:
        await other.breakers.all()
        await other.breakers.get("linear")
    assert log() == before


async def test_changes_whose_table_is_not_writable_are_undone_everywhere(
    board: Board, broken: Callable[[str], AbstractAsyncContextManager[None]]
) -> None:
    await admit(board)
    async with broken("events"):
        with pytest.raises(Exception, match="boom"):
            await limit(board)
        assert await admit(board) == Permit("linear")
    await limit(board)
    with pytest.raises(ServiceUnavailable):
        await admit(board)
