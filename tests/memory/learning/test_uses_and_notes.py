"""What was shown to whom, and what a task's attempts noted: under the fence, on both databases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from neveridle.board import Attempt, Board
from neveridle.board.memories.uses import Use
from neveridle.board.memory_row import NewMemory, Signals
from neveridle.errors import LeaseLost

Claims = Callable[..., Awaitable[Attempt]]


@pytest.fixture
async def three(board: Board) -> list[int]:
    """Three lessons."""
    return await board.memories.add([NewMemory("sam", text, kind="learning") for text in "abc"])


async def test_uses_are_noted_once_and_carried_over_by_who_resumes(
    board: Board, attempt: Claims, three: list[int]
) -> None:
    uses, mine = board.memories.uses, await attempt()

    assert await uses.record(mine, [Use(three[1], rank=1), Use(three[0], rank=2), Use(99)]) == 2
    assert await uses.record(mine, [Use(three[0], "tool"), Use(three[2], "tool", 1, 0.5)]) == 1
    assert await uses.shown(mine) == [three[1], three[0], three[2]]

    await board.attempts.release(mine)
    resumes = await attempt(new=False)
    assert resumes.number == mine.number
    assert await uses.carry(resumes, [mine.fence]) == 3
    assert await uses.carry(resumes, [mine.fence]) == 0
    assert [one.how for one in await uses.of_attempt(resumes.task_id, resumes.fence)].count(
        "tool"
    ) == 1
    await board.attempts.complete(resumes)
    (ended,) = await uses.ended()
    assert (ended.succeeded, ended.agent, ended.memories) == (True, "sam", frozenset(three))
    assert await uses.counts() == dict.fromkeys(three, 2)


async def test_who_lost_its_task_notes_nothing(
    board: Board, attempt: Claims, three: list[int]
) -> None:
    stale = await attempt()
    await board.attempts.release(stale)
    owner = await attempt(new=False)
    note = NewMemory("sam", "A note.", task=stale.task_id)

    with pytest.raises(LeaseLost):
        await board.memories.uses.record(stale, [Use(three[0])])
    with pytest.raises(LeaseLost):
        await board.memories.uses.carry(await _took(board, owner, three), [owner.fence])
    with pytest.raises(LeaseLost):
        await board.memories.working.save(stale, "stale")
    with pytest.raises(LeaseLost):
        await board.memories.working.take_over(stale, 77)
    with pytest.raises(LeaseLost):
        await board.memories.note(stale, note)

    assert await board.memories.working.get(stale.task_id) == ""
    assert await board.memories.count() == {"live": 3}


async def _took(board: Board, owner: Attempt, shown: list[int]) -> Attempt:
    """An attempt that has ended, of which something is to be carried over."""
    await board.memories.uses.record(owner, [Use(shown[0])])
    await board.attempts.release(owner)
    return owner


async def test_working_memory_is_one_row_of_the_task_and_loses_its_vectors_with_its_words(
    board: Board, attempt: Claims
) -> None:
    working, mine = board.memories.working, await attempt()
    assert not await working.save(mine, "")
    assert await working.save(mine, "first")
    (row,) = await board.memories.newest(5)
    await board.memories.put_signals({row.id: Signals("m", dense=b"\0\0")})
    (row,) = await board.memories.newest(5)
    assert not await working.save(mine, "first")
    await board.attempts.release(mine)
    again = await attempt("leo", new=False)

    assert await working.save(again, "second")

    (now,) = await board.memories.newest(5)
    assert (now.id, now.text, now.agent, now.fence) == (row.id, "second", "leo", again.fence)
    assert now.revision > row.revision
    assert await board.memories.without_vectors("m", 5) == [now]
    assert await working.get(again.task_id) == "second"


async def test_working_memory_is_taken_over_once(board: Board, attempt: Claims) -> None:
    working, sender = board.memories.working, await attempt()
    await working.save(sender, "the sender's")
    receiver = await attempt("leo")

    assert await working.take_over(receiver, sender.task_id) == "the sender's"
    await working.save(receiver, "the receiver's")
    await working.save(sender, "the sender's, later")
    assert await working.take_over(receiver, sender.task_id) == "the receiver's"
    assert await working.get(sender.task_id) == "the sender's, later"


async def test_the_same_note_again_is_the_note_that_there_is(board: Board, attempt: Claims) -> None:
    mine = await attempt()
    note = NewMemory("sam", "Ask first.", task=mine.task_id)

    first = await board.memories.note(mine, note)

    assert await board.memories.note(mine, note) == first
    other = NewMemory("sam", "Ask twice.", task=mine.task_id)
    assert await board.memories.note(mine, other) != first
