"""The life of items in the inbox against a model: when they are raised, and how often at most."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from neveridle.board import Board
from neveridle.board.inbox_item import ItemKind, ItemState, NewItem
from neveridle.board.raising import Telling

T = TypeVar("T")

REMIND, REMINDERS = 1000.0, 2
CAP = 3
TELLING = Telling(
    remind=REMIND, reminders=REMINDERS, per_hour=CAP, targets={"EMERGENCY": ("emergency_webhook",)}
)
HOUR = 3600.0
ABOUT = st.sampled_from(["a", "b", "c", "d", "e", "f", "g"])


class Fresh(Protocol):
    """Makes the URL of an empty board, which is gone when it is left."""

    def __call__(self) -> AbstractContextManager[str]: ...


Agrees = Callable[[Any, Fresh, int], int]


@dataclass
class Thing:
    """An open item as the model has it."""

    level: str
    due: float | None
    count: int = 1
    raises: int = 0
    worsened: int = 0


class AlertMachine(RuleBasedStateMachine):
    """Every rule does the same to board and model; the invariants compare them."""

    fresh: Fresh

    def __init__(self) -> None:
        super().__init__()
        self.database = type(self).fresh()
        self.runner = asyncio.Runner()
        self.board = Board(self.database.__enter__())
        self.do(self.board.open())
        self.do(self.board.clock.script(0.0))
        self.now = 0.0
        self.things: dict[str, Thing] = {}
        self.order: dict[str, int] = {}
        self.told: dict[str, list[float]] = {"EMERGENCY": [], "HUMAN_ALERT": []}
        self.number = 0

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.do(self.board.close())
        self.runner.close()
        self.database.__exit__(None, None, None)

    @rule(about=ABOUT, level=st.sampled_from(["HUMAN_ALERT", "HUMAN_ALERT", "EMERGENCY"]))
    def put(self, about: str, level: str) -> None:
        new = NewItem(kind=ItemKind.ALERT, fingerprint=f"alert:x:{about}", title=about, level=level)
        item = self.do(self.board.inbox.put(new))
        self.number = max(self.number, item.id)
        known = self.things.get(about)
        if known is None:
            self.things[about] = Thing(level, self.now)
            self.order[about] = item.id
            return
        known.count += 1
        if level == "EMERGENCY" and known.level != level:
            # What was told of it counts to its new level from now on.
            known.level, known.due, known.worsened = level, self.now, 1

    @rule(seconds=st.sampled_from([1.0, 999.0, 1000.0, 1800.0, 3600.0, 10_000.0]))
    def wait(self, seconds: float) -> None:
        self.now = self.do(self.board.clock.advance(seconds))

    @rule(about=ABOUT, state=st.sampled_from([ItemState.DISMISSED, ItemState.WITHDRAWN]))
    def close(self, about: str, state: ItemState) -> None:
        if about in self.things:
            self.do(self.board.inbox.close(self.order[about], state))
            del self.things[about]

    @rule()
    def look(self) -> None:
        def nobody(found: object) -> str | None:
            return None

        before = {name: one.raises for name, one in self.things.items()}
        if not self.do(self.board.alerts.look(nobody, TELLING)):
            assert not self._may_be_raised()
            return
        self.do(self.board.alerts.keep(nobody, TELLING))
        assert not self.do(self.board.alerts.look(nobody, TELLING))
        for level in self.told:
            self._raise(level)
        for name, one in self.things.items():
            assert one.raises - before[name] in (0, 1)

    def _due(self, level: str) -> list[str]:
        names = [
            name
            for name, one in self.things.items()
            if one.level == level and one.due is not None and one.due <= self.now
        ]

        def first(name: str) -> tuple[int, float, int]:
            return self.things[name].raises, self.things[name].due or 0.0, self.order[name]

        return sorted(names, key=first)

    def _room(self, level: str) -> int:
        found = self.do(self._raised_within_the_hour(level))
        assert found <= CAP + sum(one.worsened for one in self.things.values())
        return CAP - found

    async def _raised_within_the_hour(self, level: str) -> int:
        count = 0
        for item in await self.board.inbox.find(state=None, limit=10_000):
            if item.level == level:
                notices = await self.board.alerts.notices(item.id)
                dev = [one for one in notices if one.target == "dev"]
                count += sum(one.due_at > self.now - HOUR for one in dev)
        return count

    def _may_be_raised(self) -> bool:
        return any(self._due(level) and self._room(level) > 0 for level in self.told)

    def _raise(self, level: str) -> None:
        """What the board has raised just now is what the model says; it is noted here."""
        for name in self._due(level):
            one = self.things[name]
            item = self.do(self.board.inbox.get(self.order[name]))
            if item.raises == one.raises:
                assert self._room(level) <= 0, f"{name} was due, and there was room"
                continue
            assert item.raises == one.raises + 1
            assert item.raised_at == self.now
            one.raises += 1
            again = REMIND * 2.0 ** (one.raises - 1)
            one.due = self.now + again if one.raises <= REMINDERS else None

    @invariant()
    def agree(self) -> None:
        items = {one.fingerprint: one for one in self.do(self.board.inbox.find())}
        items = {name: one for name, one in items.items() if name.startswith("alert:x:")}
        assert set(items) == {f"alert:x:{name}" for name in self.things}
        for name, one in self.things.items():
            item = items[f"alert:x:{name}"]
            assert (item.level, item.count, item.raises) == (one.level, one.count, one.raises)
            assert item.raise_at == one.due
            assert one.raises <= REMINDERS + 1 + one.worsened

    @invariant()
    def nothing_grows(self) -> None:
        items = self.do(self.board.inbox.find(limit=10_000))
        assert len(items) <= len(self.things) + 2, "at most one summary for each level"


def test_the_inbox_agrees_with_its_model(agrees: Agrees, copies: Fresh) -> None:
    assert agrees(AlertMachine, copies, 8)


def test_the_inbox_on_postgresql_agrees_with_its_model(
    agrees: Agrees, postgres_boards: Fresh
) -> None:
    assert agrees(AlertMachine, postgres_boards, 2)
