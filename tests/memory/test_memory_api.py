from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.errors import ModelMistake
from neveridle.memory import Memory, MiniLM, Note, Turn
from neveridle.settings import MemorySettings

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
    asked: dict[str, Any] = {"agent": "sam", **scope}
    hits = await memory.recall("heron", k=10, **asked)
    assert {hit.row.text for hit in hits} == found


async def test_a_budget_cuts_the_hits_in_their_order(memory: Memory) -> None:
    for number in range(5):
        await memory.remember(f"heron number{number} " + "word " * 50, agent="sam")
    whole = await memory.recall("heron", k=5)
    cut = await memory.recall("heron", k=5, budget_tokens=120)
    assert [hit.row.id for hit in cut] == [hit.row.id for hit in whole[:2]]


SOUL = """# Values

You never deploy on a Friday.

You like otters.

# Limits

No production keys.
"""


async def test_souls_are_found_where_they_are_asked_for(
    board: Board, home: Path, embedder: Any
) -> None:
    souls = {"sam": SOUL, "leo": "You deploy whenever you want."}
    memory = Memory(board.memories, home=home, embedder=embedder, souls=souls)
    (hit,) = await memory.recall("deploy Friday", k=1, agent="sam", layers=["soul"])
    assert hit.row.text == "# Values\nYou never deploy on a Friday."
    assert (hit.row.kind, hit.row.source, hit.row.agent) == ("soul", "agents/sam.md", "sam")
    found = await memory.recall("deploy", k=9, layers=["soul"])
    assert {one.row.agent for one in found} == {"sam", "leo"}
    assert await memory.recall("deploy", k=9) == []
    assert await memory.forget([hit.row.id]) == []
    row = await memory.remember("We deploy on Friday.", agent="sam")
    both = await memory.recall("deploy Friday", k=9, agent="sam", layers=["soul", "short"])
    assert {one.row.id for one in both} > {row, hit.row.id}
    await memory.close()


async def test_memories_age_by_days_and_tasks(board: Board, home: Path, embedder: Any) -> None:
    await board.clock.script(100 * 86_400.0)
    memory = Memory(
        board.memories, home=home, embedder=embedder,
        settings=MemorySettings(short_days=7, short_tasks=2),
    )  # fmt: skip
    for task in (1, 2, 3):
        await memory.remember(f"heron task{task}", agent="sam", task=task)
    await memory.remember("heron theirs", agent="leo", task=1, visibility="team")
    await memory.remember("heron free", agent="sam")

    async def short() -> set[str]:
        hits = await memory.recall("heron", k=9, agent="sam", layers=["short"])
        return {hit.row.text for hit in hits}

    assert await short() == {"heron task2", "heron task3", "heron theirs", "heron free"}
    await board.clock.script(108 * 86_400.0)
    assert await short() == set()
    assert len(await memory.recall("heron", k=9, agent="sam", layers=["long"])) == 5
    await memory.close()


async def test_explain_says_where_it_stands(memory: Memory) -> None:
    first = await memory.remember("The heron server runs Debian.", agent="sam", tags=["infra"])
    await memory.remember("Otters are fed at noon.", agent="sam")
    told = await memory.explain("which server is the heron", first, agent="sam")
    assert (told.rank, told.excluded, told.layer) == (1, (), "short")
    assert (told.ranks["dense"], told.ranks["lexical"]) == (1, 1)
    assert told.said.startswith("Found as 1st")


@pytest.mark.parametrize(
    ("scope", "why"),
    [
        ({"tags": ["other"]}, "it lacks the tag other"),
        ({"layers": ["long"]}, "it is in the layer short"),
        ({"kinds": ["fact"]}, "its kind is note"),
        ({"since": 4e12}, "it is older"),
    ],
)
async def test_explain_names_what_keeps_it_out(
    memory: Memory, scope: dict[str, Any], why: str
) -> None:
    row = await memory.remember("The heron server runs Debian.", agent="sam")
    assert await memory.recall("heron", agent="sam", **scope) == []
    told = await memory.explain("heron", row, agent="sam", **scope)
    assert told.excluded == (why,)
    assert told.rank == 1
    assert f"Not found, for {why}. Without that, it would be 1st" in told.said


async def test_explain_of_what_was_forgotten(memory: Memory) -> None:
    row = await memory.remember("heron", agent="sam")
    await memory.forget(row)
    told = await memory.explain("heron", row)
    assert (told.excluded, told.rank, told.row.text) == (("it is forgotten",), None, "")


async def test_forget_means_all_that_is_said(memory: Memory, store: Any) -> None:
    old = await memory.remember("heron one", agent="sam", tags=["x", "y"], at=5.0, source="task:1")
    new = await memory.remember("heron two", agent="sam", tags=["x"], source="task:1/log")
    its = await memory.remember("heron three", agent="leo", tags=["x"], source="task:12")
    with pytest.raises(ValueError, match="what to forget"):
        await memory.forget()
    assert await memory.forget([its], agent="sam") == []
    assert await memory.forget(tags=["x", "z"]) == []
    assert await memory.forget(tags="x", before=6.0) == [old]
    assert await memory.forget(source="task:1") == [new]
    assert [hit.row.id for hit in await memory.recall("heron")] == [its]
    assert [row.text for row in await store.get([old, new])] == ["", ""]
    assert await memory.forget(agent="leo") == [its]
    assert await memory.forget([old, new, its, 999]) == []


async def test_from_end_to_end_with_the_real_model(board: Board, home: Path) -> None:
    memory = Memory(board.memories, home=home, embedder=MiniLM())
    await memory.remember("The heron server runs Debian.", agent="sam")
    await memory.remember_episode(
        [
            Turn("Ann", "Where did you go on holiday?", 1_700_000_000.0),
            Turn("Bo", "To Lisbon, with my sister.", 1_700_000_060.0),
            Turn("Ann", "Nice weather?", 1_700_000_120.0),
        ],
        agent="sam", key="chat",
    )  # fmt: skip
    await memory.remember("Lunch is at noon.", agent="sam")
    assert "Debian" in (await memory.recall("which operating system is on it", k=1))[0].row.text
    (hit,) = await memory.recall("Which city did Bo travel to?", k=1, agent="sam")
    assert (hit.row.author, hit.row.text) == ("Bo", "To Lisbon, with my sister.")
    assert hit.reasons["dense_rank"] <= 3
    assert await memory.index_pending() == 5
    assert await memory.reindex() == 5
    await memory.close()
