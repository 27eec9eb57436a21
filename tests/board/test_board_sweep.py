"""What dead runs held comes back, and waits come to their end, by the board's clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from neveridle.board import AttemptState, Board, Claim, Phase, Priority, Task, TaskState
from neveridle.errors import LeaseLost

Add = Callable[..., Awaitable[Task]]
Take = Callable[..., Awaitable[Claim]]


async def test_an_expired_attempt_is_inherited_with_its_history(
    board: Board, add: Add, take: Take
) -> None:
    task = await add()
    attempt = (await take(lease=30.0)).attempt
    await board.attempts.record(
        attempt, phase=Phase.DELIVERED, branch="b", base="0", commit="1", outcome={"status": "ok"},
        evidence={"passed": True},
    )  # fmt: skip
    assert await board.next_due() == 1e6 + 30
    await board.clock.advance(29.5)
    assert await board.sweep() == []
    await board.clock.advance(0.5)
    version = await board.version()
    assert await board.sweep() == [(task.id, 1)]
    assert await board.version() == version + 1
    assert await board.sweep() == []
    assert (await board.tasks.get(task.id)).runnable
    assert await board.next_due() is None
    claim = await take("leo", run="run-2")
    assert claim.previous is not None
    assert (claim.previous.state, claim.previous.ended_at) == (AttemptState.EXPIRED, 1e6 + 30)
    heir = claim.attempt
    assert (heir.fence, heir.number, heir.resumes) == (2, 1, 1)
    assert (heir.phase, heir.branch, heir.base, heir.commit) == (Phase.DELIVERED, "b", "0", "1")
    assert (heir.outcome, heir.evidence) == ({"status": "ok"}, {"passed": True})
    # A failed one is not resumed: the work is tried anew.
    await board.attempts.fail(heir, code="x", error="y", limit=3)
    anew = (await take()).attempt
    assert (anew.number, anew.resumes, anew.phase, anew.branch, anew.outcome) == (
        2, None, Phase.CLAIMED, "", None,
    )  # fmt: skip


async def test_a_renewed_lease_holds(board: Board, add: Add, take: Take) -> None:
    task = await add()
    attempt = (await take(lease=30.0)).attempt
    for _ in range(5):
        await board.clock.advance(29)
        assert await board.attempts.renew(["run-1"], lease=30.0) == {(task.id, 1)}
        assert await board.sweep() == []
    await board.attempts.complete(attempt)


async def test_a_late_owner_still_owns_until_somebody_sweeps(
    board: Board, add: Add, take: Take
) -> None:
    await add()
    await add()
    late, lost = (await take(lease=10.0)).attempt, (await take(lease=10.0)).attempt
    await board.clock.advance(100)
    await board.attempts.complete(late)
    assert await board.sweep() == [(lost.task_id, 1)]
    with pytest.raises(LeaseLost):
        await board.attempts.complete(lost)


async def test_a_task_that_kills_its_workers_is_blocked_for_a_person(
    board: Board, add: Add, take: Take
) -> None:
    task = await add()
    for death in (1, 2, 3):
        await take(lease=10.0)
        await board.clock.advance(10)
        version = await board.version()
        assert await board.sweep(expirations=3) == [(task.id, death)]
        assert await board.version() == version + (1 if death < 3 else 0)
    blocked = await board.tasks.get(task.id)
    assert (blocked.state, blocked.blocked_owner) == (TaskState.BLOCKED, "human")
    assert f"neveridle tasks retry {task.id}" in blocked.blocked_action
    (event,) = await board.events.find(kind="task.blocked")
    assert event.data == {"owner": "human", "action": blocked.blocked_action}
    # A person's retry forgives: one more death is the first again.
    await board.tasks.retry(task.id)
    await take(lease=10.0)
    await board.clock.advance(10)
    await board.sweep(expirations=3)
    assert (await board.tasks.get(task.id)).state is TaskState.PENDING


async def test_a_sweep_returns_everything_at_once(board: Board, add: Add, take: Take) -> None:
    dies, parks, waits_long, lives = [await add(name) for name in "abcd"]
    await take(lease=10.0)
    await board.attempts.park((await take()).attempt, on="ci", until=1e6 + 10)
    await board.attempts.park((await take()).attempt, on="ci", until=1e6 + 99)
    await take(lease=50.0)
    await board.clock.advance(10)
    version = await board.version()
    assert await board.sweep() == [(dies.id, 1)]
    assert await board.version() == version + 1
    states = {task.id: task.state for task in await board.tasks.find()}
    assert states == {
        dies.id: TaskState.PENDING,
        parks.id: TaskState.PENDING,
        waits_long.id: TaskState.WAITING,
        lives.id: TaskState.IN_PROGRESS,
    }
    assert await board.next_due() == 1e6 + 50
    resumed = await take("leo", run="run-2")
    assert resumed.attempt.resumes == 1


async def test_what_expired_while_it_was_cancelled_stays_cancelled(
    board: Board, add: Add, take: Take
) -> None:
    task = await add(priority=Priority.HIGH)
    await take(lease=10.0)
    await board.tasks.cancel(task.id)
    await board.clock.advance(99)
    assert await board.sweep() == []
    assert (await board.tasks.get(task.id)).state is TaskState.CANCELLED
