"""What waits for something outside is runnable as soon as that is known to have happened."""

from __future__ import annotations

from typing import Any

from neveridle.board import Board, TaskState

WORK = "c" * 40


async def parked(board: Board, add: Any, take: Any, on: str, commit: str = WORK) -> int:
    """A task that waits, with work at a commit."""
    task = await add()
    claim = await take()
    attempt = await board.attempts.record(claim.attempt, commit=commit)
    await board.attempts.park(attempt, on=on, until=await board.clock.now() + 1000)
    return int(task.id)


async def test_by_what_is_awaited(board: Board, add: Any, take: Any) -> None:
    first = await parked(board, add, take, "pull-request:1")
    await parked(board, add, take, "pull-request:12")
    await parked(board, add, take, "human")
    before = await board.tasks.counts()
    assert await board.tasks.awaken() == []
    assert await board.tasks.awaken("pull-request:2") == []
    assert await board.tasks.counts() == before
    assert await board.tasks.awaken("pull-request:1") == [first]
    assert await board.tasks.awaken("pull-request:1") == []
    task = await board.tasks.get(first)
    assert (task.state, task.waiting_on, task.waiting_until) == (TaskState.PENDING, "", None)
    assert (await board.tasks.counts())[TaskState.WAITING] == 2
    (event,) = await board.events.find(kind="task.woken")
    assert (event.task_id, event.data) == (first, {"on": "pull-request:1"})
    claim = await take()
    assert (claim.task.id, claim.attempt.number, claim.attempt.commit) == (first, 1, WORK)


async def test_by_the_commit_of_the_work(board: Board, add: Any, take: Any) -> None:
    await parked(board, add, take, "human")
    await parked(board, add, take, "pull-request:1", commit="d" * 40)
    ours = await parked(board, add, take, "pull-request:2")
    assert await board.tasks.awaken(commit=WORK) == []
    assert await board.tasks.awaken(commit=WORK, prefix="pull-request:") == [ours]


async def test_who_rests_is_told(board: Board, add: Any, take: Any, sql: Any) -> None:
    await parked(board, add, take, "pull-request:1")
    ((before,),) = await sql("SELECT version FROM wakeups")
    await board.tasks.awaken("pull-request:7")
    assert await sql("SELECT version FROM wakeups") == [(before,)]
    await board.tasks.awaken("pull-request:1")
    ((after,),) = await sql("SELECT version FROM wakeups")
    assert after > before
