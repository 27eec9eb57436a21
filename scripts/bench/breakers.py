"""What retry and breaker cost around one call."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.harness import Pair, Sampler, row, timed
from bench.server import postgres
from neveridle.board import Board
from neveridle.board.breaker import BreakerPolicy, Permit
from neveridle.errors import ServiceUnavailable
from neveridle.tools.resilience import Guard

CALLS = 20_000
SLOW = 500
GOOD = "retry + breaker around a good no-op call"


class ByHand:
    """The least that anybody would write: a counter and a time, of this process alone."""

    def __init__(self) -> None:
        self.failures = 0
        self.open = False

    async def call(self, work: Callable[[], Awaitable[int]]) -> int:
        """One call, and a second one at most."""
        for _ in range(2):
            if self.open:
                break
            try:
                result = await work()
            except OSError:
                self.failures += 1
                continue
            self.failures = 0
            return result
        msg = "it is open"
        raise ServiceUnavailable(msg)


async def work() -> int:
    """The call itself."""
    return 1


@contextmanager
def guarded(url: str = "") -> Generator[tuple[asyncio.Runner, Board, Guard]]:
    """A guard on a board: at a URL, or on SQLite in a new folder."""
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        board = Board(url or f"sqlite:///{Path(folder) / 'board.db'}")
        runner.run(board.open())
        try:
            yield runner, board, Guard("linear", board.breakers, board.clock)
        finally:
            runner.run(board.close())


def sampler(
    runner: asyncio.Runner, call: Callable[[], Awaitable[Any]], calls: int = CALLS
) -> Sampler:
    """What one of many calls costs, one after the other, refused or not."""

    async def many() -> None:
        for _ in range(calls):
            try:  # noqa: SIM105 (`suppress` would be measured, too)
                await call()
            except ServiceUnavailable:
                pass

    return timed(lambda: runner.run(many()), calls)


def untouched(sample: Sampler) -> Sampler:
    """The same, which fails where the database was asked for anything."""

    def counted() -> float:
        submit, asked = ThreadPoolExecutor.submit, 0

        def count(*given: Any, **more: Any) -> Any:
            nonlocal asked
            asked += 1
            return submit(*given, **more)

        ThreadPoolExecutor.submit = count  # type: ignore[method-assign]  # put back below
        try:
            return sample()
        finally:
            ThreadPoolExecutor.submit = submit  # type: ignore[method-assign]
            if asked:
                msg = f"The database was asked {asked} times."
                raise AssertionError(msg)

    return counted


def repeated(guard: Guard) -> Callable[[], Awaitable[int]]:
    """One guarded call."""
    return lambda: guard.call(work, repeatable=True)


@row(GOOD, floor="written by hand, for one process", compare="ours", limit=3e-6)
def good_call() -> Generator[Pair]:
    """The breaker is known to be closed; the database is not touched."""
    with guarded() as (runner, _, guard):
        hand = ByHand()
        runner.run(guard.call(work, repeatable=True))
        yield Pair(
            ours=untouched(sampler(runner, repeated(guard))),
            floor=sampler(runner, lambda: hand.call(work)),
        )


@row(GOOD, floor="tenacity alone", limit=None)
def beside_tenacity() -> Generator[Pair]:
    """The same beside what only repeats, and knows of no breaker."""
    import tenacity

    with guarded() as (runner, _, guard):
        runner.run(guard.call(work, repeatable=True))
        again = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(5), wait=tenacity.wait_exponential_jitter()
        )
        yield Pair(
            ours=sampler(runner, repeated(guard)),
            floor=sampler(runner, lambda: again(work), CALLS // 10),
        )


@row("refused by an open breaker", floor="written by hand", compare="ours", limit=3e-6)
def refused_call() -> Generator[Pair]:
    """Known to be open; the database is not touched."""
    with guarded() as (runner, board, guard):
        hand = ByHand()
        hand.open = True
        runner.run(board.breakers.failed(Permit("linear"), BreakerPolicy(), "limited", wait=36e3))
        ours = sampler(runner, repeated(guard))
        sampler(runner, repeated(guard), 1)()  # learns of the opening
        yield Pair(ours=untouched(ours), floor=sampler(runner, lambda: hand.call(work)))


@row(f"{GOOD}, with a limit of time", floor="`asyncio.timeout` alone", limit=None)
def limited_call() -> Generator[Pair]:
    """For callers without a limit of their own: it is kept by the board's clock."""

    async def alone() -> int:
        async with asyncio.timeout(30.0):
            return await work()

    with guarded() as (runner, _, guard):
        yield Pair(
            ours=sampler(runner, lambda: guard.call(work, repeatable=True, timeout=30.0), SLOW),
            floor=sampler(runner, alone),
        )


@row(f"{GOOD}, PostgreSQL", floor="the board's time, asked", limit=None)
def good_call_of_a_fleet() -> Generator[Pair]:
    """Hosts share no memory: each call asks before and after."""
    with postgres() as server, guarded(server.board()) as (runner, board, guard):
        runner.run(guard.call(work, repeatable=True))
        yield Pair(
            ours=sampler(runner, repeated(guard), SLOW),
            floor=sampler(runner, board.clock.now, SLOW),
        )
