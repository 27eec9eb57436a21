"""The director of a play: sees to it that what is planned happens when it is due."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from neveridle.board.inbox_item import Item
from neveridle.board.simulation import simulated_loop
from neveridle.evals.faults.acts import AnswerAct
from neveridle.evals.faults.diary import Diary
from neveridle.evals.faults.trigger import Trigger
from neveridle.graph.team import Team

EARLY: Final = 1e-6
"""Seconds by which something may be early: sums of fractions are not exact."""
END: Final = "/end"
LOOK: Final = 0.1
"""Real seconds between two looks at the log where time is not simulated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Something that is to happen.

    Attributes:
        key: what it is called in the diary.
        when: when it happens.
        do: does it; gets the inbox item it is about, or 0.
        fault: whether it is a fault: those are told of.
        end: ends it; None: it has no end.
        lasts: seconds until it is ended.
    """

    key: str
    when: Trigger
    do: Callable[[int], Awaitable[str]]
    fault: bool
    end: Callable[[], Awaitable[None]] | None = None
    lasts: float = 0.0


class Director:
    """Follows the board's log and the time.

    Args:
        team: an open team.
        planned: what is to happen.
        diary: what has happened so far.
        elapsed: seconds since the start.
        began: the board's time at the start.
        newest: the newest event of the log, found at once; None: it is not.
    """

    def __init__(
        self,
        team: Team,
        planned: Sequence[Planned],
        diary: Diary,
        *,
        elapsed: Callable[[], float],
        began: float,
        newest: Callable[[], int] | None = None,
    ) -> None:
        self._team = team
        self._planned = {one.key: one for one in planned}
        self._diary = diary
        self._elapsed = elapsed
        self._began = began
        self._newest = newest
        self._wake = asyncio.Event()
        self._looking = asyncio.Lock()
        self._titles: dict[int, tuple[str, str]] = {}

    @property
    def listens(self) -> bool:
        """Whether anything waits for what the log says."""
        return any(self._hears(one) for one in self._planned.values())

    async def begin(self) -> None:
        """Plan what comes at a time, and do what is due at once."""
        self._begin()
        await self.look()
        await self._act()

    async def run(self) -> None:
        """Until cancelled: do what is due."""
        loop = asyncio.get_running_loop()
        simulated = simulated_loop()
        if simulated is not None:
            simulated.advanced.append(self._advanced)
        try:
            while True:
                self._wake.clear()
                await self.look()
                await self._act()
                due = self._next()
                wait = None if due is None else max(due - self._elapsed(), 0.0)
                if simulated is None and self.listens:
                    wait = LOOK if wait is None else min(wait, LOOK)
                timer = None if wait is None else loop.call_later(wait, self._wake.set)
                try:
                    await self._wake.wait()
                finally:
                    if timer is not None:
                        timer.cancel()
        finally:
            if simulated is not None:
                simulated.advanced.remove(self._advanced)

    async def due(self) -> float | None:
        """When the next thing is to happen that a run waits for, by the board's clock; or None."""
        await self.look()
        waited = [at for at, key, _ in self._diary.due if not self._may(key)]
        at = min(waited, default=None)
        return None if at is None else self._began + self._diary.shifted + at

    async def look(self) -> None:
        """See what has come into the log, and into the inbox."""
        if not self.listens:
            return
        async with self._looking:
            events = await self._team.board.events.find(after=self._diary.seen, limit=10_000)
            for event in events:
                names = await self._names(event.task_id)
                for one in self._planned.values():
                    if one.when.hears(event.kind, names=names, agent=event.agent or ""):
                        self._heard(one)
            if events:
                self._diary.seen = events[-1].id
                for one in self._planned.values():
                    if waits_for_item(one.when):
                        await self._items(one)

    def _begin(self) -> None:
        """Plan what comes at a time; not again where a killed process did."""
        for one in self._planned.values():
            if one.key in self._diary.begun or one.when.on or waits_for_item(one.when):
                continue
            self._diary.begun.append(one.key)
            self._plan(one.key, (one.when.at or 0.0) + one.when.after, 0)

    def _plan(self, key: str, at: float, item: int) -> None:
        self._diary.due.append((at, key, item))
        self._diary.due.sort()
        self._diary.save()
        self._wake.set()

    def _heard(self, one: Planned) -> None:
        count = self._diary.heard[one.key] = self._diary.heard.get(one.key, 0) + 1
        if one.when.nth in (0, count):
            self._plan(one.key, self._elapsed() + one.when.after, 0)

    async def _items(self, one: Planned) -> None:
        act = one.when
        assert isinstance(act, AnswerAct)
        found = await self._team.board.inbox.find()
        for item in sorted(found, key=lambda item: item.id):
            used = self._diary.fired.get(one.key, 0) + sum(
                key == one.key for _, key, _ in self._diary.due
            )
            if used < act.times and item.id not in self._diary.answered and answers(act, item):
                self._diary.answered.append(item.id)
                self._plan(one.key, self._elapsed() + act.after, item.id)

    async def _act(self) -> None:
        while self._diary.due and self._diary.due[0][0] <= self._elapsed() + EARLY:
            _, key, item = self._diary.due.pop(0)
            self._diary.fired[key] = self._diary.fired.get(key, 0) + 1
            self._diary.save()
            one = self._planned[key.removesuffix(END)]
            if key.endswith(END):
                if one.end is not None:
                    await one.end()
                continue
            said = await one.do(item)
            if one.end is not None:
                self._plan(key + END, self._elapsed() + one.lasts, 0)
            if one.fault:
                self._diary.note(said, now=self._elapsed())
                self._diary.save()

    def _next(self) -> float | None:
        return self._diary.due[0][0] if self._diary.due else None

    def _may(self, key: str) -> bool:
        """Whether it is right that it never happens; what has begun must end."""
        return not key.endswith(END) and self._planned[key].when.may

    def _hears(self, one: Planned) -> bool:
        done = self._diary.fired.get(one.key, 0)
        if isinstance(one.when, AnswerAct) and waits_for_item(one.when):
            return done < one.when.times
        return bool(one.when.on) and (one.when.nth == 0 or not done)

    async def _names(self, task: int | None) -> tuple[str, str]:
        if task is None:
            return ("", "")
        if task not in self._titles:
            found = await self._team.board.tasks.get(task)
            self._titles[task] = (found.title, found.key)
        return self._titles[task]

    def _advanced(self, now: float) -> None:
        if self._newest is not None and self._newest() <= self._diary.seen:
            return  # nothing was logged
        if self.listens:
            self._wake.set()


def waits_for_item(when: Trigger) -> bool:
    """Whether it is an answer that is given once there is something to answer."""
    return isinstance(when, AnswerAct) and when.at is None and not when.on


def answers(act: AnswerAct, item: Item) -> bool:
    """Whether an answer is meant for an item."""
    text = f"{item.title}\n{item.body}".lower()
    return act.match.lower() in text and act.item in ("", str(item.kind))


async def stopped(task: asyncio.Task[None]) -> None:
    """End a director's task; what went wrong in it is raised."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
