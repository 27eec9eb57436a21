"""Whoever does not own a task any more changes nothing: every verb that carries a fence."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import Any, cast

import pytest

from neveridle.board import Attempt, Board, Claim, HandoffDocument, Phase, Task
from neveridle.board.effect import Safety
from neveridle.board.memory_row import NewMemory
from neveridle.board.questions import Ask
from neveridle.errors import EffectUnsettled, LeaseLost
from neveridle.tools.effects import Verb as EffectVerb
from neveridle.tools.effects import Verbs

Add = Callable[..., Awaitable[Task]]
Take = Callable[..., Awaitable[Claim]]
Contents = Callable[[], Awaitable[dict[str, list[tuple[Any, ...]]]]]
Verb = Callable[[Board, Attempt], Awaitable[Any]]

LESSON = {
    "agent": "sam", "kind": "insight", "text": "what a zombie learnt", "tags": ["x"],
    "source": "task", "importance": 0.5, "trusted": False,
}  # fmt: skip
DOCUMENT = HandoffDocument(summary="half done", action="do the rest")

CALLS: list[str] = []


async def _call(asked: Any) -> None:
    """Write to a service, whose answer is lost."""
    CALLS.append(asked.target)
    raise ConnectionError("lost")


SETS = EffectVerb(
    service="github", name="set", safety=Safety.NATURAL, identity="content", call=_call
)

VERBS: dict[str, Verb] = {
    "effects.once": lambda board, one: board.effects.once(one, SETS, "new"),
    "effects.reconcile": lambda board, one: board.effects.reconcile(one, Verbs(SETS)),
    "attempts.record": lambda board, one: board.attempts.record(
        one, phase=Phase.VERIFIED, branch="b", base="0", commit="1", outcome={}, evidence={}
    ),
    "attempts.complete": lambda board, one: board.attempts.complete(one, learning=LESSON),
    "attempts.fail": lambda board, one: board.attempts.fail(
        one, code="x", error="y", limit=3, learning=LESSON
    ),
    "attempts.block": lambda board, one: board.attempts.block(
        one, owner="human", action="look", learning=LESSON
    ),
    "attempts.park": lambda board, one: board.attempts.park(one, on="human"),
    "attempts.withdraw": lambda board, one: board.attempts.withdraw(one),
    "attempts.check": lambda board, one: board.attempts.check(one),
    "attempts.release": lambda board, one: board.attempts.release(one),
    "attempts.await_service": lambda board, one: board.attempts.await_service(
        one, "github", "it is down"
    ),
    "deferred.leave": lambda board, one: board.deferred.leave(one, SETS, "open"),
    "tickets.lose": lambda board, one: board.tickets.lose(
        one, kind="ticket.taken", reason="a person took it", data={}
    ),
    "answering.park": lambda board, one: board.answering.park(
        one, [Ask(title="Which colour?", interrupt="i1")]
    ),
    "answering.escalate": lambda board, one: board.answering.escalate(
        one, level="HUMAN_ALERT", title="look", body="here"
    ),
    "memories.note": lambda board, one: board.memories.note(
        one, NewMemory(agent="sam", text="a note")
    ),
    "handoffs.give": lambda board, one: board.handoffs.give(
        one, to="leo", document=DOCUMENT, verified=True, learning=LESSON
    ),
}
"""How each verb is called. A verb that is missing here fails the test below."""

LOOKS = {"attempts.withdraw", "attempts.check", "attempts.await_service"}
"""They refuse who is not the owner, and change nothing here for who is: github can be used."""

READS = {"attempts.worked_before"}
"""They are given an attempt, and change nothing."""


def fenced() -> set[str]:
    """The names of all public methods of a board's parts that are given an attempt."""
    found: set[str] = set()
    board = Board("sqlite:////never/opened.db")
    parts = [name for name, part in vars(Board).items() if isinstance(part, cached_property)]
    assert len(parts) >= 9
    for name in parts:
        kind = cast("type[Any]", getattr(board, name).__class__)
        for method, function in inspect.getmembers(kind, inspect.iscoroutinefunction):
            kinds = [str(one.annotation) for one in inspect.signature(function).parameters.values()]
            if not method.startswith("_") and "Attempt" in kinds:
                found.add(f"{name}.{method}")
    return found


