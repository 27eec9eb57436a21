"""Parts of tasks, inherited waiting, and who is told when it is in vain."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from neveridle.board import Board, Claim, HandoffDocument, Source, Task, TaskState
from neveridle.board.links import Link
from neveridle.errors import DependencyCycle, NotFound, StateConflict

Adds = Callable[..., Awaitable[Task]]
Takes = Callable[..., Awaitable[Claim]]
Recounts = Callable[[Board], Awaitable[None]]


async def blockers(board: Board, task: Task) -> list[int]:
    return await board.tasks.blockers(task.id)


async def test_a_part_waits_for_what_its_whole_waits_for(
    board: Board, add: Adds, seek: Callable[..., Awaitable[Claim | None]], recounted: Recounts
) -> None:
    first, whole, part, small = [await add(name) for name in ("first", "whole", "part", "small")]
    await board.links.add(part.id, whole.id)
    await board.links.add(small.id, part.id)
    await board.tasks.depend(whole.id, first.id)
    assert await blockers(board, small) == [first.id]
    assert [task.id for task in await board.readiness.ready({})] == [first.id]
    claim = await seek()
    assert claim is not None
    assert claim.task.id == first.id
    assert await seek() is None
    await recounted(board)
    woken = await board.attempts.complete(claim.attempt)
    assert sorted(woken) == [whole.id, part.id, small.id]


async def test_what_becomes_part_later_waits_too_and_is_free_when_taken_out(
    board: Board, add: Adds, recounted: Recounts
) -> None:
    first, whole, part = [await add(name) for name in ("first", "whole", "part")]
    await board.tasks.depend(whole.id, first.id)
    await board.links.add(part.id, whole.id)
    await board.links.add(part.id, whole.id)
    assert (await board.tasks.get(part.id)).open_blockers == 1
    version = await board.version()
    await board.links.remove(part.id, whole.id)
    assert (await board.tasks.get(part.id)).open_blockers == 0
    assert await board.version() > version
    await recounted(board)


async def test_an_own_dependency_stays_when_the_inherited_one_goes(
    board: Board, add: Adds, recounted: Recounts
) -> None:
    first, whole, part = [await add(name) for name in ("first", "whole", "part")]
    await board.links.add(part.id, whole.id)
    await board.tasks.depend(whole.id, first.id)
    await board.tasks.depend(part.id, first.id)
    await board.tasks.release_dependency(whole.id, first.id)
    assert await blockers(board, part) == [first.id]
    await recounted(board)
    await board.tasks.depend(whole.id, first.id)
    await board.tasks.release_dependency(part.id, first.id)
    assert await blockers(board, part) == [first.id]  # through the whole, once more
    await recounted(board)


async def test_an_inherited_dependency_is_released_where_it_comes_from(
    board: Board, add: Adds
) -> None:
    first, whole, part = [await add(name) for name in ("first", "whole", "part")]
    await board.links.add(part.id, whole.id)
    await board.tasks.depend(whole.id, first.id)
    with pytest.raises(StateConflict, match=f"part of task {whole.id}") as error:
        await board.tasks.release_dependency(part.id, first.id)
    assert f"release {whole.id} --on {first.id}" in error.value.remedy
    await board.tasks.release_dependency(whole.id, first.id)
    assert await blockers(board, part) == []


async def test_circles_through_parts_are_refused_and_shown(board: Board, add: Adds) -> None:
    a, b, c, d = [await add(name) for name in "abcd"]
    await board.links.add(b.id, a.id)
    await board.links.add(c.id, b.id)
    with pytest.raises(DependencyCycle, match=f"{a.id} → {c.id}, as {c.id} is part of {a.id}"):
        await board.tasks.depend(a.id, c.id)
    with pytest.raises(DependencyCycle, match=f"which is part of {a.id}"):
        await board.links.add(a.id, c.id)
    with pytest.raises(DependencyCycle):
        await board.links.add(a.id, a.id)
    await board.tasks.depend(d.id, c.id)
    with pytest.raises(DependencyCycle, match=f"{a.id} → {d.id} → {c.id}"):
        await board.tasks.depend(a.id, d.id)
    await board.links.remove(b.id, a.id)
    await board.tasks.depend(a.id, d.id)
    with pytest.raises(DependencyCycle, match=f"waits for it: {a.id} → {d.id} → {c.id}"):
        await board.links.add(b.id, a.id)
    assert await board.links.of(b.id) == [Link(c.id, b.id, "parent-child")]


async def test_other_links_hold_nothing_up(board: Board, add: Adds) -> None:
    first, whole, note = [await add(name) for name in ("first", "whole", "note")]
    await board.tasks.depend(whole.id, first.id)
    await board.links.add(note.id, whole.id, kind="discovered-from")
    await board.links.add(whole.id, note.id, kind="related")
    assert (await board.tasks.get(note.id)).runnable
    for kind in ("inherits", "refused:blocks", " ", "x" * 51):
        with pytest.raises(StateConflict):
            await board.links.add(note.id, whole.id, kind=kind)
    with pytest.raises(NotFound):
        await board.links.add(note.id, 99)
    await board.links.remove(note.id, whole.id, kind="discovered-from")
    assert await board.links.of(note.id) == [Link(whole.id, note.id, "related")]


async def test_who_takes_a_part_over_waits_as_it_did(
    board: Board, add: Adds, take: Takes, recounted: Recounts
) -> None:
    first = await add("first", priority=0)
    whole, part = await add("whole"), await add("part", priority=3)
    await board.links.add(part.id, whole.id)
    claim = await take()
    assert claim.task.id == part.id
    await board.tasks.depend(whole.id, first.id)  # while an agent is at the part
    handoff = await board.handoffs.give(
        claim.attempt, to="leo", document=HandoffDocument(summary="s", action="a"), verified=False
    )
    dispatch = await board.tasks.get(handoff.dispatch_id)
    assert await blockers(board, dispatch) == [first.id]
    with pytest.raises(StateConflict, match="handed over"):
        await board.links.add(part.id, first.id)
    await board.tasks.release_dependency(whole.id, first.id)
    assert (await board.tasks.get(dispatch.id)).runnable
    await recounted(board)


async def test_a_part_at_work_is_not_stopped_but_does_not_begin_again(
    board: Board, add: Adds, take: Takes
) -> None:
    whole, part = await add("whole", priority=0), await add("part", priority=3)
    first = await add("first", priority=0)
    await board.links.add(part.id, whole.id)
    claim = await take()
    await board.tasks.depend(whole.id, first.id)
    version = await board.version()
    await board.attempts.release(claim.attempt)
    assert await board.version() == version  # nothing became runnable
    assert not (await board.tasks.get(part.id)).runnable


async def test_a_cancelled_task_says_who_waits_in_vain(board: Board, add: Adds) -> None:
    first = await add("first")
    behind = [await add(f"behind {n}", after=(first.id,)) for n in range(25)]
    last = await add("last", after=(behind[0].id,))
    await add("free")
    await board.tasks.cancel(first.id)
    (event,) = await board.events.find(kind="task.stuck")
    assert event.task_id == first.id
    assert event.data["count"] == 26
    assert event.data["tasks"] == [task.id for task in behind[:20]]
    (message,) = await board.messages.latest("dev")
    assert message.author == "board"
    assert f"Task #{first.id} is cancelled" in message.content
    assert "and 6 more" in message.content
    assert f"tasks release ID --on {first.id}" in message.content
    held = {one.task.id: one for one in await board.readiness.blocked({})}
    assert held[last.id].root == first.id
    assert held[behind[0].id].reasons[0].do.endswith(f"release {behind[0].id} --on {first.id}`")
    await board.tasks.retry(first.id)
    assert {one.root for one in await board.readiness.blocked({})} == {None}


async def test_nobody_is_told_where_nobody_waits(board: Board, add: Adds) -> None:
    await board.tasks.cancel((await add("alone")).id)
    assert await board.events.find(kind="task.stuck") == []
    assert await board.messages.latest("dev") == []


@pytest.mark.parametrize("how", ["fail", "block", "die"])
async def test_a_task_that_stops_says_who_waits_for_it(
    board: Board, add: Adds, take: Takes, how: str
) -> None:
    first = await add("first")
    await add("behind", after=(first.id,))
    claim = await take()
    if how == "fail":
        await board.attempts.fail(claim.attempt, code="x", error="y", limit=2)
        assert await board.events.find(kind="task.stuck") == []  # it is tried once more
        await board.attempts.fail((await take()).attempt, code="x", error="y", limit=2)
    elif how == "block":
        await board.attempts.block(claim.attempt, owner="max", action="decide")
    else:
        await board.clock.advance(61)
        await board.sweep(expirations=1)
    (event,) = await board.events.find(kind="task.stuck")
    assert event.data["state"] == "blocked"
    (message,) = await board.messages.latest("dev")
    assert f"`neveridle tasks retry {first.id}`" in message.content


async def test_ready_is_what_claims_hand_out_in_their_order(
    board: Board, add: Adds, sql: Callable[..., Awaitable[Any]]
) -> None:
    await sql(
        "INSERT INTO services (name, usable, reason) VALUES ('vercel', :no, 'down')", no=False
    )
    low, high = await add("low", priority=0), await add("high", priority=2)
    holds = await add("holds", priority=0)
    await add("waits", after=(holds.id,))
    dispatch = await add("dispatch", source=Source.DISPATCH, assignee="leo", priority=0)
    hard = await add("hard", skills=("rust",))
    away = await add("away", services=("vercel",))
    lost = await add("lost", assignee="mia")
    split = await add("split", skills=("python", "html"))
    team = {"sam": frozenset({"python"}), "leo": frozenset({"html"})}
    ready = [task.id for task in await board.readiness.ready(team)]
    assert ready == [dispatch.id, high.id, holds.id, low.id]
    assert [task.id for task in await board.readiness.ready(team, limit=2)] == ready[:2]
    why = {one.task.id: one.reasons[0] for one in await board.readiness.blocked(team)}
    assert {why[one.id].kind for one in (hard, split)} == {"skills"}
    assert (why[away.id].kind, why[lost.id].kind) == ("service", "assignee")
    assert "vercel, which cannot be used: down" in why[away.id].why
    # Every rung, claimed dry by both, gives exactly that, in that order.
    claimed: dict[int, str] = {}
    for source in Source:
        for agent, skills in team.items():
            while True:
                claim = await board.attempts.claim(
                    agent=agent, run=f"{agent}-1", skills=sorted(skills), source=source, lease=60
                )
                if claim is None:
                    break
                claimed[claim.task.id] = agent
    assert list(claimed) == ready


async def test_blocked_says_why_and_through_what(board: Board, add: Adds, take: Takes) -> None:
    first, whole, part = [await add(name) for name in ("first", "whole", "part")]
    await board.links.add(part.id, whole.id)
    await board.tasks.depend(whole.id, first.id)
    claim = await take()
    await board.attempts.block(claim.attempt, owner="max", action="decide")
    held = {one.task.id: one for one in await board.readiness.blocked({})}
    assert list(held) == [first.id, whole.id, part.id]
    assert held[part.id].reasons[0].as_dict() == {
        "kind": "dependency",
        "why": f"waits for #{first.id}, which is blocked, as it is part of #{whole.id}",
        "do": f"`neveridle tasks retry {first.id}`",
        "on": first.id, "state": "blocked", "through": whole.id, "until": None,
    }  # fmt: skip
    assert held[first.id].reasons[0].why == "max: decide"
    assert held[part.id].as_dict()["stuck"] is True


async def test_the_tree_has_each_task_once_where_it_belongs(board: Board, add: Adds) -> None:
    whole = await add("whole", priority=3)
    one, two = await add("one"), await add("two", priority=2)
    for part in (one, two):
        await board.links.add(part.id, whole.id)
    await board.tasks.depend(one.id, two.id)
    then = await add("then", after=(whole.id, one.id))
    alone = await add("alone", priority=0)
    tree = await board.readiness.tree()
    placed = [(leaf.node.id, leaf.depth, leaf.under, leaf.relation) for leaf in tree.leaves]
    assert placed == [
        (whole.id, 0, None, ""), (two.id, 1, whole.id, "part"), (one.id, 1, whole.id, "part"),
        (then.id, 1, whole.id, "after"), (alone.id, 0, None, ""),
    ]  # fmt: skip
    assert {leaf.node.id: leaf.waits_for for leaf in tree.leaves}[then.id] == (whole.id, one.id)
    below = await board.readiness.tree(root=one.id)
    assert [(leaf.node.id, leaf.depth) for leaf in below.leaves] == [(one.id, 0)]
    few = await board.readiness.tree(limit=2)
    assert (len(few.leaves), few.left_out) == (2, 3)
    await board.tasks.cancel(whole.id)
    assert whole.id in {leaf.node.id for leaf in (await board.readiness.tree()).leaves}
    await board.tasks.cancel(alone.id)
    assert alone.id not in {leaf.node.id for leaf in (await board.readiness.tree()).leaves}
    with pytest.raises(NotFound):
        await board.readiness.tree(root=alone.id)
    assert (await board.tasks.get(alone.id)).state is TaskState.CANCELLED
