"""Sync points against a simple model of them, driven by Hypothesis in whatever order it likes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
)

from neveridle.board import (
    Attempt,
    Board,
    HandoffDocument,
    NewTask,
    NextPhase,
    Policy,
    Source,
    Standing,
)
from neveridle.errors import StateConflict

T = TypeVar("T")

AGENTS = ("sam", "leo", "quinn")
some = st.integers(0, 99)


@dataclass
class Seat:
    """A place as the model has it; ``spoken`` is whether somebody said how it stands."""

    agent: str
    status: str = "expected"
    spoken: bool = False
    parts: dict[int, str] = field(default_factory=dict[int, str])


@dataclass
class Point:
    """A sync point as the model has it."""

    policy: Policy
    substitutes: dict[str, str]
    deadline: float
    period: float
    seats: dict[str, Seat]
    state: str = "open"


class Fresh(Protocol):
    """Makes the URL of an empty board, which is gone when it is left."""

    def __call__(self) -> AbstractContextManager[str]: ...


Agrees = Callable[[Any, Fresh, int], int]


class SyncMachine(RuleBasedStateMachine):
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
        self.points: dict[str, Point] = {}
        self.roots: dict[int, int] = {}  # the part that a task is, or continues
        self.held: list[Attempt] = []

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.do(self.board.close())
        self.runner.close()
        self.database.__exit__(None, None, None)

    # --- the model

    def pick(self, number: int) -> tuple[str, Point]:
        return list(self.points.items())[number % len(self.points)]

    def seat_of(self, root: int) -> tuple[Point, Seat]:
        return next(
            (point, seat)
            for point in self.points.values()
            for seat in point.seats.values()
            if root in seat.parts
        )

    @staticmethod
    def settle(point: Point) -> bool:
        if point.state == "open" and all(s.status == "ready" for s in point.seats.values()):
            point.state = "released"
            return True
        return False

    def part_is(self, root: int, state: str) -> bool:
        """What a part's new state does to its seat; whether that releases the point."""
        point, seat = self.seat_of(root)
        seat.parts[root] = state
        if point.state != "open":
            return False
        if "blocked" in seat.parts.values():
            if seat.status == "expected" or (seat.status == "blocked" and not seat.spoken):
                seat.status, seat.spoken = "blocked", False
        elif all(one == "done" for one in seat.parts.values()):
            seat.status, seat.spoken = "ready", False
        elif seat.status == "blocked" and not seat.spoken:
            seat.status = "expected"
        return self.settle(point)

    # --- what happens

    @precondition(lambda self: len(self.points) < 3)
    @rule(
        who=st.lists(st.sampled_from(AGENTS), min_size=1, unique=True),
        parts=st.lists(some, max_size=3),
        policy=st.sampled_from(Policy),
        period=st.sampled_from([30.0, 60.0]),
    )
    def create(self, who: list[str], parts: list[int], policy: Policy, period: float) -> None:
        name = f"point {len(self.points)}"
        others = {}
        if policy is Policy.SUBSTITUTE:  # sometimes not for all
            others = {one: AGENTS[AGENTS.index(one) - 1] for one in who[:2]}
        owners = [who[number % len(who)] for number in parts]
        made = self.do(
            self.board.sync_points.create(
                name, participants=who, lead="max", next_phase=NextPhase(title=name),
                within=period, policy=policy, substitutes=others,
                tasks=[NewTask(source=Source.BACKLOG, title="t", assignee=a) for a in owners],
            )
        )  # fmt: skip
        seats = {p.participant: Seat(p.agent, parts=dict.fromkeys(p.tasks, "open"))
                 for p in made.places}  # fmt: skip
        self.roots |= {task: task for seat in seats.values() for task in seat.parts}
        self.points[name] = Point(policy, others, self.now + period, period, seats)

    @precondition(lambda self: self.points)
    @rule(which=some, agent=st.sampled_from(AGENTS), status=st.sampled_from(["ready", "blocked"]))
    def check_in(self, which: int, agent: str, status: str) -> None:
        name, point = self.pick(which)
        reason = "why" if status == "blocked" else ""
        call = self.board.sync_points.check_in(name, agent, Standing(status), reason=reason)
        mine = {one: seat for one, seat in point.seats.items() if seat.agent == agent}
        if agent not in mine and len(mine) != 1:
            with pytest.raises(StateConflict):
                self.do(call)
            return
        seat = mine.get(agent) or next(iter(mine.values()))
        answer = self.do(call)
        # A task may have said the same of it; of a block, hardly with these words.
        same = seat.status == status and (status == "ready" or seat.spoken)
        assert answer.changed == (point.state == "open" and not same)
        released = False
        if answer.changed:
            seat.status, seat.spoken = status, True
            released = self.settle(point)
        assert answer.released == released

    @precondition(lambda self: self.points)
    @rule(which=some)
    def cancel(self, which: int) -> None:
        name, point = self.pick(which)
        call = self.board.sync_points.cancel(name)
        if point.state in ("released", "failed"):
            with pytest.raises(StateConflict):
                self.do(call)
            return
        self.do(call)
        point.state = "cancelled"

    @rule(agent=st.sampled_from(AGENTS), source=st.sampled_from(["backlog", "dispatch"]))
    def claim(self, agent: str, source: str) -> None:
        won = self.do(
            self.board.attempts.claim(
                agent=agent, run=agent, skills=[], source=Source(source), lease=1e9
            )
        )
        if won is not None:
            self.held.append(won.attempt)

    @precondition(lambda self: self.held)
    @rule(which=some, how=st.sampled_from(["complete", "complete", "block", "fail", "hand over"]))
    def end(self, which: int, how: str) -> None:
        attempt = self.held.pop(which % len(self.held))
        root = self.roots[attempt.task_id]
        attempts = self.board.attempts
        if how == "complete":
            made = self.do(attempts.complete(attempt))
            assert len(made) == self.part_is(root, "done")
        elif how == "block":
            self.do(attempts.block(attempt, owner="human", action="act"))
            self.part_is(root, "blocked")
        elif how == "fail":
            self.do(attempts.fail(attempt, code="c", error="e", limit=1))
            self.part_is(root, "blocked")
        else:
            to = AGENTS[AGENTS.index(attempt.agent) - 1]
            document = HandoffDocument(summary="s", action="a")
            given = self.do(
                self.board.handoffs.give(attempt, to=to, document=document, verified=True)
            )
            self.roots[given.dispatch_id] = root

    @precondition(lambda self: self.roots)
    @rule(which=some)
    def retry(self, which: int) -> None:
        task = list(self.roots)[which % len(self.roots)]
        found = self.do(self.board.tasks.get(task))
        if found.state == "blocked":
            self.do(self.board.tasks.retry(task))
            self.part_is(self.roots[task], "open")

    @rule(seconds=st.sampled_from([0.0, 10.0, 30.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.now = self.do(self.board.clock.advance(seconds))
        self.do(self.board.sweep())
        for name, point in self.points.items():
            if point.state != "open" or point.deadline > self.now:
                continue
            missing = {one: s for one, s in point.seats.items() if s.status != "ready"}
            if point.policy is Policy.GO_ON:
                point.state = "released"
            elif point.policy is Policy.SUBSTITUTE and all(
                seat.agent == one and one in point.substitutes for one, seat in missing.items()
            ):
                point.deadline = self.now + point.period
                for one, seat in missing.items():
                    self.substitute(name, seat, point.substitutes[one])
            else:
                point.state = "failed"

    def substitute(self, name: str, seat: Seat, to: str) -> None:
        seat.agent, seat.status, seat.spoken = to, "expected", False
        given = 0
        for root, state in seat.parts.items():
            if state == "done":
                continue
            seat.parts[root], given = "open", given + 1
            # Whoever had it has lost it, unless that was the substitute itself.
            tasks = {task: one for task, one in self.roots.items() if one == root}
            for task in self.do(self.board.tasks.find(assignee=to)):
                if task.continues in tasks and task.id not in tasks:
                    self.roots[task.id] = root
                    self.held = [a for a in self.held if self.roots[a.task_id] != root]
        if not given:
            (dispatch,) = [
                task.id
                for task in self.do(self.board.tasks.find(assignee=to))
                if task.id not in self.roots and f"'{name}'" in task.title
            ]
            self.roots[dispatch] = dispatch
            seat.parts[dispatch] = "open"

    # --- what always holds

    @invariant()
    def board_and_model_agree(self) -> None:
        found = {point.name: point for point in self.do(self.board.sync_points.find())}
        assert set(found) == set(self.points)
        for name, point in self.points.items():
            one = found[name]
            assert (str(one.state), one.deadline) == (point.state, point.deadline)
            closed = point.state in ("released", "failed")
            for place in one.places:
                seat = point.seats[place.participant]
                status = "missed" if closed and seat.status != "ready" else seat.status
                assert (place.agent, str(place.status)) == (seat.agent, status), name
                assert set(place.tasks) == set(seat.parts)

    @invariant()
    def each_point_leads_to_one_next_phase_at_most(self) -> None:
        phases = self.do(self.board.tasks.find(assignee="max"))
        expected = {
            name: "pending" if point.state == "released" else "blocked"
            for name, point in self.points.items()
            if point.state in ("released", "failed")
        }
        assert sorted((t.title, str(t.state)) for t in phases) == sorted(expected.items())
        kinds = [event.kind for event in self.do(self.board.events.find())]
        for state in ("released", "failed"):
            count = sum(point.state == state for point in self.points.values())
            assert kinds.count(f"sync_point.{state}") == count

    @invariant()
    def what_is_due_is_known(self) -> None:
        deadlines = [p.deadline for p in self.points.values() if p.state == "open"]
        due = self.do(self.board.next_due())
        assert (due if due is not None and due < 1e8 else None) == min(deadlines, default=None)


def test_sync_points_agree_with_their_model(agrees: Agrees, copies: Fresh) -> None:
    assert agrees(SyncMachine, copies, 16)


def test_sync_points_on_postgresql_agree_with_their_model(
    agrees: Agrees, postgres_boards: Fresh
) -> None:
    assert agrees(SyncMachine, postgres_boards, 6)
