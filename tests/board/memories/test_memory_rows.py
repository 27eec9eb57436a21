"""The rows of memory, on every database: what is stored, changed, followed, forgotten."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from neveridle.board import Board, HandoffDocument, NewTask, Source
from neveridle.board.memories import Edit, before
from neveridle.board.memory_row import MemoryRow, NewMemory, Signals
from neveridle.errors import StateConflict

Sql = Callable[..., Awaitable[list[tuple[Any, ...]]]]
START = 1_000_000.0
HELD = ("memories", "memory_signals", "memory_tokens", "memory_revision", "episodes")


def note(text: str = "t", **said: Any) -> NewMemory:
    values: dict[str, Any] = {"agent": "sam", "text": text, **said}
    return NewMemory(**values)


def signals(size: int = 8) -> Signals:
    return Signals("m@1", os.urandom(size), os.urandom(size), os.urandom(size))


async def test_what_is_stored_comes_back_whole(board: Board) -> None:
    episode = await board.memories.begin_episode(agent="sam", key="talk")
    given = note(
        "Zweimal 'prüfen': 二度 \\ \" {a,b} NULL %(x)s", kind="learning",
        tags=("a b", 'c"d\\', "日本", "NULL"), source="task:1",
        importance=0.75, at=12.5, trusted=True, visibility="public", origin="person",
        episode=episode, position=3, author="leo", task=7, fence=2, digest="abc",
    )  # fmt: skip
    (one, plain) = await board.memories.add([given, note("", tags=())])
    assert await board.memories.get([plain, 99, one, plain]) == [
        *(rows := [
            MemoryRow(
                id=plain, agent="sam", kind="note", text="", tags=(), source="", importance=0.5,
                at=START, trusted=False, revision=2,
            ),
            MemoryRow(
                id=one, agent="sam", kind="learning", text=given.text, tags=given.tags,
                source="task:1", importance=0.75, at=12.5, trusted=True, visibility="public",
                origin="person", episode=episode, position=3, author="leo", task=7, fence=2,
                revision=1,
            ),
        ]),
        rows[0],
    ]  # fmt: skip
    assert await board.memories.newest(5) == rows
    assert await board.memories.newest(5, before=plain) == rows[1:]
    assert await board.memories.newest(5, agent="leo") == []


async def test_text_that_no_database_takes(board: Board) -> None:
    odd = "nul \0 half \ud800 rtl \u202e مرحبا 🧪"
    (one,) = await board.memories.add([note(odd, tags=("\0", "\udfff"), author="\0", source="\0")])
    (row,) = await board.memories.get([one])
    assert row.text == "nul � half ? rtl \u202e مرحبا 🧪"
    assert (row.tags, row.author, row.source) == (("�", "?"), "�", "�")
    ((large,),) = [await board.memories.add([note("x" * 1_000_000, tags=("t",) * 500)])]
    (row,) = await board.memories.get([large])
    assert (len(row.text), len(row.tags)) == (1_000_000, 500)


async def test_signals_are_stored_with_the_row(board: Board) -> None:
    full, bare = signals(3_000), Signals("m@1", dense=b"\0\xff" * 384)
    ids = await board.memories.add([note(signals=full), note(), note(signals=bare)])
    changes = await board.memories.changes(0, 10)
    assert [one.row.id for one in changes] == ids
    assert [one.signals for one in changes] == [
        Signals("m@1", full.terms, full.dense), Signals(), bare,
    ]  # fmt: skip
    assert await board.memories.tokens([*ids, 99]) == {ids[0]: full.tokens}
    assert await board.memories.tokens([]) == {}
    assert [row.id for row in await board.memories.without_vectors("m@1", 10)] == [ids[1]]
    assert len(await board.memories.without_vectors("m@2", 10)) == 3


async def test_columns_are_the_changes(board: Board) -> None:
    assert (await board.memories.columns(0, 10)).id == ()
    await board.memories.add([note(tags=("a",), signals=signals()), note(trusted=True), note()])
    rows = await board.memories.changes(1, 10)
    found = await board.memories.columns(1, 10)
    assert (list(found.id), list(found.revision)) == ([2, 3], [2, 3])
    for name in MemoryRow.__dataclass_fields__:
        if name != "text":
            assert list(getattr(found, name)) == [getattr(one.row, name) for one in rows], name
    assert [*zip(found.model, found.terms, found.dense, strict=True)] == [
        (one.signals.model, one.signals.terms, one.signals.dense) for one in rows
    ]


async def test_all_of_a_batch_or_nothing(
    board: Board, contents: Callable[[], Awaitable[dict[str, Any]]]
) -> None:
    assert await board.memories.add([]) == []
    await board.memories.add([note(task=1, fence=1, signals=signals())])
    before = await contents()
    for wrong in (note(task=1, fence=1), note(episode=99), note(visibility="everybody")):
        with pytest.raises(StateConflict, match="cannot be stored") as refused:
            await board.memories.add([note("first", signals=signals()), wrong])
        assert "None of them" in refused.value.remedy
    after = await contents()
    assert {name: after[name] for name in HELD} == {name: before[name] for name in HELD}
    many = await board.memories.add([note(f"{n}", signals=signals()) for n in range(1_234)])
    assert [row.text for row in await board.memories.get(many)] == [f"{n}" for n in range(1_234)]
    assert await board.memories.revision() == 1_235


async def test_revisions_rise_with_every_change(board: Board) -> None:
    memories = board.memories
    assert await memories.revision() == 0
    one, two, three = await memories.add([note(), note(), note()])
    seen = await memories.revision()
    await memories.put_signals({two: signals(), one: signals(), 99: signals()})
    await memories.change(three, strength=2)
    assert [c.row.id for c in await memories.changes(seen, 10)] == [one, two, three]
    await memories.put_signals({two: Signals("m@2")})
    (last,) = (await memories.changes(seen, 10))[2:]
    assert (last.row.id, last.signals, await memories.tokens([two])) == (two, Signals("m@2"), {})
    assert await memories.revision() >= last.row.revision
    assert [c.row.id for c in await memories.changes(seen, 2)] == [one, three]
    async with Board(board.url) as other:
        await other.memories.add([note()])
    assert await memories.revision() > last.row.revision  # of another connection, too


async def test_looking_at_the_revision_asks_sqlite_nothing(sqlite_url: str) -> None:
    async with Board(sqlite_url) as board, Board(sqlite_url) as other:
        await board.memories.add([note()])
        assert await board.memories.revision() == 1
        asked: list[str] = []
        board.database._quick.set_trace_callback(asked.append)  # type: ignore[attr-defined]  # of SQLite
        for _ in range(10):
            assert await board.memories.revision() == 1
        assert asked == []
        await other.memories.add([note()])
        assert await board.memories.revision() == 2
        assert len(asked) == 1


async def test_forgetting_leaves_a_bare_row(board: Board, sql: Sql) -> None:
    memories = board.memories
    episode = await memories.begin_episode(agent="sam", key="secret", title="secret", source="s")
    said = note("secret", tags=("secret",), source="secret", author="secret", digest="secret",
                episode=episode, position=0, task=1, fence=1, signals=signals())  # fmt: skip
    ids = await memories.add([said, note("kept", episode=episode, position=1)])
    await board.clock.advance(5)
    assert await memories.forget([ids[0], 99, ids[0]]) == [ids[0]]
    assert await memories.forget(ids[:1]) == await memories.forget([]) == []
    (row,) = await memories.get(ids[:1])
    assert (row.state, row.text, row.tags, row.source, row.author) == ("forgotten", "", (), "", "")
    assert await memories.tokens(ids) == {}
    (change,) = await memories.changes(2, 10)
    assert (change.row.id, change.row.state, change.signals) == (ids[0], "forgotten", Signals())
    assert await memories.count() == {"forgotten": 1, "live": 1}
    await memories.put_signals({ids[0]: signals()})  # made while it was being forgotten
    assert await memories.tokens(ids) == {}
    for refused in (memories.change(ids[0], strength=2), memories.supersede(ids[1:], ids[0])):
        with pytest.raises(StateConflict, match="not there any more"):
            await refused
    await memories.forget(ids[1:])
    for table in ("memories", "memory_signals", "memory_tokens", "episodes"):
        assert "secret" not in repr(await sql(f"SELECT * FROM {table}"))  # noqa: S608 - ours


async def test_memories_are_changed_as_expected_or_not_at_all(board: Board) -> None:
    memories = board.memories
    one, two, new = await memories.add([note("a", tags=("x",)), note("b"), note("ab")])
    first = before((await memories.get([one]))[0])
    assert first["tags"] == ["x"]
    edits = [
        Edit(one, {"state": "superseded", "superseded_by": new}, first),
        Edit(two, {"tags": ("y",), "trusted": True, "importance": 0.25, "visibility": "team"}),
        Edit(two, {"strength": 3}, {"trusted": True, "tags": ("y",)}),
    ]
    assert await memories.change_all(edits) == [4, 5, 6]
    was, is_ = await memories.get([one, two])
    assert (was.state, was.superseded_by, was.text, was.revision) == ("superseded", new, "a", 4)
    assert (is_.tags, is_.trusted, is_.importance) == (("y",), True, 0.25)
    assert (is_.visibility, is_.strength, is_.revision, is_.text) == ("team", 3, 6, "b")
    for wrong in (Edit(two, {"strength": 9}, {"strength": 4}), Edit(99, {"strength": 9}),
                  Edit(two, {"superseded_by": 99})):  # fmt: skip
        with pytest.raises(StateConflict):
            await memories.change_all([Edit(new, {"strength": 9}), wrong])
        assert await memories.get([one, two]) == [was, is_]
        assert (await memories.get([new]))[0].strength == 1
    wrong_values: list[dict[str, Any]] = [
        {"text": "z"},
        {"state": "forgotten"},
        {"superseded_by": two},
    ]
    for bad in wrong_values:
        with pytest.raises(ValueError, match=r"cannot|becomes"):
            await memories.change(two, **bad)
    assert await memories.revision() == 6
    assert await memories.change_all([]) == []


async def test_superseded_retired_and_restored(board: Board) -> None:
    memories = board.memories
    one, two, new = await memories.add([note("a"), note("b"), note("ab")])
    await memories.supersede([one, two], new)
    with pytest.raises(StateConflict, match="'superseded', not 'live'"):
        await memories.supersede([one], two)
    assert [row.id for row in await memories.newest(5)] == [new]
    assert [c.row.superseded_by for c in await memories.changes(3, 9)] == [new, new]
    await memories.restore([one, two])
    await memories.retire([new])
    assert [row.id for row in await memories.newest(5)] == [two, one]
    assert await memories.count() == {"live": 2, "retired": 1}
    assert [row.superseded_by for row in await memories.get([one, two])] == [None, None]


async def test_an_episode_is_begun_once(board: Board) -> None:
    begin = board.memories.begin_episode
    one = await begin(agent="sam", key="k", title="t", at=5.0)
    both = await asyncio.gather(*(begin(agent="sam", key="k") for _ in range(5)))
    assert {one, *both} == {one}
    assert await begin(agent="leo", key="k") != one


async def test_a_clock_that_goes_back_does_no_harm(board: Board) -> None:
    (one,) = await board.memories.add([note("first")])
    await board.clock.script(START - 1_000)
    (two,) = await board.memories.add([note("second")])
    later, earlier = await board.memories.get([one, two])
    assert (later.at, earlier.at) == (START, START - 1_000)
    assert [c.row.id for c in await board.memories.changes(0, 5)] == [one, two]
    assert [row.id for row in await board.memories.newest(5)] == [two, one]
    assert await board.memories.evictable("sam", 5) == [one, two]


@pytest.mark.parametrize("way", ["complete", "fail", "block", "give"])
async def test_a_lesson_comes_with_its_signals(
    board: Board, way: str, take: Callable[..., Awaitable[Any]]
) -> None:
    await board.tasks.add(NewTask(source=Source.BACKLOG, title="t"))
    attempt = (await take()).attempt
    given = signals()
    lesson = {"agent": "sam", "text": "t", "kind": "learning", "tags": ["a"],
              "visibility": "team", "signals": given}  # fmt: skip
    ways: dict[str, Callable[[], Awaitable[Any]]] = {
        "complete": lambda: board.attempts.complete(attempt, learning=lesson),
        "fail": lambda: board.attempts.fail(attempt, code="x", error="y", limit=3, learning=lesson),
        "block": lambda: board.attempts.block(attempt, owner="x", action="y", learning=lesson),
        "give": lambda: board.handoffs.give(
            attempt, to="leo", document=HandoffDocument(summary="s", action="a"), verified=True,
            learning=lesson,
        ),
    }  # fmt: skip
    await ways[way]()
    (change,) = await board.memories.changes(0, 5)
    assert (change.row.task, change.row.fence, change.row.visibility) == (1, 1, "team")
    assert change.signals == Signals("m@1", given.terms, given.dense)
    assert await board.memories.tokens([change.row.id]) == {change.row.id: given.tokens}
