"""Consolidation: nothing unique is lost, doing it twice changes nothing, undoing it is exact."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from neveridle.board import Attempt, Board
from neveridle.board.memory_row import MemoryRow, NewMemory
from neveridle.board.schema import memories
from neveridle.errors import NotFound, StateConflict
from neveridle.memory.embedding import HashingEmbedder
from neveridle.memory.learning.consolidation import Consolidator
from neveridle.memory.learning.wording import wording

Rows = Callable[[], Awaitable[list[dict[str, Any]]]]

LESSONS = [
    "Look at store.py before you sort pages.",
    "Look at store.py before you sort the pages.",
    "Look at pages.py before you sort pages.",
    "Run all tests when an edit is done.",
    "When an edit is done, run all the tests.",
    "Do not run all tests when an edit is done.",
    "Run all tests when an edit is done.\nContext: seen in a.py",
    "Run all tests when an edit is done.\nContext: seen in a.py and b.py",
    "Escape user text in a page.",
    "Escape the user's text in pages.",
    "",
]
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "agent": st.sampled_from(["sam", "leo"]),
            "text": st.sampled_from(LESSONS),
            "kind": st.sampled_from(["learning"] * 4 + ["note", "working"]),
            "visibility": st.sampled_from(["team", "team", "private"]),
            "trusted": st.sampled_from([False, False, True]),
            "origin": st.sampled_from(["agent", "agent", "agent", "tool"]),
            "tags": st.lists(st.sampled_from("abc"), unique=True).map(tuple),
            "importance": st.sampled_from([0.5, 0.7]),
        }
    ),
    min_size=2,
    max_size=14,
)


def group(row: dict[str, Any]) -> tuple[Any, ...]:
    private = row["agent"] if row["visibility"] == "private" else ""
    return (row["kind"], row["visibility"], private, row["trusted"], row["origin"])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, strengths=st.lists(st.integers(1, 4), min_size=14, max_size=14), by=st.data())
async def test_consolidating_twice_changes_nothing_more_and_undoing_restores_every_row(
    board: Board, everything: Rows, rows: list[dict[str, Any]], strengths: list[int],
    by: st.DataObject,
) -> None:  # fmt: skip
    # Examples share a board: what an earlier one left is forgotten.
    await board.memories.forget([row["id"] for row in await everything()])
    ids = await board.memories.add([NewMemory(**row) for row in rows])

    def strengthen(c: Any) -> None:
        for memory, strength in zip(ids, strengths, strict=False):
            c.execute(update(memories).where(memories.c.id == memory).values(strength=strength))

    await board.database.write(strengthen)
    agent = by.draw(st.sampled_from([None, "sam"]))
    consolidator = Consolidator(board.memories, HashingEmbedder())
    before = await everything()

    planned = await consolidator.consolidate(agent=agent, dry_run=True)
    assert await everything() == before  # a dry run changes nothing
    done = await consolidator.consolidate(agent=agent)
    after = {row["id"]: row for row in await everything()}
    again = await consolidator.consolidate(agent=agent)

    assert done.merges == planned.merges
    assert again.merges == []
    assert {row["id"]: row for row in await everything()} == after
    for row in before:
        stands = now = after[row["id"]]
        while stands["state"] == "superseded":
            stands = after[stands["superseded_by"]]
        if row["state"] != "live":
            assert now == row
            continue
        assert stands["state"] == "live"
        assert now["text"] == row["text"]
        assert group(stands) == group(row)
        said, held = wording(row["text"]), wording(stands["text"])
        assert set(said.identifiers) <= set(held.identifiers)
        assert ("not" in said.turns) == ("not" in held.turns)
        if stands is not now:
            assert set(row["tags"]) <= set(stands["tags"])
            assert agent in (None, row["agent"])

    def whole(found: list[dict[str, Any]]) -> int:
        return sum(row["strength"] for row in found if row["state"] == "live")

    assert whole(list(after.values())) == whole(before)
    for one in reversed(done.made):
        assert (await board.memories.consolidations.undo(one.id)).undone_at is not None
    assert await everything() == before


@pytest.fixture
def consolidator(board: Board) -> Consolidator:
    return Consolidator(board.memories, HashingEmbedder())


async def learn(board: Board, *texts: str, **more: Any) -> list[int]:
    return await board.memories.add(
        [NewMemory("sam", text, kind="learning", visibility="team", **more) for text in texts]
    )


async def test_the_clear_case_is_merged_into_the_one_that_holds_most(
    board: Board, consolidator: Consolidator
) -> None:
    ids = await learn(
        board, "Escape the text in pages.", "Escape the text in pages.\nContext: a.py",
        "Never escape the text in pages.",
    )  # fmt: skip

    done = await consolidator.consolidate()

    assert [
        (m.survivor.id, m.survivor.strength, [r.id for r in m.merged]) for m in done.merges
    ] == [(ids[1], 2, [ids[0]])]
    rows = {row.id: row for row in await board.memories.get(ids)}
    assert (rows[ids[0]].state, rows[ids[0]].superseded_by) == ("superseded", ids[1])
    assert (rows[ids[1]].strength, rows[ids[2]].state) == (2, "live")


async def test_undo_names_what_changed_since_and_changes_nothing(
    board: Board, consolidator: Consolidator, everything: Rows
) -> None:
    first, second = await learn(board, "Escape the text in pages.", "Escape the text in pages.")
    await consolidator.consolidate()
    await learn(board, "Escape the text in pages.\nContext: b.py")
    await consolidator.consolidate()
    with pytest.raises(StateConflict, match=r"Consolidation 2 changed the same memories after 1"):
        await board.memories.consolidations.undo(1)
    assert (await board.memories.consolidations.undo()).id == 2
    await board.memories.forget([second])
    before = await everything()

    with pytest.raises(StateConflict, match=rf"memory {second} was forgotten"):
        await board.memories.consolidations.undo(1)

    assert await everything() == before
    with pytest.raises(StateConflict, match="undone already"):
        await board.memories.consolidations.undo(2)
    with pytest.raises(NotFound):
        await board.memories.consolidations.undo(77)
    assert first < second


async def test_undo_keeps_the_strength_that_a_memory_gained_since(
    board: Board, consolidator: Consolidator, attempt: Callable[..., Awaitable[Attempt]]
) -> None:
    first, second = await learn(board, "Escape the text in pages.", "Escape the text in pages.")
    await consolidator.consolidate()
    again = {"agent": "leo", "kind": "learning", "text": "Escape the text in pages.",
             "visibility": "team", "reinforces": second, "bears_out": True}  # fmt: skip
    await board.attempts.complete(await attempt("leo"), learning=again)

    await board.memories.consolidations.undo()

    rows = await board.memories.get([first, second])
    assert [(row.state, row.strength, row.trusted) for row in rows] == [
        ("live", 2, True), ("live", 1, False),
    ]  # fmt: skip


async def test_what_changes_between_plan_and_deed_is_left_alone(board: Board) -> None:
    ids = await learn(board, "Escape the text in pages.", "Escape the text in pages.")

    class Slow(HashingEmbedder):
        async def embed(self, texts: Any) -> list[list[float]]:
            await board.memories.forget([ids[1]])
            return await super().embed(texts)

    done = await Consolidator(board.memories, Slow()).consolidate()

    assert (done.left, done.made) == (1, [])
    (row, _) = await board.memories.get(ids)
    assert (row.state, row.strength) == ("live", 1)


async def test_when_it_is_due(
    board: Board, attempt: Callable[..., Awaitable[Attempt]], consolidator: Consolidator
) -> None:
    due = board.memories.consolidations
    assert not await due.days_due(7)
    for number in range(10):
        assert not await due.count_due("sam", 10)
        lesson = {"agent": "sam", "kind": "learning", "text": f"Lesson {number}."}
        await board.attempts.complete(await attempt(), learning=lesson)
    assert await due.count_due("sam", 10)
    assert not await due.count_due("sam", 0)
    assert not await due.count_due("leo", 10)
    await board.clock.advance(1)
    await consolidator.consolidate(agent="sam", cause="count")
    assert not await due.count_due("sam", 10)
    assert await due.latest() == []  # it changed nothing
    with pytest.raises(NotFound):
        await due.undo()

    assert not await due.days_due(7)
    await board.clock.advance(7 * 86_400)
    assert await due.days_due(7)
    await consolidator.consolidate(cause="weekly")
    await board.clock.advance(8 * 86_400)
    assert not await due.days_due(7)  # nothing was learnt since


async def test_a_lesson_with_which_success_is_clearly_rarer_is_retired_and_comes_back(
    board: Board, attempt: Callable[..., Awaitable[Attempt]], consolidator: Consolidator,
    everything: Rows,
) -> None:  # fmt: skip
    from neveridle.board.memories.uses import Use

    bad, good, person = await learn(board, "Skip checks.", "Look first.", "Be brief.")
    await board.memories.put_signals({})
    for number in range(20):
        mine = await attempt()
        shown = [bad, person] if number % 2 else [good]
        await board.memories.uses.record(mine, [Use(one) for one in shown])
        if number % 2 and number != 1:
            await board.attempts.fail(mine, code="c", error="e", limit=1)
        else:
            await board.attempts.complete(mine)

    def said(c: Any) -> None:
        c.execute(update(memories).where(memories.c.id == person).values(origin="person"))

    await board.database.write(said)
    before = await everything()
    done = await consolidator.consolidate()

    ((row, effect),) = done.retired
    assert (row.id, effect.shown, effect.succeeded, effect.usual) == (bad, 10, 1, 1.0)
    states: dict[int, MemoryRow] = {row.id: row for row in await board.memories.get([bad, good])}
    assert (states[bad].state, states[good].state) == ("retired", "live")
    assert (await board.memories.consolidations.undo()).cause == "review"
    assert await everything() == before
