"""Budgets against a simple model of them, driven by Hypothesis in whatever order it likes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from neveridle.board import Board
from neveridle.board.budget import Call, Cap
from neveridle.errors import BudgetReached

T = TypeVar("T")
Key = tuple[str, str]

SECONDS = 50.0
DAY = 400.0
WEEK = 7 * 86_400.0
FACTOR = 1_000_000
MODELS = ("openai:gpt-5", "other")
# Whose scope it is, and what may be spent in it; None: as much as is wanted.
CAPS: dict[str, tuple[int | None, int | None]] = {
    "day": (250, 2500),
    "team": (None, None),
    "agent:sam": (120, None),
    "agent:leo": (None, 900),
    "task:7": (80, 800),
}
BY_DAY = {"day", "agent:sam", "agent:leo"}

amounts = st.integers(0, 25)


@dataclass
class Window:
    """One window as the model has it: pairs are tokens and nano-dollars."""

    ends: float | None
    spent: list[int] = field(default_factory=lambda: [0, 0])
    held: list[int] = field(default_factory=lambda: [0, 0])
    calls: int = 0
    closed_by: tuple[int | None, int | None] | None = None
    kept: bool = True
    """Whether no call here used more than was held, and no cap was lowered."""


@dataclass
class Held:
    """A call on its way, as the model has it."""

    model: str
    keys: list[Key]
    promised: tuple[int, int]
    worst: tuple[int, int]
    until: float


class Fresh(Protocol):
    """Makes the URL of an empty board, which is gone when it is left."""

    def __call__(self) -> AbstractContextManager[str]: ...


Agrees = Callable[[Any, Fresh, int], int]


class BudgetMachine(RuleBasedStateMachine):
    """Every rule does the same to board and model; the invariants compare them."""

    fresh: Fresh

    def __init__(self) -> None:
        super().__init__()
        self.database = type(self).fresh()
        self.runner = asyncio.Runner()
        url = self.database.__enter__()
        self.boards = [Board(url), Board(url)]
        for board in self.boards:
            self.do(board.open())
        self.do(self.boards[0].clock.script(0.0))
        self.now = 0.0
        self.turn = 0
        self.caps = dict(CAPS)
        self.windows: dict[Key, Window] = {}
        self.on_way: dict[int, Held] = {}
        self.ended: list[int] = []
        self.factors: dict[str, tuple[tuple[int, int], float]] = {}
        self.told = {"model.call": 0, "budget.call_lost": 0, "budget.reached": 0}

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @property
    def board(self) -> Board:
        """One after the other, as two processes: neither may know what the board does not."""
        self.turn += 1
        return self.boards[self.turn % 2]

    def teardown(self) -> None:
        for board in self.boards:
            self.do(board.close())
        self.runner.close()
        self.database.__exit__(None, None, None)

    # --- the model

    def key(self, scope: str) -> Key:
        return scope, f"{int(self.now // DAY)}" if scope in BY_DAY else ""

    def ends(self, scope: str) -> float | None:
        return (self.now // DAY + 1) * DAY if scope in BY_DAY else None

    def worst(self, model: str, promised: tuple[int, int]) -> tuple[int, int]:
        factors, until = self.factors.get(model, ((FACTOR, FACTOR), self.now))
        if until <= self.now:
            return promised
        first, second = (
            (one * factor + FACTOR - 1) // FACTOR
            for one, factor in zip(promised, factors, strict=True)
        )
        return first, second

    def room(self, window: Window, limits: tuple[int | None, int | None], worst: Any) -> str:
        if window.closed_by is not None and not any(
            was is not None and (now is None or now > was)
            for was, now in zip(window.closed_by, limits, strict=True)
        ):
            return "never"
        kinds = {"fits"}
        for n, limit in enumerate(limits):
            if limit is not None and window.spent[n] + worst[n] > limit:
                kinds.add("never")
            elif limit is not None and window.spent[n] + window.held[n] + worst[n] > limit:
                kinds.add("later")
        return "never" if "never" in kinds else "later" if "later" in kinds else "fits"

    def learn(self, held: Held, used: tuple[int, int]) -> None:
        found = tuple(
            min(-(-one * FACTOR * 9 // (8 * promise)), 100 * FACTOR)
            if one > promise > 0 else FACTOR
            for one, promise in zip(used, held.promised, strict=True)
        )  # fmt: skip
        if max(found) > FACTOR:
            known, until = self.factors.get(held.model, ((0, 0), self.now))
            if until <= self.now:
                known = (0, 0)
            new = max(known[0], found[0]), max(known[1], found[1])
            self.factors[held.model] = new, self.now + WEEK

    def release(self, held: Held, used: tuple[int, int], calls: int) -> None:
        for key in held.keys:
            window = self.windows[key]
            for n in (0, 1):
                window.held[n] -= held.worst[n]
                window.spent[n] += used[n]
                window.kept &= used[n] <= held.worst[n]
            window.calls += calls

    # --- what is done

    @rule(
        scopes=st.lists(st.sampled_from(sorted(CAPS)), unique=True, max_size=5),
        model=st.sampled_from(MODELS), tokens=amounts, nanos=st.integers(0, 250),
    )  # fmt: skip
    def reserve(self, scopes: list[str], model: str, tokens: int, nanos: int) -> None:
        worst = self.worst(model, (tokens, nanos))
        keys = sorted(self.key(scope) for scope in scopes)
        for scope in scopes:
            self.windows.setdefault(self.key(scope), Window(self.ends(scope)))
        rooms = [(self.room(self.windows[key], self.caps[key[0]], worst), key) for key in keys]
        full = next((key for room, key in rooms if room == "never"), None)
        call = Call(
            run="r", agent="sam", purpose="work", model=model, tokens=tokens, nanos=nanos,
            seconds=SECONDS,
        )  # fmt: skip
        caps = [
            Cap(scope=scope, window=self.key(scope)[1], ends_at=self.ends(scope),
                tokens=self.caps[scope][0], nanos=self.caps[scope][1])
            for scope in scopes
        ]  # fmt: skip
        try:
            found = self.do(self.board.budgets.reserve(call, caps))
        except BudgetReached as reached:
            assert full is not None
            window = self.windows[full]
            assert (reached.scope, reached.until) == (full[0], window.ends)
            if window.closed_by != self.caps[full[0]]:
                window.closed_by = self.caps[full[0]]
                self.told["budget.reached"] += 1
            return
        assert full is None
        if found is None:
            assert any(room == "later" for room, _ in rooms)
            return
        assert all(room == "fits" for room, _ in rooms)
        self.on_way[found] = Held(model, keys, (tokens, nanos), worst, self.now + SECONDS)
        for key in keys:
            window = self.windows[key]
            window.held = [one + more for one, more in zip(window.held, worst, strict=True)]
            window.closed_by = None

    @precondition(lambda self: self.on_way)
    @rule(pick=st.integers(0, 99), tokens=st.integers(0, 60), nanos=st.integers(0, 400))
    def settle(self, pick: int, tokens: int, nanos: int) -> None:
        number = list(self.on_way)[pick % len(self.on_way)]
        held = self.on_way.pop(number)
        # Mostly within what was held: where it hardly ever is, hardly anything fits.
        used = (tokens, nanos) if pick % 3 == 0 else (
            tokens % (held.worst[0] + 1), nanos % (held.worst[1] + 1))  # fmt: skip
        done = self.board.budgets.settle(number, tokens=used[0], nanos=used[1], event={"n": number})
        assert self.do(done)
        self.release(held, used, 1)
        self.learn(held, used)
        self.ended.append(number)
        self.told["model.call"] += 1

    @precondition(lambda self: self.on_way)
    @rule(pick=st.integers(0, 99))
    def cancel(self, pick: int) -> None:
        number = list(self.on_way)[pick % len(self.on_way)]
        assert self.do(self.board.budgets.cancel(number))
        self.release(self.on_way.pop(number), (0, 0), 0)
        self.ended.append(number)

    @precondition(lambda self: self.ended)
    @rule(pick=st.integers(0, 99), how=st.booleans())
    def end_again(self, pick: int, how: bool) -> None:
        number = self.ended[pick % len(self.ended)]
        budgets = self.board.budgets
        again = budgets.settle(number, tokens=9, nanos=9, event={}) if how else budgets.cancel(
            number)  # fmt: skip
        assert not self.do(again)

    @rule(seconds=st.sampled_from([1.0, 1.0, 20.0, 20.0, 60.0, 60.0, DAY, WEEK]))
    def time_passes(self, seconds: float) -> None:
        self.do(self.boards[0].clock.advance(seconds))
        self.now += seconds

    @rule()
    def sweep(self) -> None:
        self.do(self.board.sweep())
        for number in [n for n, held in self.on_way.items() if held.until < self.now]:
            held = self.on_way.pop(number)
            self.release(held, held.worst, 1)
            self.ended.append(number)
            self.told["budget.call_lost"] += 1

    @rule(scope=st.sampled_from(sorted(CAPS)), tokens=st.none() | st.integers(-20, 90))
    def change_a_cap(self, scope: str, tokens: int | None) -> None:
        before = self.caps[scope]
        new = None if tokens is None or before[0] is None else max(before[0] + tokens, 0)
        self.caps[scope] = (new, before[1])
        if new is not None and before[0] is not None and new < before[0]:
            for key, window in self.windows.items():
                window.kept &= key[0] != scope

    @precondition(lambda self: any(one.closed_by for one in self.windows.values()))
    @rule(more=st.tuples(st.integers(0, 60), st.integers(0, 600)))
    def make_room_where_there_was_none(self, more: tuple[int, int]) -> None:
        for (scope, _), window in self.windows.items():
            if window.closed_by is not None:
                tokens, nanos = self.caps[scope]
                self.caps[scope] = (
                    None if tokens is None else tokens + more[0],
                    None if nanos is None else nanos + more[1],
                )

    # --- what must hold

    @invariant()
    def windows_are_as_the_model_has_them(self) -> None:
        found = {
            (one.scope, one.window): one
            for one in self.do(self.board.budgets.standing(list(self.windows)))
        }
        for key, window in self.windows.items():
            one = found.get(key)
            if one is None:  # a refusal may come before its row
                assert (window.spent, window.held, window.calls) == ([0, 0], [0, 0], 0)
                continue
            assert [one.tokens, one.nanos] == window.spent
            assert [one.held_tokens, one.held_nanos] == window.held
            assert one.calls == window.calls
            assert (one.closed_at is not None) == (window.closed_by is not None)
            if one.closed_at is not None:
                assert (one.cap_tokens, one.cap_nanos) == window.closed_by
            assert min(one.held_tokens, one.held_nanos) >= 0
            for spent, held, cap in zip(window.spent, window.held, self.caps[key[0]], strict=True):
                assert not window.kept or cap is None or spent + held <= cap

    @invariant()
    def what_is_closed_or_goes_on_is_told(self) -> None:
        closed = {(one.scope, one.window) for one in self.do(self.board.budgets.now_closed())}
        assert closed == {
            key for key, window in self.windows.items()
            if window.closed_by is not None and (window.ends is None or window.ends > self.now)
        }  # fmt: skip
        going = {(one.scope, one.window) for one in self.do(self.board.budgets.all_standing())}
        busy = {
            key for key, window in self.windows.items() if window.calls or any(window.held)
        }  # fmt: skip
        here = {key for key in self.windows if self.key(key[0]) == key and key[0] != "task:7"}
        assert busy & here <= going <= here

    @invariant()
    def everything_is_told_once(self) -> None:
        for kind, count in self.told.items():
            assert len(self.do(self.board.events.find(kind=kind, limit=1000))) == count


def test_budgets_agree_with_their_model(agrees: Agrees, copies: Fresh) -> None:
    assert agrees(BudgetMachine, copies, 14)


def test_budgets_on_postgresql_agree_with_their_model(
    agrees: Agrees, postgres_boards: Fresh
) -> None:
    assert agrees(BudgetMachine, postgres_boards, 6)
