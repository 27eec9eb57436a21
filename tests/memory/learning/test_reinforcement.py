"""A lesson that is known: evidence for what is there, in the transaction of the attempt's end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from neveridle.board import Attempt, Board
from neveridle.board.memory_row import NewMemory, Signals
from neveridle.errors import LeaseLost

Claims = Callable[..., Awaitable[Attempt]]


def lesson(text: str = "Look first.", agent: str = "sam", **more: Any) -> dict[str, Any]:
    return {"agent": agent, "kind": "learning", "text": text, "visibility": "team", **more}


@pytest.fixture
async def known(board: Board, attempt: Claims) -> int:
    """A lesson that sam learnt in the first task."""
    await board.attempts.complete(await attempt(), learning=lesson())
    (row,) = await board.memories.newest(1)
    return row.id


async def test_a_lesson_learnt_again_elsewhere_is_kept_as_evidence_and_proves_the_first(
    board: Board, attempt: Claims, known: int
) -> None:
    signals = Signals(model="m", dense=b"\0\0")
    again = lesson("Look first!", "leo", signals=signals, reinforces=known, bears_out=True)

    await board.attempts.complete(await attempt("leo"), learning=again)

    old, new = await board.memories.get([known, known + 1])
    assert (old.state, old.strength, old.trusted) == ("live", 2, True)
    assert (new.state, new.superseded_by, new.text) == ("superseded", known, "Look first!")
    assert new.revision != old.revision
    (event,) = await board.events.find(kind="memory.reinforced")
    assert event.data == {"memory": known, "by": new.id, "trusted": True}
    changed = await board.memories.changes(0, 10)
    assert [(one.row.id, one.signals.model) for one in changed] == [(new.id, "m"), (known, "")]


async def test_the_same_attempt_again_or_a_stale_one_adds_nothing(
    board: Board, attempt: Claims, known: int
) -> None:
    mine = await attempt("leo")
    await board.attempts.release(mine)
    with pytest.raises(LeaseLost):
        await board.attempts.complete(mine, learning=lesson(reinforces=known, bears_out=True))

    (row,) = await board.memories.get([known])
    assert (row.strength, row.trusted) == (1, False)
    assert await board.memories.count() == {"live": 1}


@pytest.mark.parametrize(
    ("first", "then", "who", "trusted"),
    [
        ({}, {"bears_out": True}, "sam", True),  # another task
        ({}, {"bears_out": False}, "leo", False),  # shown, failed, and repeated
        ({"origin": "tool"}, {"bears_out": True}, "leo", False),
        ({}, {"bears_out": True, "origin": "tracker"}, "leo", False),
        ({"trusted": True}, {"bears_out": False, "origin": "tool"}, "leo", True),
        ({"origin": "person"}, {"bears_out": True}, "leo", True),
    ],
)  # fmt: skip
async def test_only_an_independent_attempt_in_its_own_words_makes_a_lesson_trusted(
    board: Board, attempt: Claims, first: dict[str, Any], then: dict[str, Any], who: str,
    trusted: bool,
) -> None:  # fmt: skip
    await board.attempts.complete(await attempt(), learning=lesson(**first))
    (old,) = await board.memories.newest(1)

    await board.attempts.complete(
        await attempt(who), learning=lesson(agent=who, reinforces=old.id, **then)
    )

    (row,) = await board.memories.get([old.id])
    assert (row.strength, row.trusted) == (2, trusted)


async def test_another_attempt_of_the_same_agent_at_the_same_task_proves_nothing(
    board: Board, attempt: Claims
) -> None:
    failed = await attempt()
    await board.attempts.fail(failed, code="c", error="e", limit=9, learning=lesson())
    (old,) = await board.memories.newest(1)

    again = await attempt(new=False)
    assert again.task_id == failed.task_id
    await board.attempts.complete(again, learning=lesson(reinforces=old.id, bears_out=True))

    (row,) = await board.memories.get([old.id])
    assert (row.strength, row.trusted) == (2, False)


async def test_what_was_merged_or_forgotten_meanwhile_is_followed_or_left_alone(
    board: Board, attempt: Claims, known: int
) -> None:
    await board.attempts.complete(await attempt(), learning=lesson(reinforces=known))
    merged = known + 1

    await board.attempts.complete(await attempt(), learning=lesson(reinforces=merged))
    (row,) = await board.memories.get([known])
    assert row.strength == 3

    await board.memories.forget([known])
    await board.attempts.complete(await attempt(), learning=lesson(reinforces=merged))
    (new,) = await board.memories.newest(1)
    assert (new.state, new.superseded_by) == ("live", None)


async def test_a_shared_lesson_is_never_merged_into_one_that_others_do_not_see(
    board: Board, attempt: Claims
) -> None:
    (mine,) = await board.memories.add([NewMemory("sam", "Look first.", kind="learning")])

    await board.attempts.complete(
        await attempt("leo"), learning=lesson(agent="leo", reinforces=mine, bears_out=True)
    )

    (row,) = await board.memories.get([mine])
    assert (row.strength, row.trusted) == (1, False)
    assert await board.memories.count() == {"live": 2}
