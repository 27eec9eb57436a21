"""What an answer that was lost leaves open, and how the next attempt settles it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from neveridle.board import Asked, Attempt, Board, EffectState
from neveridle.board.effect_rows import CALLS
from neveridle.errors import (
    AccessRefused,
    EffectRefused,
    EffectStuck,
    EffectUnsettled,
    LeaseLost,
    NotFound,
    ServiceUnreached,
    StateConflict,
)
from neveridle.tools.effects import AlreadyThere, Verb, Verbs
from neveridle.tools.standin import Fault, StandinClient, StandinStore

both = pytest.mark.parametrize("board_url", ["sqlite", "postgres"], indirect=True)

Over = Callable[..., Awaitable[Attempt]]

LOST = ["drop_after", "error_after", "drop_before", "error_before"]


async def kinds(board: Board) -> list[str]:
    found = await board.events.find()
    return [one.kind.removeprefix("effect.") for one in found if one.kind.startswith("effect.")]


@both
@pytest.mark.parametrize("fault", LOST)
async def test_a_lost_answer_leaves_one_object_in_the_end(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt,
    taken_over: Over, fault: Any,
) -> None:  # fmt: skip
    for verb in client.verbs:
        store.plan(Fault(fault))
        with pytest.raises(EffectUnsettled, match=f"standin.{verb.name} on {verb.name}"):
            await board.effects.once(attempt, verb, verb.name, "hello")
    written = fault.endswith("after")
    found = await board.effects.find(open_only=True)
    assert [(one.calls, one.open) for one in found] == [(1, True)] * 4
    assert (len(store.objects()), len(store.states())) == ((3, 1) if written else (0, 0))

    later = await taken_over()
    done = await board.effects.reconcile(later, Verbs(*client.verbs))
    asked = [await board.effects.once(later, v, v.name, "hello") for v in client.verbs]

    assert [one.effect.state for one in done] == [EffectState.DONE] * 4
    assert [one.result for one in asked] == [one.result for one in done]
    assert [one.fresh for one in asked] == [False] * 4
    how = ["called", "exists", "found", "called"] if written else ["called"] * 4
    assert [one.effect.how for one in done] == how
    # One of each, but for what is done at least once, and that is said.
    targets = sorted(one["target"] for one in store.objects())
    assert targets == sorted(["create", "mark", "post", *["post"] * written])
    assert store.states() == {"set": "hello"}
    events = await board.events.find(kind="effect.repeated")
    assert [one.data["verb"] for one in events] == ["standin.post"]
    assert "may be there twice" in events[0].data["said"]
    assert await board.effects.reconcile(later, Verbs(*client.verbs)) == []


async def test_the_same_attempt_settles_before_it_calls_again(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt
) -> None:
    for verb in (client.set, client.create, client.mark):
        store.plan(Fault("drop_after"))
        with pytest.raises(EffectUnsettled):
            await board.effects.once(attempt, verb, "A-1", "hello")
        await board.effects.once(attempt, verb, "A-1", "hello")

    assert (len(store.objects()), len(store.states())) == (2, 1)


async def test_what_certainly_was_not_done_is_not_asked_for(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt
) -> None:
    async with StandinClient("http://127.0.0.1:9") as nowhere:
        with pytest.raises(ServiceUnreached):
            await board.effects.once(attempt, nowhere.mark, "A-1", "hello")
    store.plan(Fault("refuse", status=401))
    with pytest.raises(AccessRefused):
        await board.effects.once(attempt, client.mark, "A-1", "hello")
    store.plan(Fault("refuse", status=429))
    with pytest.raises(ServiceUnreached):
        await board.effects.once(attempt, client.mark, "A-1", "hello")
    (effect,) = await board.effects.find(open_only=True)
    assert (effect.called_at, effect.calls) == (None, 0)

    await board.effects.once(attempt, client.mark, "A-1", "hello")

    assert store.requests("find") == 0
    assert await kinds(board) == ["intended", *["undone"] * 3, "done"]
    assert len(store.objects()) == 1


async def test_a_marker_is_believed_once_a_late_request_would_have_arrived(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt, until: Any
) -> None:
    late = replace(client.mark, settles=5.0)
    store.plan(Fault("drop_before"))
    with pytest.raises(EffectUnsettled):
        await board.effects.once(attempt, late, "A-1", "hello")
    asking = asyncio.create_task(board.effects.once(attempt, late, "A-1", "hello"))
    await board.clock.advance(4.9)
    await asyncio.sleep(0.05)
    assert store.requests("find") == 0
    # The first request arrives after all.
    (effect,) = await board.effects.find()
    store.create("A-1", f"hello {effect.asked().marker}")

    await board.clock.advance(0.2)
    done = await asking

    assert (done.effect.how, len(store.objects())) == ("found", 1)


async def test_a_service_that_cannot_be_asked_leaves_the_intent(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt, taken_over: Over
) -> None:
    store.plan(Fault("drop_after", on="create"), Fault("drop_before", on="find"))
    with pytest.raises(EffectUnsettled):
        await board.effects.once(attempt, client.mark, "A-1", "hello")
    later = await taken_over()
    with pytest.raises(EffectUnsettled):
        await board.effects.reconcile(later, Verbs(*client.verbs))
    assert (await board.effects.find())[0].open

    await board.effects.reconcile(later, Verbs(*client.verbs))
    assert (len(store.objects()), store.requests("create")) == (1, 1)


@both
async def test_one_that_cannot_be_settled_does_not_hold_up_the_others(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt, taken_over: Over
) -> None:
    store.plan(*[Fault("drop_after")] * 3)
    strange = replace(client.post, name="strange")
    for verb in (client.create, strange, client.mark):
        with pytest.raises(EffectUnsettled):
            await board.effects.once(attempt, verb, "A-1", "hello")
    store.plan(Fault("drop_before"))  # the first is not settled at once, either
    later = await taken_over()

    with pytest.raises(EffectStuck) as stuck:
        await board.effects.reconcile(later, Verbs(*client.verbs))

    assert "nobody in this team knows how to standin.strange" in stuck.value.message
    assert "neveridle effects settle 2 --as done" in stuck.value.remedy
    assert "neveridle tasks retry 1" in stuck.value.remedy
    states = [one.state for one in await board.effects.find()]
    assert states == [EffectState.INTENDED, EffectState.INTENDED, EffectState.DONE]


async def test_a_verb_that_became_less_safe_is_not_repeated(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt, taken_over: Over
) -> None:
    store.plan(Fault("drop_after"))
    with pytest.raises(EffectUnsettled):
        await board.effects.once(attempt, client.mark, "A-1", "hello")
    verbs = Verbs(replace(client.post, name="mark"))

    with pytest.raises(EffectStuck, match="begun as marker, and is at_least_once now"):
        await board.effects.reconcile(await taken_over(), verbs)
    assert len(store.objects()) == 1


async def test_a_refusal_in_recovery_lets_the_work_go_on(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt, taken_over: Over
) -> None:
    store.plan(Fault("drop_before"), Fault("refuse", status=404))
    with pytest.raises(EffectUnsettled):
        await board.effects.once(attempt, client.create, "A-1", "hello")
    later = await taken_over()

    assert await board.effects.reconcile(later, Verbs(*client.verbs)) == []

    with pytest.raises(EffectRefused, match="404"):
        await board.effects.once(later, client.create, "A-1", "hello")


async def test_calls_are_bounded(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt
) -> None:
    store.plan(*[Fault("drop_before")] * (CALLS + 5))
    for _ in range(CALLS):
        with pytest.raises(EffectUnsettled):
            await board.effects.once(attempt, client.set, "A-1", "hello")
    for _ in range(2):
        with pytest.raises(EffectStuck, match=f"{CALLS} calls were made"):
            await board.effects.once(attempt, client.set, "A-1", "hello")
    assert store.requests() == CALLS

    await board.effects.settle_by_hand(1, "intended")
    with pytest.raises(EffectUnsettled):
        await board.effects.once(attempt, client.set, "A-1", "hello")
    assert store.requests() == CALLS + 1


async def test_refusals_are_bounded(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt
) -> None:
    store.plan(*[Fault("refuse", status=404)] * (CALLS + 5))
    for _ in range(CALLS + 2):
        with pytest.raises(EffectRefused, match="404"):
            await board.effects.once(attempt, client.set, "A-1", "hello", again=True)

    assert store.requests() == CALLS


async def test_a_call_that_takes_too_long_is_given_up(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt, until: Any
) -> None:
    store.plan(Fault("hold"))
    asking = asyncio.create_task(board.effects.once(attempt, client.mark, "A-1", "hello"))
    await until(store.objects)
    await board.clock.advance(client.mark.timeout + 1)

    with pytest.raises(EffectUnsettled):
        await asking

    store.let_go()
    await board.effects.once(attempt, client.mark, "A-1", "hello")
    assert len(store.objects()) == 1


async def test_a_cancelled_call_is_settled_by_the_next(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt, until: Any
) -> None:
    store.plan(Fault("hold"))
    asking = asyncio.create_task(board.effects.once(attempt, client.mark, "A-1", "hello"))
    await until(store.objects)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    store.let_go()

    done = await board.effects.once(attempt, client.mark, "A-1", "hello")

    assert (done.effect.how, len(store.objects())) == ("found", 1)


async def test_already_there_is_done_and_asked_for(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt
) -> None:
    async def call(asked: Asked) -> Any:
        store.create(asked.target, "hello", asked.client_key)
        raise AlreadyThere

    async def find(asked: Asked) -> Any:
        return store.objects(key=asked.client_key)[0]

    verb = replace(client.create, call=call, find=find)
    done = await board.effects.once(attempt, verb, "A-1", "hello")

    assert (done.effect.how, done.result["text"]) == ("exists", "hello")


@both
async def test_who_lost_the_lease_keeps_what_its_call_did(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt,
    taken_over: Over, until: Any,
) -> None:  # fmt: skip
    store.plan(Fault("hold"))
    patient = replace(client.post, timeout=1e6)  # the board's time goes on without it
    zombie = asyncio.create_task(board.effects.once(attempt, patient, "A-1", "hello"))
    await until(store.objects)
    later = await taken_over()
    store.let_go()
    with pytest.raises(LeaseLost):
        await zombie

    assert await board.effects.reconcile(later, Verbs(*client.verbs)) == []
    done = await board.effects.once(later, client.post, "A-1", "hello")

    assert (done.fresh, done.effect.how, len(store.objects())) == (False, "called", 1)
    assert await kinds(board) == ["intended", "done"]


async def test_the_fence_is_looked_at_right_before_the_call(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt, taken_over: Over
) -> None:
    """The lease is lost between the intent and the call."""
    read = board.database.read

    async def slowly(work: Any) -> Any:
        board.database.read = read  # type: ignore[method-assign]  # once
        await taken_over()
        return await read(work)

    board.database.read = slowly  # type: ignore[method-assign]  # where the test looks in
    with pytest.raises(LeaseLost):
        await board.effects.once(attempt, client.post, "A-1", "hello")

    assert store.requests() == 0
    (effect,) = await board.effects.find(open_only=True)
    assert (effect.called_at, effect.calls) == (
        None,
        0,
    )  # so it need not be said that it may be there twice


@pytest.mark.parametrize("name", ["mark", "post"])
async def test_two_objects_after_all_are_said_and_taken_back_where_possible(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt,
    taken_over: Over, name: str,
) -> None:  # fmt: skip
    """Who was stopped between looking at its fence and calling, and woke up too late."""
    verb: Verb = getattr(client, name)
    stopped, go = asyncio.Event(), asyncio.Event()

    async def late(asked: Asked) -> Any:
        stopped.set()
        await go.wait()
        return await verb.call(asked)

    slow = replace(verb, call=late, timeout=1e6)
    zombie = asyncio.create_task(board.effects.once(attempt, slow, "A-1", "hello"))
    await stopped.wait()
    later = await taken_over()
    (done,) = await board.effects.reconcile(later, Verbs(*client.verbs))
    go.set()
    with pytest.raises(LeaseLost):
        await zombie

    (kept,) = await board.effects.find()
    assert kept.result == done.result
    said = await kinds(board)
    assert said.count("duplicated") == 1
    if name == "mark":
        assert said[-1] == "retracted"
        assert [one["id"] for one in store.objects()] == [done.result["id"]]
    else:
        assert "repeated" in said
        assert len(store.objects()) == 2


@both
async def test_a_person_settles_what_nobody_knows(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt
) -> None:
    store.plan(*[Fault("drop_after")] * 3)
    for target in ("A-1", "A-2", "A-3"):
        with pytest.raises(EffectUnsettled):
            await board.effects.once(attempt, client.post, target, "hello")

    await board.effects.settle_by_hand(1, "done", result={"id": "7"})
    await board.effects.settle_by_hand(2, EffectState.REFUSED, reason="not needed")
    await board.effects.settle_by_hand(3, "intended")

    assert (await board.effects.once(attempt, client.post, "A-1", "hello")).result == {"id": "7"}
    with pytest.raises(EffectRefused, match="not needed"):
        await board.effects.once(attempt, client.post, "A-2", "hello")
    await board.effects.once(attempt, client.post, "A-3", "hello")
    assert "repeated" not in await kinds(board)
    for number, error in ((1, StateConflict), (99, NotFound)):
        with pytest.raises(error):
            await board.effects.settle_by_hand(number, "done")
