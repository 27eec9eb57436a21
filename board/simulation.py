"""Simulated time: an event loop in which waiting takes no time, and one seed gives one order.

For recorded tasks: a day passes in seconds, and the same run can be seen again. On this loop

- time stands still while anything runs, and jumps to the next timer once nothing does;
- what would run in a thread, or as a child process, runs at once and blocks the loop, so that
  it cannot finish sooner or later than in another run;
- whoever asks what time it is, is told the simulated time, on the board as well.

The design is explained in ``docs/design/evals_simulation.md``.
"""

from __future__ import annotations

import asyncio
import selectors
import sqlite3
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar

from neveridle.errors import StateConflict

P = ParamSpec("P")
T = TypeVar("T")

RESOLUTION: Final = 1e-6
"""Simulated seconds by which a timer may be early: sums of fractions are not exact."""
OUTSIDE: Final = 60.0
"""Real seconds that something outside of the loop may take to wake it where no timer will."""


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop in simulated time.

    Args:
        pace: by how much polls are stretched that only look for what another process did;
            there is none. 1: not at all.
        child_seconds: simulated seconds that a child process takes.

    Attributes:
        advanced: called with the loop's time whenever it has moved.
        suspended: seconds for which the machine slept; they count in its time.
    """

    inline: Final = True
    """Threads are not to be started: what they would do is done at once."""

    def __init__(self, *, pace: float = 4.0, child_seconds: float = 0.05) -> None:
        self._now = 0.0
        self.pace = pace
        self.child_seconds = child_seconds
        self.advanced: list[Callable[[float], None]] = []
        self.suspended = 0.0
        super().__init__(_Selector(self))
        self._clock_resolution = RESOLUTION  # what ``_run_once`` allows a timer
        self._made = 0
        self.set_task_factory(lambda loop, work, **more: _Task(work, loop=loop, **more))

    def time(self) -> float:
        """Simulated seconds since the loop was made."""
        return self._now

    def create_future(self) -> asyncio.Future[Any]:
        """A future that stands in a set by the order in which it was made."""
        return _Future(loop=self)

    def next_number(self) -> int:
        """A number that rises by one with each call."""
        self._made += 1
        return self._made

    def jump(self, seconds: float) -> None:
        """Move the time at once, as when a machine was suspended: all timers on the way are late.

        Raises:
            ValueError: ``seconds`` is negative.
        """
        if seconds < 0:
            msg = f"Time only moves forward, not by {seconds} seconds."
            raise ValueError(msg)
        self._now += seconds
        for tell in self.advanced:
            tell(self._now)

    def suspend(self, seconds: float) -> None:
        """Jump, and remember it: there are clocks that stand still while a machine sleeps."""
        self.jump(seconds)
        self.suspended += seconds

    def run_in_executor(  # type: ignore[override]  # its own type names its arguments one by one
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Call ``func`` at once; its result is there in the loop's next round."""
        future: asyncio.Future[T] = self.create_future()
        self.call_soon(_settle, future, _called(lambda: func(*args)))
        return future


class _Future(asyncio.Future[Any]):
    """A future that stands in a set by the order in which it was made, not by its address."""

    def __init__(self, *, loop: SimulatedLoop) -> None:
        self._number = loop.next_number()
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return int(self._number)


class _Task(asyncio.Task[Any]):
    """A task that stands in a set by the order in which it was made."""

    def __init__(self, work: Any, *, loop: Any, **more: Any) -> None:
        self._number = loop.next_number()
        super().__init__(work, loop=loop, **more)

    def __hash__(self) -> int:
        return int(self._number)


