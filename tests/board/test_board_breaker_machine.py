"""Breakers against a small model of them, with several holders, driven by Hypothesis."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from neveridle.board import Board
from neveridle.board.breaker import Breaker, BreakerPolicy, BreakerState, Permit
from neveridle.errors import ServiceUnavailable

T = TypeVar("T")

POLICY = BreakerPolicy(threshold=3, reset=30.0, probe=50.0)
CLOSED, OPEN, HALF_OPEN, HELD = BreakerState
SERVICES = ("linear", "github")
TOKENS = ("", "a", "b")

holder = st.integers(0, 2)
service = st.sampled_from(SERVICES)
token = st.sampled_from(TOKENS)
some = st.integers(0, 99)


@dataclass
class Model:
    """A breaker as the model has it."""

    state: BreakerState = CLOSED
    failures: int = 0
    retry_at: float | None = None
    probe: int = -1  # the permit that is the probe
    rejected: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Call:
    """A call that was admitted and has not ended."""

    number: int
    holder: int
    permit: Permit
    token: str


class Fresh(Protocol):
    """Makes the URL of an empty board, which is gone when it is left."""

    def __call__(self) -> AbstractContextManager[str]: ...


Agrees = Callable[[Any, Fresh, int], int]


class BreakerMachine(RuleBasedStateMachine):
    """Every rule does the same to board and model; the invariants compare them."""

    fresh: Fresh

    def __init__(self) -> None:
        super().__init__()
        self.database = type(self).fresh()
        url = self.database.__enter__()
        self.runner = asyncio.Runner()
        self.boards = [Board(url) for _ in range(3)]
        self.observer = Board(url)
        for board in (self.observer, *self.boards):
            self.do(board.open())
        self.do(self.boards[0].clock.script(0.0))
        self.now = 0.0
        self.models = {name: Model() for name in SERVICES}
        self.calls: list[Call] = []
        self.made = 0
        self.changes = dict.fromkeys(("opened", "probed", "closed", "held"), 0)
        self.said = 0

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.changes_are_told_once()
        for board in (self.observer, *self.boards):
            self.do(board.close())
        self.runner.close()
        self.database.__exit__(None, None, None)

    # --- the model

    def verdict(self, model: Model, token: str) -> str:
        if token in model.rejected:
            return "refused"
        if model.state is CLOSED:
            return "go"
        if model.state is HELD:
            return "probe" if token else "refused"
        due = model.retry_at is not None and model.retry_at <= self.now
        return "probe" if due else "wait" if model.state is HALF_OPEN else "refused"

    def open(self, name: str, seconds: float, failures: int, *, again: bool) -> None:
        model = self.models[name]
        until = self.now + seconds
        self.models[name] = replace(model, state=OPEN, failures=failures, retry_at=until, probe=-1)
        self.changes["opened"] += 1
        self.said += not again

    def close(self, name: str, rejected: frozenset[str]) -> None:
        self.models[name] = Model(rejected=rejected)
        self.changes["closed"] += 1
        self.said += 1

    def pick(self, number: int) -> tuple[Call, Model]:
        call = self.calls.pop(number % len(self.calls))
        return call, self.models[call.permit.service]

    # --- the rules

    @rule(seconds=st.sampled_from([1.0, 20.0, 30.0, 50.0, 400.0]))
    def time_passes(self, seconds: float) -> None:
        self.do(self.boards[0].clock.advance(seconds))
        self.now += seconds

    @rule(by=holder, name=service, token=token)
    def admitted(self, by: int, name: str, token: str) -> None:
        model = self.models[name]
        expected = self.verdict(model, token)
        admit = self.boards[by].breakers.admit(name, POLICY, token, patience=0.0)
        try:
            permit = self.do(admit)
        except ServiceUnavailable as error:
            assert expected in ("refused", "wait")
            if model.state in (OPEN, HALF_OPEN) and token not in model.rejected:
                assert model.retry_at is not None
                assert error.wait == model.retry_at - self.now
            return
        assert bool(permit.probe) == (expected == "probe")
        assert expected in ("go", "probe")
        self.made += 1
        self.calls.append(Call(self.made, by, permit, token))
        if permit.probe:
            model.state, model.probe = HALF_OPEN, self.made
            model.retry_at = self.now + POLICY.probe
            self.changes["probed"] += 1

    @precondition(lambda self: self.calls)
    @rule(number=some)
    def it_succeeds(self, number: int) -> None:
        call, model = self.pick(number)
        name = call.permit.service
        self.do(self.boards[call.holder].breakers.succeeded(call.permit))
        if model.probe == call.number:
            self.close(name, model.rejected)
        elif model.state is CLOSED and not call.permit.probe:
            model.failures = 0

    @precondition(lambda self: self.calls)
    @rule(number=some, wait=st.sampled_from([None, None, None, 5.0, 100.0]))
    def it_fails(self, number: int, wait: float | None) -> None:
        call, model = self.pick(number)
        name = call.permit.service
        self.do(
            self.boards[call.holder].breakers.failed(
                call.permit, POLICY, "500", wait=wait, health=wait is None
            )
        )
        more = int(wait is None)
        seconds = POLICY.reset if wait is None else wait
        if model.state is HALF_OPEN and (model.probe == call.number or wait is not None):
            self.open(name, seconds, model.failures + more, again=True)
        elif model.state is OPEN and wait is not None:
            assert model.retry_at is not None
            grown = self.now + wait - model.retry_at
            if grown > 0:
                model.retry_at = self.now + wait
                self.changes["opened"] += grown >= 1
        elif model.state is CLOSED:
            if wait is None and model.failures + 1 < POLICY.threshold:
                model.failures += 1
            else:
                self.open(name, seconds, model.failures + more, again=False)

    @precondition(lambda self: self.calls)
    @rule(number=some)
    def it_is_abandoned(self, number: int) -> None:
        call, model = self.pick(number)
        self.do(self.boards[call.holder].breakers.abandoned(call.permit))
        if model.probe == call.number:
            model.state, model.probe, model.retry_at = OPEN, -1, self.now

    @precondition(lambda self: self.calls)
    @rule(number=some)
    def it_is_rejected(self, number: int) -> None:
        call, model = self.pick(number)
        name = call.permit.service
        self.do(self.boards[call.holder].breakers.hold(name, "401", call.token))
        if call.token in model.rejected:
            return
        model.state, model.probe, model.retry_at = HELD, -1, None
        model.rejected |= {call.token}
        self.changes["held"] += 1
        self.said += 1

    @precondition(lambda self: self.calls)
    @rule(number=some)
    def its_process_is_killed(self, number: int) -> None:
        self.pick(number)

    @rule(by=holder, name=service)
    def a_person_resets_it(self, by: int, name: str) -> None:
        model = self.models[name]
        self.do(self.boards[by].breakers.reset(name, frozenset(SERVICES)))
        if model.state is CLOSED:
            model.failures, model.rejected = 0, frozenset()
        else:
            self.close(name, frozenset())

    @rule(number=holder)
    def a_process_starts_again(self, number: int) -> None:
        self.do(self.boards[number].close())
        self.boards[number] = Board(self.boards[number].url)
        self.do(self.boards[number].open())

    # --- what must hold

    # A board of its own is looked at, so that the others know only what they met.

    @invariant()
    def the_board_is_as_the_model_has_it(self) -> None:
        found = {one.service: one for one in self.do(self.observer.breakers.all())}
        for name, model in self.models.items():
            one = found.get(name, Breaker(service=name))
            known = frozenset("" if token == "-" else token for token in one.rejected)
            assert Model(one.state, one.failures, one.retry_at, model.probe, known) == model

    def changes_are_told_once(self) -> None:
        kinds = [event.kind for event in self.do(self.observer.events.find(limit=1000))]
        for name, count in self.changes.items():
            assert kinds.count(f"service.{name}") == count
        assert len(self.do(self.observer.messages.latest("dev", limit=1000))) == self.said


def test_breakers_agree_with_their_model(agrees: Agrees, copies: Fresh) -> None:
    assert agrees(BreakerMachine, copies, 20)


def test_breakers_on_postgresql_agree_with_their_model(
    agrees: Agrees, postgres_boards: Fresh
) -> None:
    assert agrees(BreakerMachine, postgres_boards, 5)
