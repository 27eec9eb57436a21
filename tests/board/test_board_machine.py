"""The board against a simple model of it, driven by Hypothesis in whatever order it likes."""

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

from neveridle.board import Attempt, Board, HandoffDocument, NewTask, Priority, Source
from neveridle.errors import DependencyCycle, LeaseLost, NeveridleError, StateConflict

T = TypeVar("T")

LEASE = 60
LIMIT = 2
RUNS = {"sam-1": "sam", "sam-2": "sam", "leo-1": "leo"}
OPEN = {"pending", "in_progress", "waiting", "blocked"}

some = st.integers(0, 99)
"""Picks one of what there is, by its remainder."""


@dataclass
class Modelled:
    """A task as the model has it."""

    id: int
    source: Source
    priority: int
    assignee: str | None = None
    continues: int | None = None
    state: str = "pending"
    blockers: set[int] = field(default_factory=set[int])
    parents: set[int] = field(default_factory=set[int])
    fence: int = 0
    owner: str | None = None
    lease: float = 0.0
    failures: int = 0
    expirations: int = 0
    on: int | None = None
    until: float | None = None


class Fresh(Protocol):
    """Makes the URL of an empty board, which is gone when it is left."""

    def __call__(self) -> AbstractContextManager[str]: ...


Agrees = Callable[[Any, Fresh, int], int]