def test_no_verb_is_forgotten() -> None:
    assert fenced() - READS == set(VERBS), "say in VERBS how a new verb with a fence is called"


async def taken_over(board: Board, one: Attempt, take: Take) -> None:
    await board.clock.advance(100)
    await board.sweep()
    await take("leo", run="run-2")


async def taken_over_by_the_same_run(board: Board, one: Attempt, take: Take) -> None:
    await board.clock.advance(100)
    await board.sweep()
    await take()


async def expired(board: Board, one: Attempt, take: Take) -> None:
    await board.clock.advance(100)
    assert await board.sweep() == [(one.task_id, 1)]


async def released(board: Board, one: Attempt, take: Take) -> None:
    await board.attempts.release(one)


async def released_with_its_run(board: Board, one: Attempt, take: Take) -> None:
    await board.attempts.release_runs([one.run])


async def completed(board: Board, one: Attempt, take: Take) -> None:
    await board.attempts.complete(one)


async def failed(board: Board, one: Attempt, take: Take) -> None:
    await board.attempts.fail(one, code="x", error="y", limit=3)


async def parked(board: Board, one: Attempt, take: Take) -> None:
    await board.attempts.park(one, on="human")


async def blocked(board: Board, one: Attempt, take: Take) -> None:
    await board.attempts.block(one, owner="human", action="look")


async def handed_off(board: Board, one: Attempt, take: Take) -> None:
    await board.handoffs.give(one, to="leo", document=DOCUMENT, verified=True)


async def cancelled(board: Board, one: Attempt, take: Take) -> None:
    await board.tasks.cancel(one.task_id)


async def cancelled_and_taken_up_again(board: Board, one: Attempt, take: Take) -> None:
    await board.tasks.cancel(one.task_id)
    await board.tasks.retry(one.task_id)
    await take("sam", run="run-2")


LOST = [
    taken_over, taken_over_by_the_same_run, expired, released, released_with_its_run, completed,
    failed, parked, blocked, handed_off, cancelled, cancelled_and_taken_up_again,
]  # fmt: skip


@pytest.mark.parametrize("lose", LOST, ids=lambda one: one.__name__)
async def test_who_lost_the_lease_changes_nothing(
    board: Board, add: Add, take: Take, contents: Contents, lose: Any
) -> None:
    await add(services=("github",))
    one = (await take()).attempt
    await board.attempts.record(one, phase=Phase.WORKED)
    with pytest.raises(EffectUnsettled):  # something is left open, for whoever comes after
        await board.effects.once(one, SETS, "open")
    CALLS.clear()
    await lose(board, one, take)
    before = await contents()
    for name, verb in VERBS.items():
        with pytest.raises(LeaseLost) as refused:
            await verb(board, one)
        assert refused.value.message == "Attempt 1:1 does not own its task any more.", name
        assert await contents() == before, name
    assert CALLS == []


@pytest.mark.parametrize("name", sorted(VERBS))
async def test_another_run_of_the_same_agent_is_somebody_else(
    board: Board, add: Add, take: Take, contents: Contents, name: str
) -> None:
    await add()
    one = (await take("sam", run="run-1")).attempt
    with pytest.raises(EffectUnsettled):
        await board.effects.once(one, SETS, "open")
    CALLS.clear()
    before = await contents()
    for other in (replace(one, run="run-2"), replace(one, fence=2)):
        with pytest.raises(LeaseLost):
            await VERBS[name](board, other)
        assert await contents() == before
    assert CALLS == []
    with suppress(EffectUnsettled):
        await VERBS[name](board, one)  # the owner may
    assert (await contents() != before) is (name not in LOOKS)


async def test_a_run_renews_nothing_but_its_own(board: Board, add: Add, take: Take) -> None:
    await add()
    one = (await take("sam", run="run-1", lease=60.0)).attempt
    assert await board.attempts.renew(["run-2"], lease=999.0) == set()
    found = await board.attempts.get(1, 1)
    assert found is not None
    assert found.lease_until == one.lease_until