class _Selector(selectors.DefaultSelector):
    """Never waits for a timer: the time moves there."""

    def __init__(self, loop: SimulatedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if found or (timeout is not None and timeout <= 0):
            return found
        if timeout is None:
            found = super().select(OUTSIDE)
            if not found:
                msg = "In simulated time nothing is left that could ever happen."
                raise StateConflict(msg, remedy="Something waits for what nobody will do.")
            return found
        self._loop.jump(timeout)
        return found


def simulated_loop() -> SimulatedLoop | None:
    """The loop that runs here, where its time is simulated; else None."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return loop if isinstance(loop, SimulatedLoop) else None


def paced(seconds: float) -> float:
    """Seconds between two looks at what another process may have done."""
    loop = simulated_loop()
    return seconds if loop is None else seconds * loop.pace


async def answer_of(job: Future[T]) -> T:
    """What a call on ``one_thread`` returned; others may go on meanwhile."""
    if simulated_loop() is None:
        return await asyncio.wrap_future(job)
    await asyncio.sleep(0)
    return job.result()


def from_thread(work: Coroutine[Any, Any, T], loop: asyncio.AbstractEventLoop, seconds: float) -> T:
    """What ``work`` on ``loop`` comes to, asked in another thread.

    In simulated time there is none: ``work`` is done here and now. It may do nothing but ask
    the board.

    Raises:
        TimeoutError: it took longer than so many seconds.
    """
    if not isinstance(loop, SimulatedLoop):
        return asyncio.run_coroutine_threadsafe(work, loop).result(seconds)
    try:
        while work.send(None) is None:
            pass
    except StopIteration as end:
        result: T = end.value
        return result
    work.close()
    msg = "What is asked between two rounds of a simulated loop cannot wait for anything."
    raise StateConflict(msg)


def one_thread(name: str) -> Executor:
    """A thread of its own, on which calls are made in their order; none in simulated time."""
    if simulated_loop() is not None:
        return _Inline()
    return ThreadPoolExecutor(1, thread_name_prefix=name)


class _Inline(Executor):
    """Makes calls at once."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        result, error = _called(lambda: fn(*args, **kwargs))
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]  # None is a result, too
        return future


def _called(call: Callable[[], T]) -> tuple[T | None, Exception | None]:
    try:
        return call(), None
    except Exception as error:  # noqa: BLE001 - raised again where it is awaited
        return None, error


def _settle(future: asyncio.Future[Any], outcome: tuple[Any, Exception | None]) -> None:
    result, error = outcome
    if future.done():  # nobody waits any more
        return
    if error is not None:
        future.set_exception(error)
    else:
        future.set_result(result)


class BoardTime:
    """Moves the scripted time of a board on SQLite with a simulated loop.

    Args:
        path: the board's file; it must be there.
        at: the board's time now, in seconds since 1970.
        loop: whose time counts.
    """

    def __init__(self, path: Path, at: float, loop: SimulatedLoop) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        # A power cut ends the run anyway.
        self._connection.execute("PRAGMA synchronous = OFF")
        self._loop = loop
        self._offset = at - loop.time()
        loop.advanced.append(self._tell)
        self._tell(loop.time())

    def shift(self, seconds: float) -> None:
        """Set the board's time forward or back by so much, while no time passes on the loop."""
        self._offset += seconds
        self._tell(self._loop.time())

    @property
    def now(self) -> float:
        """The board's time, in seconds since 1970."""
        return self._offset + self._loop.time()

    def newest(self) -> int:
        """The id of the newest event of the board's log; 0: there is none."""
        found = self._connection.execute("SELECT max(id) FROM events").fetchone()
        return int(found[0] or 0)

    def close(self) -> None:
        """Leave the board's time where it is."""
        if self._tell in self._loop.advanced:
            self._loop.advanced.remove(self._tell)
            self._connection.close()

    def _tell(self, now: float) -> None:
        self._connection.execute("UPDATE clock SET scripted = ?", (self._offset + now,))


def run_simulated(
    main: Callable[[], Coroutine[Any, Any, T]], *, pace: float = 4.0, child_seconds: float = 0.05
) -> T:
    """``asyncio.run`` on a simulated loop: the result of ``main()``."""
    with asyncio.Runner(
        loop_factory=lambda: SimulatedLoop(pace=pace, child_seconds=child_seconds)
    ) as runner:
        return runner.run(main())


def host_seconds() -> float:
    """For measuring how long something took: simulated seconds where time is simulated."""
    loop = simulated_loop()
    return time.monotonic() if loop is None else loop.time()


def awake_seconds() -> float:
    """Seconds on a clock that stands still while the machine sleeps, as ``time.monotonic``."""
    loop = simulated_loop()
    return time.monotonic() if loop is None else loop.time() - loop.suspended