class BoardMachine(RuleBasedStateMachine):
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
        self.tasks: dict[int, Modelled] = {}
        self.attempts: list[Attempt] = []
        self.completed: list[int] = []
        self.version = self.do(self.board.version())

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.do(self.board.close())
        self.runner.close()
        self.database.__exit__(None, None, None)

    # --- the model

    def pick(self, number: int) -> Modelled:
        return list(self.tasks.values())[number % len(self.tasks)]

    def attempt(self, number: int) -> tuple[Attempt, Modelled, bool]:
        """An attempt, old ones too; its task, and whether it still owns it."""
        owning = [attempt for attempt in self.attempts if self.owns(attempt)]
        among = owning if owning and number % 4 else self.attempts
        attempt = among[number % len(among)]
        return attempt, self.tasks[attempt.task_id], self.owns(attempt)

    def owns(self, attempt: Attempt) -> bool:
        task = self.tasks[attempt.task_id]
        return task.owner == attempt.run and task.fence == attempt.fence

    def above(self, task: Modelled) -> set[int]:
        """All that a task is part of."""
        found: set[int] = set()
        front = [task.id]
        while front:
            more = self.tasks[front.pop()].parents - found
            found |= more
            front += more
        return found

    def family(self, task: Modelled) -> set[int]:
        """A task and all that is part of it."""
        return {t.id for t in self.tasks.values() if t is task or task.id in self.above(t)}

    def blockers(self, task: Modelled) -> set[int]:
        """What a task waits for, itself or because of what it is part of."""
        return task.blockers.union(*(self.tasks[one].blockers for one in self.above(task)))

    def runnable(self, task: Modelled) -> bool:
        done = all(self.tasks[blocker].state == "completed" for blocker in self.blockers(task))
        return task.state == "pending" and done

    def unblocks(self, task: Modelled) -> int:
        if task.state == "completed":
            return 0
        return sum(
            task.id in self.blockers(one) and one.state in OPEN for one in self.tasks.values()
        )

    def waits(self, task: int) -> set[int]:
        """What must be completed before a task, directly and through others."""
        found: set[int] = set()
        front = [task]
        while front:
            one = self.tasks[front.pop()]
            for step in self.blockers(one) | ({one.on} if one.on is not None else set[int]()):
                if step not in found:
                    found.add(step)
                    front.append(step)
        return found

    def refused(self, work: Coroutine[Any, Any, Any], kind: type[NeveridleError]) -> None:
        with pytest.raises(kind):
            self.do(work)

    @staticmethod
    def end(task: Modelled, state: str) -> None:
        task.state, task.owner, task.on, task.until = state, None, None, None

    # --- putting things there

    @rule(priority=st.sampled_from(Priority), after=st.lists(some, max_size=2))
    def add(self, priority: Priority, after: list[int]) -> None:
        blockers = {self.pick(number).id for number in after} if self.tasks else set[int]()
        new = NewTask(
            source=Source.BACKLOG, title="t", priority=priority, after=tuple(sorted(blockers))
        )
        task = self.do(self.board.tasks.add(new))
        self.tasks[task.id] = Modelled(task.id, task.source, priority, blockers=blockers)

    @precondition(lambda self: self.tasks)
    @rule(which=some, blocker=some)
    def depend(self, which: int, blocker: int) -> None:
        task, on = self.pick(which), self.pick(blocker)
        call = self.board.tasks.depend(task.id, on.id)
        if task.state not in ("pending", "waiting", "blocked"):
            self.refused(call, StateConflict)
        elif task is on:
            self.refused(call, DependencyCycle)
        elif on.id in self.blockers(task):
            self.do(call)
            task.blockers.add(on.id)
        elif task.on is not None:
            self.refused(call, StateConflict)
        elif self.family(task) & ({on.id} | self.waits(on.id)):
            self.refused(call, DependencyCycle)
        else:
            self.do(call)
            task.blockers.add(on.id)

    @precondition(lambda self: any(task.blockers for task in self.tasks.values()))
    @rule(which=some)
    def release_dependency(self, which: int) -> None:
        edges = [(t, b) for t in self.tasks.values() for b in sorted(self.blockers(t))]
        task, on = edges[which % len(edges)]
        call = self.board.tasks.release_dependency(task.id, on)
        if on not in task.blockers:
            self.refused(call, StateConflict)
            return
        self.do(call)
        one: Modelled | None = task
        while one is not None:
            one.blockers.discard(on)
            one = self.sender(one)

    @precondition(lambda self: self.tasks)
    @rule(which=some, parent=some)
    def make_part_of(self, which: int, parent: int) -> None:
        task, whole = self.pick(which), self.pick(parent)
        call = self.board.links.add(task.id, whole.id)
        below = self.family(task)
        if task is whole:
            self.refused(call, DependencyCycle)
        elif whole.id in task.parents:
            self.do(call)
        elif task.on is not None:
            self.refused(call, StateConflict)
        elif whole.id in below or any(
            below & ({on} | self.waits(on)) for on in self.blockers(whole)
        ):
            self.refused(call, DependencyCycle)
        else:
            self.do(call)
            task.parents.add(whole.id)

    @precondition(lambda self: any(task.parents for task in self.tasks.values()))
    @rule(which=some)
    def take_out_of(self, which: int) -> None:
        links = [(t, p) for t in self.tasks.values() for p in sorted(t.parents)]
        task, whole = links[which % len(links)]
        self.do(self.board.links.remove(task.id, whole))
        task.parents.discard(whole)

    @precondition(lambda self: self.tasks)
    @rule(which=some, other=some)
    def note(self, which: int, other: int) -> None:
        task, on = self.pick(which), self.pick(other)
        if task is not on:
            self.do(self.board.links.add(task.id, on.id, kind="related"))

    def sender(self, task: Modelled) -> Modelled | None:
        sender = None if task.continues is None else self.tasks[task.continues]
        return sender if sender is not None and sender.on == task.id else None

    # --- claiming and holding

    @rule(run=st.sampled_from(sorted(RUNS)), source=st.sampled_from(["backlog", "dispatch"]))
    def claim(self, run: str, source: str) -> None:
        rung, agent = Source(source), RUNS[run]
        mine = [
            task
            for task in self.tasks.values()
            if self.runnable(task) and task.source is rung and task.assignee in (None, agent)
        ]
        best = min(mine, key=lambda t: (-t.priority, -self.unblocks(t), t.id), default=None)
        peeked = self.do(self.board.attempts.peek(agent, [], rung))
        claim = self.do(
            self.board.attempts.claim(agent=agent, run=run, skills=[], source=rung, lease=LEASE)
        )
        if best is None:
            assert peeked is None
            assert claim is None
            return
        assert claim is not None
        assert claim.task.id == peeked == best.id
        best.state, best.owner, best.fence, best.on = "in_progress", run, best.fence + 1, None
        best.lease = self.now + LEASE
        assert claim.attempt.fence == best.fence
        self.attempts.append(claim.attempt)

    @rule(run=st.sampled_from(sorted(RUNS)))
    def renew(self, run: str) -> None:
        held = self.do(self.board.attempts.renew([run], lease=LEASE))
        mine = [task for task in self.tasks.values() if task.owner == run]
        assert held == {(task.id, task.fence) for task in mine}
        for task in mine:
            task.lease = self.now + LEASE

    # --- the ways an attempt ends

    @precondition(lambda self: self.attempts)
    @rule(which=some)
    def complete(self, which: int) -> None:
        attempt, task, owns = self.attempt(which)
        call = self.board.attempts.complete(attempt)
        if not owns:
            self.refused(call, LeaseLost)
            return
        before = {one.id for one in self.tasks.values() if self.runnable(one)}
        woken = self.do(call)
        done: Modelled | None = task
        while done is not None:
            assert all(self.tasks[blocker].state == "completed" for blocker in done.blockers)
            parent = self.sender(done)
            self.end(done, "completed")
            self.completed.append(done.id)
            done = parent if parent is not None and parent.state == "waiting" else None
        assert set(woken) == {t.id for t in self.tasks.values() if self.runnable(t)} - before

    @precondition(lambda self: self.attempts)
    @rule(which=some, service=st.booleans())
    def fail(self, which: int, service: bool) -> None:
        attempt, task, owns = self.attempt(which)
        call = self.board.attempts.fail(
            attempt, code="x", error="y", limit=LIMIT, retry_in=20 if service else None
        )
        if not owns:
            self.refused(call, LeaseLost)
            return
        again = self.do(call)
        if service:
            self.end(task, "waiting")
            task.until = self.now + 20
        else:
            task.failures += 1
            self.end(task, "pending" if task.failures < LIMIT else "blocked")
        assert again == (task.state != "blocked")

    @precondition(lambda self: self.attempts)
    @rule(which=some, how=st.sampled_from(["block", "park", "park for 20", "release"]))
    def give_up(self, which: int, how: str) -> None:
        attempt, task, owns = self.attempt(which)
        attempts = self.board.attempts
        if how == "block":
            call, state = attempts.block(attempt, owner="o", action="a"), "blocked"
        elif how == "release":
            call, state = attempts.release(attempt), "pending"
        else:
            until = self.now + 20 if how == "park for 20" else None
            call, state = attempts.park(attempt, on="ci", until=until), "waiting"
        if not owns:
            self.refused(call, LeaseLost)
            return
        self.do(call)
        self.end(task, state)
        task.until = self.now + 20 if how == "park for 20" else None

    @precondition(lambda self: self.attempts)
    @rule(which=some, to=st.sampled_from(["sam", "leo"]))
    def hand_over(self, which: int, to: str) -> None:
        attempt, task, owns = self.attempt(which)
        document = HandoffDocument(summary="s", action="a")
        call = self.board.handoffs.give(attempt, to=to, document=document, verified=False)
        if not owns:
            self.refused(call, LeaseLost)
            return
        if to == attempt.agent:
            self.refused(call, StateConflict)
            return
        self.handed(task, to, self.do(call).dispatch_id)

    @precondition(lambda self: self.tasks)
    @rule(which=some, to=st.sampled_from(["sam", "leo"]))
    def hand_over_by_hand(self, which: int, to: str) -> None:
        task = self.pick(which)
        document = HandoffDocument(summary="s", action="a")
        call = self.board.handoffs.give_by_hand(task.id, sender="max", to=to, document=document)
        if task.state not in ("pending", "blocked"):
            self.refused(call, StateConflict)
            return
        self.handed(task, to, self.do(call).dispatch_id)

    def handed(self, task: Modelled, to: str, dispatch: int) -> None:
        assert dispatch not in self.tasks
        self.tasks[dispatch] = Modelled(
            dispatch, Source.DISPATCH, task.priority, assignee=to, continues=task.id,
            blockers=set(task.blockers), parents=set(task.parents),
        )  # fmt: skip
        self.end(task, "waiting")
        task.on = dispatch

    # --- what people and time do

    @precondition(lambda self: self.tasks)
    @rule(which=some)
    def cancel(self, which: int) -> None:
        task = self.pick(which)
        call = self.board.tasks.cancel(task.id)
        if task.state == "completed":
            self.refused(call, StateConflict)
            return
        self.do(call)
        if task.state == "cancelled":
            return
        sender = self.sender(task)
        if sender is not None and sender.state == "waiting":
            sender.state = "blocked"
        one: Modelled | None = task
        while one is not None and one.state in OPEN:
            receiver = None if one.on is None else self.tasks[one.on]
            self.end(one, "cancelled")
            one = receiver

    @precondition(lambda self: self.tasks)
    @rule(which=some)
    def retry(self, which: int) -> None:
        task = self.pick(which)
        call = self.board.tasks.retry(task.id)
        sender = self.sender(task)
        if task.state in ("pending", "in_progress", "completed") or (
            task.state == "waiting" and task.on is not None
        ):
            self.refused(call, StateConflict)
            return
        if task.state == "cancelled" and task.continues is not None:
            if sender is None or sender.state != "blocked":
                self.refused(call, StateConflict)
                return
            sender.state = "waiting"
        self.do(call)
        self.end(task, "pending")
        task.failures = task.expirations = 0

    @rule(seconds=st.sampled_from([0, 10, 25, 60]))
    def time_passes(self, seconds: int) -> None:
        self.now = self.do(self.board.clock.advance(seconds))
        dead = {(t.id, t.fence) for t in self.tasks.values() if t.owner and t.lease <= self.now}
        due = [t for t in self.tasks.values() if t.until is not None and t.until <= self.now]
        assert set(self.do(self.board.sweep(expirations=LIMIT))) == dead
        for number, _ in dead:
            task = self.tasks[number]
            task.expirations += 1
            self.end(task, "pending" if task.expirations < LIMIT else "blocked")
        for task in due:
            self.end(task, "pending")

    # --- what always holds

    @invariant()
    def board_and_model_agree(self) -> None:
        found = {task.id: task for task in self.do(self.board.tasks.find())}
        assert set(found) == set(self.tasks)
        for number, task in found.items():
            one = self.tasks[number]
            blockers = sum(self.tasks[b].state != "completed" for b in self.blockers(one))
            assert (str(task.state), task.fence, task.failures) == (
                one.state, one.fence, one.failures,
            )  # fmt: skip
            assert (task.open_blockers, task.unblocks) == (blockers, self.unblocks(one))
            assert task.waiting_on == f"task:{one.on}" if one.on else "task:" not in task.waiting_on
            assert bool(task.blocked_action) == (one.state == "blocked")

    @invariant()
    def each_task_has_the_owner_it_should(self) -> None:
        active = {(a.task_id, a.fence, a.run) for a in self.do(self.board.attempts.active())}
        owned = {(t.id, t.fence, t.owner) for t in self.tasks.values() if t.owner is not None}
        assert active == owned

    @invariant()
    def nothing_is_completed_twice(self) -> None:
        events = self.do(self.board.events.find(kind="task.completed"))
        assert [event.task_id for event in events] == self.completed
        assert len(set(self.completed)) == len(self.completed)

    @invariant()
    def what_became_runnable_was_told(self) -> None:
        now = {task.id for task in self.tasks.values() if self.runnable(task)}
        version = self.do(self.board.version())
        assert version >= self.version
        became = now - getattr(self, "ready", set[int]())
        assert (version > self.version) == bool(became)
        self.version, self.ready = version, now


def test_the_board_agrees_with_its_model(agrees: Agrees, copies: Fresh) -> None:
    assert agrees(BoardMachine, copies, 16)


def test_the_board_on_postgresql_agrees_with_its_model(
    agrees: Agrees, postgres_boards: Fresh
) -> None:
    assert agrees(BoardMachine, postgres_boards, 8)
