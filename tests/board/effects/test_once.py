"""Each action is done once, and found again by whoever asks later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from neveridle.board import Attempt, Board, EffectState, Safety
from neveridle.errors import EffectRefused, EffectUnsettled, LeaseLost, ModelMistake
from neveridle.tools.effects import Verb, Verbs
from neveridle.tools.standin import Fault, StandinClient, StandinStore

both = pytest.mark.parametrize("board_url", ["sqlite", "postgres"], indirect=True)

Over = Callable[..., Awaitable[Attempt]]


async def kinds(board: Board) -> list[str]:
    found = await board.events.find()
    return [one.kind.removeprefix("effect.") for one in found if one.kind.startswith("effect.")]


@both
async def test_what_was_done_is_found_by_a_later_attempt(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt, taken_over: Over
) -> None:
    first = {v: await board.effects.once(attempt, v, "A-1", "hello") for v in client.verbs}
    same = {v: await board.effects.once(attempt, v, "A-1", "hello") for v in client.verbs}
    after = await taken_over()
    later = {v: await board.effects.once(after, v, "A-1", "hello") for v in client.verbs}

    for verb in client.verbs:
        done = first[verb]
        assert (done.fresh, same[verb].fresh, later[verb].fresh) == (True, False, False)
        assert done.result == same[verb].result == later[verb].result
        assert done.result["target"] == "A-1"
        assert done.effect.state is EffectState.DONE
        assert (done.effect.calls, done.effect.how) == (1, "called")
        assert await board.effects.get(done.effect.id) == done.effect
    assert store.requests() == len(client.verbs)
    assert await kinds(board) == ["intended", "done"] * 4


async def test_other_contents_targets_and_occasions_are_other_actions(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt
) -> None:
    for target, text, occasion in (
        ("A-1", "one", ""),
        ("A-1", "two", ""),
        ("A-2", "one", ""),
        ("A-1", "one", "on Monday"),
        ("A-1", "one", "on Monday"),
    ):
        await board.effects.once(attempt, client.mark, target, text, occasion=occasion)

    assert len(store.objects()) == 4


@both
async def test_other_tasks_and_other_boards_do_their_own(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt,
    add: Callable[..., Awaitable[Any]], take: Callable[..., Awaitable[Any]],
    sql: Callable[..., Awaitable[Any]],
) -> None:  # fmt: skip
    await add("other")
    other = (await take(run="run-2")).attempt
    mine = await board.effects.once(attempt, client.create, "A-1", "hello")
    await board.effects.once(other, client.create, "A-1", "hello")
    assert len(store.objects()) == 2

    # The board was deleted, and ids began again: the same task number is another task.
    await sql("DELETE FROM effects")
    await sql("UPDATE tasks SET created_at = created_at + 5 WHERE id = 1")
    anew = await board.effects.once(attempt, client.create, "A-1", "hello")

    assert anew.effect.key != mine.effect.key
    assert len(store.objects()) == 3


async def test_a_verb_says_what_tells_its_actions_apart(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt
) -> None:
    pull = replace(client.mark, name="pull", identity="target")
    titled = replace(client.mark, name="titled", identity=("title",))

    first = await board.effects.once(attempt, pull, "branch", {"title": "Add sub"})
    worded = await board.effects.once(attempt, pull, "branch", {"title": "Adds sub"})
    assert (worded.fresh, worded.differs, worded.result) == (False, True, first.result)

    await board.effects.once(attempt, titled, "x", {"title": "a", "body": "1"})
    again = await board.effects.once(attempt, titled, "x", {"title": "a", "body": "2"})
    await board.effects.once(attempt, titled, "x", {"title": "b", "body": "1"})
    assert (again.fresh, again.differs) == (False, True)
    assert len(store.objects()) == 3


@both
async def test_a_state_is_set_back_and_set_again(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt
) -> None:
    for value in ("todo", "doing", "doing", "todo", "todo", "doing"):
        await board.effects.once(attempt, client.set, "A-1", value)

    assert store.requests("set") == 4
    assert store.states() == {"A-1": "doing"}


async def test_an_open_intent_to_set_a_state_gives_way_to_the_next(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt, taken_over: Over
) -> None:
    store.plan(Fault("drop_before", on="set"))
    with pytest.raises(EffectUnsettled):
        await board.effects.once(attempt, client.set, "A-1", "old")
    await board.effects.once(attempt, client.set, "A-1", "new")

    assert await board.effects.reconcile(await taken_over(), Verbs(*client.verbs)) == []

    assert store.states() == {"A-1": "new"}
    old, new = await board.effects.find(task=1)
    assert (old.state, new.state) == (EffectState.SUPERSEDED, EffectState.DONE)


async def test_a_stale_attempt_begins_nothing(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt, taken_over: Over
) -> None:
    await taken_over()

    with pytest.raises(LeaseLost):
        await board.effects.once(attempt, client.post, "A-1", "hello")
    with pytest.raises(LeaseLost):
        await board.effects.once(replace(attempt, run="x"), client.post, "A-1", "hello")

    assert (store.requests(), await board.effects.find()) == (0, [])


@both
async def test_a_no_is_kept_and_tried_again_on_purpose(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt
) -> None:
    store.plan(Fault("refuse", status=422))
    for _ in range(2):
        with pytest.raises(EffectRefused, match="422"):
            await board.effects.once(attempt, client.post, "A-1", "hello")
    (effect,) = await board.effects.find()
    assert (effect.state, effect.calls, store.requests()) == (EffectState.REFUSED, 1, 1)
    assert "422" in effect.error

    done = await board.effects.once(attempt, client.post, "A-1", "hello", again=True)

    assert (done.fresh, done.effect.id, done.effect.error) == (True, effect.id, "")
    assert await kinds(board) == ["intended", "refused", "done"]


async def test_a_mistake_before_anything_was_sent_is_a_no(board: Board, attempt: Attempt) -> None:
    async def call(asked: Any) -> Any:
        raise ModelMistake("No such label.")

    verb = Verb(service="s", name="v", safety=Safety.NATURAL, identity="content", call=call)
    with pytest.raises(EffectRefused, match="No such label"):
        await board.effects.once(attempt, verb, "A-1")
    assert [one.state for one in await board.effects.find()] == [EffectState.REFUSED]


@both
async def test_secrets_reach_neither_board_nor_service(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt,
    monkeypatch: pytest.MonkeyPatch, contents: Callable[[], Awaitable[Any]],
) -> None:  # fmt: skip
    secret = "ghp_" + "a1B2" * 9
    text = f"it fails with {secret}"
    first = await board.effects.once(attempt, client.mark, f"A-1 {secret}", text)
    # What counts as a secret may change between two processes; the action stays the same.
    monkeypatch.setenv("SOME_TOKEN", "it fails")
    second = await board.effects.once(attempt, client.mark, f"A-1 {secret}", text)

    assert secret not in str(await contents())
    assert secret not in str(store.objects())
    assert "<secret>" in store.objects()[0]["text"]
    assert (first.fresh, second.fresh) == (True, False)

    async def leak(asked: Any) -> Any:
        raise EffectRefused(f"bad header {secret}")

    async def tell(asked: Any) -> Any:
        return {"url": f"https://user:{secret}@example.org"}

    for safety, call in ((Safety.AT_LEAST_ONCE, leak), (Safety.CLIENT_KEY, tell)):
        verb = Verb(service="s", name=safety, safety=safety, identity="content", call=call)
        if call is leak:
            with pytest.raises(EffectRefused):
                await board.effects.once(attempt, verb, "A-1")
        else:
            await board.effects.once(attempt, verb, "A-1")
    assert secret not in str(await contents())


@pytest.mark.parametrize("request_", [{"a": {1, 2}}, float("nan"), "x" * 300_000])
async def test_what_is_no_json_or_too_large_is_not_begun(
    board: Board, client: StandinClient, attempt: Attempt, request_: Any
) -> None:
    with pytest.raises(ModelMistake):
        await board.effects.once(attempt, client.post, "A-1", request_)
    with pytest.raises(ModelMistake):
        await board.effects.once(attempt, client.post, " ", "hello")
    assert await board.effects.find() == []


@both
async def test_whatever_a_call_gives_its_write_is_kept_as_done(
    board: Board, attempt: Attempt
) -> None:
    for number, result in enumerate([{1, 2}, "x" * 100_000, float("nan"), None, "\ud800\0"]):
        calls: list[int] = []

        async def call(asked: Any, calls: list[int] = calls, result: Any = result) -> Any:
            calls.append(asked.call)
            return result

        verb = Verb(
            service="s", name=f"v{number}", safety=Safety.AT_LEAST_ONCE, identity="content",
            call=call,
        )  # fmt: skip
        first = await board.effects.once(attempt, verb, "A-1", {"b": "\ud800\0"})
        second = await board.effects.once(attempt, verb, "A-1", {"b": "\ud800\0"})

        assert calls == [1]
        assert first.result == second.result
        assert len(str(first.result)) < 5000


async def test_two_askings_in_one_process_call_once(
    board: Board, client: StandinClient, store: StandinStore, attempt: Attempt
) -> None:
    store.plan(Fault("delay", seconds=0.05))

    both = await asyncio.gather(
        *(board.effects.once(attempt, client.post, "A-1", "hello") for _ in range(5))
    )

    assert store.requests() == 1
    assert sorted(one.fresh for one in both) == [False] * 4 + [True]


def test_a_verb_without_what_its_safety_needs_is_refused() -> None:
    async def call(asked: Any) -> Any:
        return None

    wrongs: list[dict[str, Any]] = [
        {"safety": Safety.MARKER, "identity": "content", "settles": 1.0},
        {"safety": Safety.MARKER, "identity": "content", "find": call},
        {"safety": Safety.NATURAL, "identity": "target"},
    ]
    for wrong in wrongs:
        with pytest.raises(ValueError, match=r"s\.v"):
            Verb(service="s", name="v", call=call, **wrong)
