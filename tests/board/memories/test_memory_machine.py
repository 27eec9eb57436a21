"""The rows of memory against a simple model of them, and who follows them against both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from neveridle.board import Board
from neveridle.board.memories import Edit
from neveridle.board.memory_row import Change, NewMemory, Signals
from neveridle.errors import StateConflict

T = TypeVar("T")
some = st.integers(0, 99)
blobs = st.binary(max_size=4)
signal = st.builds(Signals, st.sampled_from(["", "m@1"]), st.none() | blobs, st.none() | blobs,
                   st.none() | blobs)  # fmt: skip


@dataclass
class Held:
    """A memory as the model, or a follower, has it."""

    text: str
    signals: Signals
    state: str = "live"
    by: int | None = None
    strength: int = 1
    tags: tuple[str, ...] = ()


class Fresh(Protocol):
    """Makes the URL of an empty board, which is gone when it is left."""

    def __call__(self) -> AbstractContextManager[str]: ...


Agrees = Callable[[Any, Fresh, int], int]


class MemoryMachine(RuleBasedStateMachine):
    """Every rule does the same to board and model; a follower reads pages of changes."""

    fresh: Fresh

    def __init__(self) -> None:
        super().__init__()
        self.database = type(self).fresh()
        self.runner = asyncio.Runner()
        url = self.database.__enter__()
        self.boards = [Board(url), Board(url)]
        for board in self.boards:
            self.do(board.open())
        self.turn = 0
        self.model: dict[int, Held] = {}
        self.followed: dict[int, Change] = {}
        self.after = 0

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def teardown(self) -> None:
        for board in self.boards:
            self.do(board.close())
        self.runner.close()
        self.database.__exit__(None, None, None)

    @property
    def memories(self) -> Any:
        """Those of one process, then those of another."""
        self.turn += 1
        return self.boards[self.turn % 2].memories

    def pick(self, numbers: list[int]) -> list[int]:
        ids = sorted(self.model)
        return sorted({ids[number % len(ids)] for number in numbers})

    @rule(given=st.lists(st.tuples(st.text(max_size=5), st.none() | signal), max_size=4))
    def add(self, given: list[tuple[str, Signals | None]]) -> None:
        new = [NewMemory(agent="sam", text=text, signals=known) for text, known in given]
        ids = self.do(self.memories.add(new))
        assert len(ids) == len(new)
        assert not set(ids) & set(self.model)
        for one, (text, known) in zip(ids, given, strict=True):
            clean = text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
            self.model[one] = Held(clean, known or Signals())

    @precondition(lambda self: self.model)
    @rule(numbers=st.lists(some, min_size=1, max_size=3), known=signal)
    def put_signals(self, numbers: list[int], known: Signals) -> None:
        ids = self.pick(numbers)
        self.do(self.memories.put_signals(dict.fromkeys([*ids, 10000], known)))
        for one in ids:
            if self.model[one].state != "forgotten":
                self.model[one].signals = known

    @precondition(lambda self: self.model)
    @rule(numbers=st.lists(some, min_size=1, max_size=3))
    def forget(self, numbers: list[int]) -> None:
        ids = self.pick(numbers)
        gone = self.do(self.memories.forget(ids))
        assert gone == [one for one in ids if self.model[one].state != "forgotten"]
        for one in gone:
            self.model[one] = Held("", Signals(), "forgotten", strength=self.model[one].strength)

    @precondition(lambda self: self.model)
    @rule(numbers=st.lists(some, min_size=1, max_size=3), by=some)
    def supersede(self, numbers: list[int], by: int) -> None:
        ids, (stands,) = self.pick(numbers), self.pick([by])
        if stands in ids:
            return
        allowed = self.model[stands].state != "forgotten" and all(
            self.model[one].state == "live" for one in ids
        )
        self.refused_or(self.memories.supersede(ids, stands), allowed=allowed)
        for one in ids if allowed else ():
            self.model[one].state, self.model[one].by = "superseded", stands

    @precondition(lambda self: self.model)
    @rule(numbers=st.lists(some, min_size=1, max_size=3), retire=st.booleans())
    def retire_or_restore(self, numbers: list[int], retire: bool) -> None:
        ids = self.pick(numbers)
        states = {self.model[one].state for one in ids}
        allowed = states == {"live"} if retire else "forgotten" not in states
        memories = self.memories
        self.refused_or(memories.retire(ids) if retire else memories.restore(ids), allowed=allowed)
        for one in ids if allowed else ():
            self.model[one].state = "retired" if retire else "live"
            self.model[one].by = None

    @precondition(lambda self: self.model)
    @rule(numbers=st.lists(some, min_size=1, max_size=3), expected=st.integers(1, 2),
          tags=st.lists(st.sampled_from("ab"), max_size=2))  # fmt: skip
    def strengthen(self, numbers: list[int], expected: int, tags: list[str]) -> None:
        ids = self.pick(numbers)
        values = {"strength": expected + 1, "tags": tags}
        allowed = all(
            self.model[one].strength == expected and self.model[one].state != "forgotten"
            for one in ids
        )
        edits = [Edit(one, values, {"strength": expected}) for one in ids]
        self.refused_or(self.memories.change_all(edits), allowed=allowed)
        for one in ids if allowed else ():
            self.model[one].strength, self.model[one].tags = expected + 1, tuple(tags)

    def refused_or(self, work: Coroutine[Any, Any, list[int]], *, allowed: bool) -> None:
        try:
            revisions = self.do(work)
        except StateConflict:
            assert not allowed
        else:
            assert allowed
            assert revisions == sorted(set(revisions))

    @rule(limit=st.integers(1, 4))
    def follow(self, limit: int) -> None:
        page: list[Change] = self.do(self.memories.changes(self.after, limit))
        revisions = [change.row.revision for change in page]
        assert revisions == sorted(set(revisions))
        assert not revisions or revisions[0] > self.after
        for change in page:
            self.followed[change.row.id] = change
            self.after = change.row.revision

    @invariant()
    def who_follows_to_the_end_has_what_there_is(self) -> None:
        for board in self.boards:
            memories = board.memories
            rest = self.do(memories.changes(self.after, 1_000))
            assert self.do(memories.revision()) >= max((c.row.revision for c in rest), default=0)
            seen = {**self.followed, **{change.row.id: change for change in rest}}
            assert seen.keys() == self.model.keys()
            rows = {row.id: row for row in self.do(memories.get(list(self.model)))}
            tokens = self.do(memories.tokens(list(self.model)))
            for one, held in self.model.items():
                row, change = rows[one], seen[one]
                has = Held(row.text, Signals(change.signals.model, change.signals.terms,
                                             change.signals.dense, tokens.get(one)),
                           row.state, row.superseded_by, row.strength, row.tags)  # fmt: skip
                assert has == held
                assert (change.row.state, change.row.revision) == (row.state, row.revision)
                assert (change.row.strength, change.row.tags) == (row.strength, row.tags)


def test_memories_agree_with_their_model(agrees: Agrees, copies: Fresh) -> None:
    assert agrees(MemoryMachine, copies, 16)


def test_memories_on_postgresql_agree_with_their_model(
    agrees: Agrees, postgres_boards: Fresh
) -> None:
    assert agrees(MemoryMachine, postgres_boards, 5)
