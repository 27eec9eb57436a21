"""A thread is never left behind by who is cancelled."""

from __future__ import annotations

import asyncio
import threading

import pytest

from neveridle.tools.threads import to_its_end


async def turns() -> None:
    """More turns of the loop than a cancellation needs to come through."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_its_result_and_its_error_come_through() -> None:
    assert await to_its_end(lambda: threading.current_thread()) is not threading.main_thread()
    with pytest.raises(ValueError, match="invalid literal"):
        await to_its_end(lambda: int("x"))


@pytest.mark.parametrize("fails", [False, True])
async def test_cancelled_twice_it_waits_for_the_thread_all_the_same(fails: bool) -> None:
    begun, go, stop = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        assert go.wait(60)
        assert not fails

    task = asyncio.create_task(to_its_end(work, stop=stop))
    assert await asyncio.to_thread(begun.wait, 60)
    assert not stop.is_set()
    try:
        for _ in range(2):
            task.cancel()
            await turns()
            assert not task.done()
        assert stop.is_set()
    finally:
        go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
