"""Keeping an index in step with the board."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Any

import numpy as np
import pytest

from neveridle.board import Board
from neveridle.board.memories import Memories
from neveridle.board.memory_row import NewMemory
from neveridle.errors import MemoryUnusable
from neveridle.memory import HashingEmbedder, Memory
from neveridle.memory.index import feeder as feeding
from neveridle.memory.index.feeder import Feeder
from neveridle.memory.signals import signals_of

MakeFeeder = Callable[..., Feeder]


async def add(store: Memories, *texts: str, bare: bool = False) -> list[int]:
    made = await signals_of(HashingEmbedder(), texts, [None] * len(texts))
    return await store.add(
        [
            NewMemory("sam", text, signals=None if bare else one)
            for text, one in zip(texts, made, strict=True)
        ]
    )


async def nearest(feeder: Feeder, text: str, n: int = 10) -> list[int]:
    (vector,) = await HashingEmbedder().embed([text])
    found = await feeder.nearest(np.array(vector, np.float32), n)
    assert found is not None
    return [int(row) for row in found[0]]


async def test_changes_reach_the_index(make_feeder: MakeFeeder, store: Memories) -> None:
    feeder = make_feeder()
    one, two = await add(store, "the login test", "the settings page")
    assert await feeder.feed() == 2
    assert await feeder.feed() == 0
    assert (await nearest(feeder, "login"))[0] == one
    await store.forget([one])
    (three,) = await add(store, "login again")
    await feeder.feed()
    assert sorted(await nearest(feeder, "login")) == [two, three]


async def test_vectors_come_from_the_board(
    make_feeder: MakeFeeder, store: Memories, embedder: Any
) -> None:
    await add(store, "known one", "known two")
    feeder = make_feeder()
    assert await feeder.feed() == 2
    assert embedder.texts == []
    (row,) = await add(store, "a lesson without vectors", bare=True)
    await feeder.feed()
    assert embedder.texts == ["a lesson without vectors"]
    assert (await nearest(feeder, "lesson vectors"))[0] == row
    (change,) = await store.changes(await store.revision() - 1, 10)
    assert change.signals.dense, "the board has them now, for everybody"


async def test_one_feeds_at_a_time_and_another_takes_over(
    make_feeder: MakeFeeder, store: Memories
) -> None:
    first, second = make_feeder(), make_feeder()
    await add(store, "the first")
    assert await first.feed() == 1
    await add(store, "the second")
    assert await second.feed() == 0
    with pytest.raises(MemoryUnusable, match="Another process"):
        await second.rebuild()
    assert await first.feed() == 1
    await add(store, "the third")
    await first.close()
    assert await second.feed() == 1
    assert len(await nearest(second, "anything")) == 3


async def test_another_board_builds_anew(
    make_feeder: MakeFeeder, store: Memories, open_board: Callable[..., Awaitable[Board]]
) -> None:
    first = make_feeder()
    await add(store, "of the old board", "and more")
    await first.feed()
    await first.close()
    newer = (await open_board("newer.db")).memories
    (row,) = await add(newer, "a new board counts from one")
    await add(newer, "and", "goes", "further", "than the old one")
    second = make_feeder(store=newer)
    assert await second.feed() == 5
    assert (await nearest(second, "a new board"))[0] == row


async def test_an_older_copy_of_the_board_builds_anew(
    make_feeder: MakeFeeder, store: Memories, board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    first = make_feeder()
    await add(store, "before the copy")
    await first.feed()
    await add(store, "after the copy", "and this")
    await first.feed()
    await first.close()
    # The file of the board, put back from a copy that knows nothing of the last two.
    with closing(sqlite3.connect(board.url.removeprefix("sqlite:///"))) as file, file:
        file.execute("DELETE FROM memory_signals WHERE memory_id > 1")
        file.execute("DELETE FROM memory_tokens WHERE memory_id > 1")
        file.execute("DELETE FROM memories WHERE id > 1")
        file.execute("UPDATE memory_revision SET revision = 1")
    second = make_feeder()
    assert await second.feed() == 1
    assert await nearest(second, "the copy") == [1]
    assert "ahead of the board" in caplog.text


async def test_rows_that_went_altogether_while_it_was_away(
    make_feeder: MakeFeeder, store: Memories, board: Board, open_memory: Callable[..., Memory]
) -> None:
    first, memory = make_feeder(), open_memory()
    gone, stays = await add(store, "forgotten meanwhile", "stays")
    await first.feed()
    assert len(await memory.recall("meanwhile", mode="dense")) == 2
    await first.close()
    await store.forget([gone])
    # The bare row too, as retention removes it long after.
    with closing(sqlite3.connect(board.url.removeprefix("sqlite:///"))) as file, file:
        file.execute("UPDATE memory_revision SET pruned_to = revision")
        file.execute("DELETE FROM memories WHERE id = ?", (gone,))
    await add(store, "another")
    second = make_feeder()
    assert await second.feed() == 2, "built anew"
    assert len(await nearest(second, "anything")) == 2
    hits = await memory.recall("meanwhile", mode="dense")
    assert {hit.row.text for hit in hits} == {"stays", "another"}
    assert stays in {hit.row.id for hit in hits}
    assert memory._library.facts["rows"] == 2  # pyright: ignore[reportPrivateUsage] - what this process has taken in


async def test_rows_that_the_marker_promises_are_looked_for(
    make_feeder: MakeFeeder, store: Memories
) -> None:
    first = make_feeder()
    ids = await add(store, "here", "and gone")
    await first.feed()
    whole: Any = first  # damage that only a hand in the index can do
    index: Any = whole._index
    index._opened.collection.delete(ids=[str(ids[1])])
    await first.close()
    second = make_feeder()
    await second.feed()
    assert sorted(await nearest(second, "gone")) == ids


class Tired(HashingEmbedder):
    """Another model, whose process dies after some calls."""

    def __init__(self, calls: int) -> None:
        super().__init__(64)
        self.calls = calls
        self.texts: list[str] = []

    async def encode(self, texts: Any) -> Any:
        self.calls -= 1
        if self.calls < 0:
            raise ConnectionError
        self.texts += texts
        return await super().encode(texts)


async def test_a_rebuilding_makes_what_is_missing_and_goes_on_where_it_was_cut(
    make_feeder: MakeFeeder, store: Memories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "BATCH", 20)
    old = make_feeder()
    await add(store, *(f"row number {i}" for i in range(150)))
    await old.feed()
    await old.close()

    tired = Tired(1)
    first = make_feeder(embedder=tired)
    with pytest.raises(ConnectionError):
        await first.rebuild()
    assert len(tired.texts) == 64
    await first.close()

    told: list[tuple[str, int, int]] = []
    lively = Tired(100)
    second = make_feeder(embedder=lively)

    def tell(what: str, done: int, of: int) -> None:
        told.append((what, done, of))

    assert await second.rebuild(tell) == 150
    assert len(lively.texts) == 150 - 64, "what was made is not made again"
    assert {what for what, _, _ in told} == {"vectors", "index"}
    assert told[-1][1] == told[-1][2], "it ends complete"
    assert len(await store.without_vectors(HashingEmbedder(64).name, 200)) == 0


async def test_a_server_that_is_down_is_said_once_and_comes_back(
    make_feeder: MakeFeeder,
    store: Memories,
    own_server: Any,
    index_url: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if not index_url:
        pytest.skip("an embedded index has no server")
    caplog.set_level(logging.WARNING)
    feeder = make_feeder(url=own_server.url)
    (one,) = await add(store, "before it went")
    assert await feeder.feed() == 1
    own_server.kill()
    (two,) = await add(store, "while it was away")
    (vector,) = await HashingEmbedder().embed(["away"])
    assert await feeder.nearest(np.array(vector, np.float32), 5) is None
    assert await feeder.feed() == 0
    assert await feeder.feed() == 0
    assert caplog.text.count("found from the board's rows meanwhile") == 1
    own_server.start()
    assert await feeder.feed() == 1
    assert sorted(await nearest(feeder, "away")) == [one, two]


async def test_cancelled_it_goes_on_and_closed_it_can_be_fed_by_the_next(
    make_feeder: MakeFeeder, store: Memories
) -> None:
    await add(store, *(f"note {i}" for i in range(30)))
    first = make_feeder()
    task = asyncio.create_task(first.feed())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await first.feed()
    assert len(await nearest(first, "note", 50)) == 30
    await first.close()
    await first.close()
    with pytest.raises(RuntimeError, match="closed"):
        await first.feed()
    await add(store, "one more")
    second = make_feeder()
    assert await second.feed() == 1
    assert len(await nearest(second, "note", 50)) == 31
