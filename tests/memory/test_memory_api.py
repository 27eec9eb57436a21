from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neveridle.errors import ModelMistake
from neveridle.memory import Memory, Note, Turn

TALK = [
    Turn("Ann", "The staging server is called heron.", 1_000.0),
    Turn("Bo", "ok", 1_010.0),
    Turn("Ann", "Its certificate runs out in May.", 1_020.0),
    Turn("Bo", "ok", 1_030.0),
]


async def test_an_episode_keeps_who_said_what_and_when(memory: Memory, store: Any) -> None:
    ids = await memory.remember_episode(TALK, agent="sam", key="standup", source="chat")
    rows = await store.get(ids)
    assert [(row.author, row.text, row.at) for row in rows] == [
        (turn.author, turn.text, turn.at) for turn in TALK
    ]
    assert [row.position for row in rows] == [0, 1, 2, 3]
    assert {(row.episode is None, row.source, row.agent) for row in rows} == {
        (False, "chat", "sam")
    }
    assert (await memory.recall("certificate of heron", k=1, agent="sam"))[0].row.id in ids


async def test_an_episode_told_again_adds_only_what_is_new(memory: Memory, store: Any) -> None:
    first = await memory.remember_episode(TALK[:2], agent="sam", key="standup")
    assert await memory.remember_episode(TALK[:2], agent="sam", key="standup") == first
    whole = await memory.remember_episode(TALK, agent="sam", key="standup")
    assert whole[:2] == first
    more = await memory.remember_episode(
        [TALK[3], Turn("Ann", "I renewed it.")], agent="sam", key="standup"
    )
    assert more[0] == whole[3]
    assert [row.position for row in await store.get([*whole, more[1]])] == [0, 1, 2, 3, 4]
    other = await memory.remember_episode(TALK, agent="leo", key="standup")
    assert not {*other} & {*whole}


async def test_what_was_forgotten_is_not_told_again(memory: Memory, store: Any) -> None:
    ids = await memory.remember_episode(TALK, agent="sam", key="standup")
    await store.forget([ids[2]])
    assert await memory.remember_episode(TALK, agent="sam", key="standup") == ids


async def test_an_episode_without_key_is_a_new_one(memory: Memory) -> None:
    first = await memory.remember_episode(TALK, agent="sam")
    assert not {*first} & {*await memory.remember_episode(TALK, agent="sam")}


async def test_many_notes_are_stored_whole_or_not_at_all(memory: Memory, store: Any) -> None:
    with pytest.raises(ModelMistake):
        await memory.remember_many([Note("fine", "sam"), Note(" ", "sam")])
    assert await store.count() == {}


async def test_signals_come_with_the_row(memory: Memory, store: Any, embedder: Any) -> None:
    await memory.remember("The heron server runs Debian.", agent="sam")
    (change,) = await store.changes(0, 10)
    assert change.signals.dense is not None
    assert embedder.texts == ["The heron server runs Debian."]


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        ({}, {"heron mine", "heron theirs shared", "heron old"}),
        ({"agent": "leo"}, {"heron theirs shared"}),
        ({"tags": ["server"]}, {"heron mine"}),
        ({"tags": ["server", "other"]}, set[str]()),
        ({"kinds": ["fact"]}, {"heron old"}),
        ({"layers": ["long"]}, {"heron old"}),
        ({"layers": "short"}, {"heron mine", "heron theirs shared"}),
        ({"layers": ["working"]}, {"heron at work"}),
        ({"since": 1_000_000.0}, {"heron mine", "heron theirs shared"}),
    ],
)
async def test_scopes(
    open_memory: Callable[..., Memory], scope: dict[str, Any], found: set[str]
) -> None:
    memory = open_memory()
    await memory.remember("heron mine", agent="sam", tags=["server", "blue"])
    await memory.remember("heron theirs shared", agent="leo", visibility="team")
    await memory.remember("heron old", agent="sam", kind="fact", at=5.0)
    await memory.remember("heron at work", agent="sam", kind="working", task=3)
    hits = await memory.recall("heron", k=10, **{"agent": "sam", **scope})
    assert {hit.row.text for hit in hits} == found


async def test_a_budget_cuts_the_hits_in_their_order(memory: Memory) -> None:
    for number in range(5):
        await memory.remember(f"heron number{number} " + "word " * 50, agent="sam")
    whole = await memory.recall("heron", k=5)
    cut = await memory.recall("heron", k=5, budget_tokens=120)
    assert [hit.row.id for hit in cut] == [hit.row.id for hit in whole[:2]]
