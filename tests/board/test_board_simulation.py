"""Simulated time: timers in order, nothing waited for, one order of events."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest

from neveridle.board import Board
from neveridle.board.simulation import (
    BoardTime,
    answer_of,
    awake_seconds,
    from_thread,
    one_thread,
    paced,
    run_simulated,
    simulated_loop,
)
from neveridle.errors import StateConflict

DAY = 86_400.0


def test_a_day_of_timers_fires_in_order_and_takes_no_time() -> None:
    async def main() -> list[tuple[float, str]]:
        told: list[tuple[float, str]] = []
        loop = asyncio.get_running_loop()

        async def after(seconds: float, name: str) -> None:
            await asyncio.sleep(seconds)
            told.append((loop.time(), name))

        await asyncio.gather(after(DAY, "night"), after(1, "b"), after(0.5, "a"), after(1, "c"))
        return told

    begun = time.process_time()
    assert run_simulated(main) == [(0.5, "a"), (1.0, "b"), (1.0, "c"), (DAY, "night")]
    assert time.process_time() - begun < DAY / 1000


def test_a_timeout_ends_at_its_own_time_and_not_before_what_is_due_earlier() -> None:
    async def main() -> tuple[float, str]:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(10):
            await asyncio.sleep(9.999)
        try:
            async with asyncio.timeout(5):
                await asyncio.sleep(6)
        except TimeoutError:
            return loop.time(), "late"
        return loop.time(), "in time"

    at, how = run_simulated(main)
    assert how == "late"
    assert at == pytest.approx(14.999)


def test_a_jump_makes_all_timers_on_its_way_late() -> None:
    async def main() -> tuple[list[float], float]:
        loop = simulated_loop()
        assert loop is not None
        told: list[float] = []
        for seconds in (1, 2, 500):
            loop.call_later(seconds, lambda: told.append(loop.time()))
        with pytest.raises(ValueError, match="forward"):
            loop.jump(-1)
        loop.suspend(100)
        await asyncio.sleep(450)
        return told, awake_seconds()

    told, awake = run_simulated(main)
    assert told == [100.0, 100.0, 500.0]
    assert awake == 450.0


def test_threads_are_none_and_calls_are_made_at_once() -> None:
    async def main() -> list[object]:
        here = threading.get_ident()
        executor = one_thread("test")

        def call(n: int) -> tuple[int, int]:
            return n, threading.get_ident()

        jobs = [executor.submit(call, n) for n in range(3)]
        answers = [await answer_of(job) for job in jobs]
        found: list[object] = [*answers]
        found.append(await asyncio.to_thread(threading.get_ident))
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(lambda: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            await answer_of(executor.submit(lambda: 1 // 0))
        return [*found, here]

    *found, here = run_simulated(main)
    assert found == [(0, here), (1, here), (2, here), here]


def test_what_is_asked_from_a_thread_is_done_here_and_may_not_wait() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()

        async def board() -> int:
            await asyncio.sleep(0)
            return 7

        async def waits() -> int:
            await asyncio.sleep(5)
            return 0

        with pytest.raises(StateConflict, match="cannot wait"):
            from_thread(waits(), loop, 1)
        return from_thread(board(), loop, 1)

    assert run_simulated(main) == 7


def test_sets_of_tasks_and_futures_are_in_the_order_they_were_made_in() -> None:
    async def main() -> list[list[int]]:
        orders: list[list[int]] = []
        for _ in range(2):
            tasks = [asyncio.create_task(asyncio.sleep(1, n)) for n in range(30)]
            done, _ = await asyncio.wait(tasks)
            orders.append(sorted(range(30), key=lambda n: hash(tasks[n])))
            assert all(hash(one) == hash(one) and one in done for one in tasks)
        futures = [asyncio.get_running_loop().create_future() for _ in range(5)]
        assert [hash(one) for one in futures] == sorted(hash(one) for one in futures)
        return orders

    assert run_simulated(main) == [list(range(30)), list(range(30))]


def test_it_is_an_error_that_nothing_could_ever_happen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neveridle.board.simulation.OUTSIDE", 0.01)

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StateConflict, match="nothing is left"):
        run_simulated(main)


def test_polls_are_paced_only_where_time_is_simulated() -> None:
    async def main() -> float:
        return paced(2)

    assert run_simulated(main, pace=5) == 10
    assert asyncio.run(main()) == 2


def test_the_boards_time_moves_with_the_loop(tmp_path: Path) -> None:
    async def main() -> list[float]:
        loop = simulated_loop()
        assert loop is not None
        path = tmp_path / "board.db"
        async with Board(f"sqlite:///{path}") as board:
            await board.clock.script(1000.0)
            moved = BoardTime(path, 1000.0, loop)
            assert moved.newest() == await board.events.newest()
            seen = [await board.clock.now()]
            await board.clock.sleep(60)
            seen.append(await board.clock.now())
            moved.shift(-20)
            seen.append(await board.clock.now())
            loop.jump(5)
            seen += [await board.clock.now(), moved.now]
            moved.close()
            moved.close()
            await asyncio.sleep(100)
            return [*seen, await board.clock.now()]

    assert run_simulated(main) == [1000.0, 1060.0, 1040.0, 1045.0, 1045.0, 1045.0]
