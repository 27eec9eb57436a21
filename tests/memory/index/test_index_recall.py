"""Recall over what follows the board: scopes, many at once, and several processes."""

from __future__ import annotations

import asyncio
import logging
import random
import subprocess
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neveridle.board import Board
from neveridle.board.memories import Memories
from neveridle.memory import HashingEmbedder, Memory
from neveridle.memory.index import scan, shelf
from neveridle.memory.indexing import feeder_of

WORDS = [
    "login",
    "invoice",
    "deploy",
    "cache",
    "retry",
    "schema",
    "button",
    "colour",
    "token",
    "branch",
]
TAGS = ("ui", "api", "slow")


async def _filled(memory: Memory, count: int, seed: int = 5) -> list[dict[str, Any]]:
    choose = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for number in range(count):
        row: dict[str, Any] = {
            "text": f"{' '.join(choose.choices(WORDS, k=4))} n{number}",
            "agent": choose.choice(["sam", "leo"]),
            "tags": tuple(choose.sample(TAGS, choose.randrange(3))),
            "at": 1_000.0 + number,
            "kind": choose.choice(["note", "learning", "working"]),
            "visibility": choose.choice(["private", "team"]),
        }
        row["id"] = await memory.remember(**row)
        rows.append(row)
    return rows


def _seen(row: dict[str, Any], scope: dict[str, Any]) -> bool:
    agent = scope.get("agent")
    return (
        (agent is None or row["agent"] == agent or row["visibility"] != "private")
        and set(scope.get("tags", ())) <= set(row["tags"])
        and row["at"] >= scope.get("since", 0)
        and row["kind"] in (scope.get("kinds") or ("note", "learning", "working"))
        and (row["kind"] == "working") == (scope.get("layers") == ("working",))
    )


SCOPES: Sequence[dict[str, Any]] = [
    {},
    {"agent": "sam"},
    {"tags": ("ui",)},
    {"tags": ("ui", "api"), "agent": "leo"},
    {"since": 1_090.0},
    {"kinds": ("learning",), "since": 1_050.0},
    {"layers": ("working",)},
    {"agent": "nobody", "tags": ("slow",)},
    {"tags": ("there is none",)},
]


@pytest.mark.parametrize("codes", [False, True])
@pytest.mark.parametrize("mode", ["dense", "hybrid", "lexical"])
async def test_all_of_a_scope_and_nothing_else(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, codes: bool, mode: Any
) -> None:
    if codes:  # as where there are very many rows
        monkeypatch.setattr(scan, "EXACT", 0)
        monkeypatch.setattr(shelf, "_CANDIDATES", 10)
    rows = await _filled(memory, 120)
    for scope in SCOPES:
        inside = {row["id"] for row in rows if _seen(row, scope)}
        hits = await memory.recall("login invoice deploy", k=10, mode=mode, **scope)
        assert {hit.row.id for hit in hits} <= inside, scope
        if mode == "dense":
            exact = await memory.recall(
                "login invoice deploy", k=10, mode=mode, exact=True, **scope
            )
            assert len(hits) == min(10, len(inside)), scope
            assert [h.score for h in hits] == pytest.approx([h.score for h in exact], abs=1e-3)


async def test_beyond_many_rows_the_index_answers_and_what_is_not_in_it_is_united(
    memory: Memory, store: Memories, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "INDEX_ROWS", 20)
    rows = await _filled(memory, 60)
    await memory.index_pending()
    asked: list[int] = []
    whole: Any = memory
    nearest: Any = whole._feeder.nearest

    async def counted(vector: Any, n: int) -> Any:
        asked.append(n)
        return await nearest(vector, n)

    monkeypatch.setattr(whole._feeder, "nearest", counted)
    new = await memory.remember("zebra crossing", agent="sam")
    gone = next(row["id"] for row in rows if row["kind"] == "note")
    await store.forget([gone])
    (hit, *_) = await memory.recall("zebra crossing", k=1, mode="dense")
    assert hit.row.id == new, "it is not in the index yet"
    found = {hit.row.id for hit in await memory.recall("login", k=100, mode="dense")}
    assert found == {r["id"] for r in rows if r["kind"] != "working"} - {gone} | {new}
    assert len(asked) == 2
    assert await memory.recall("login", k=5, mode="dense", tags=("ui", "api"))
    assert len(asked) == 2, "a narrow scope is compared exactly"


async def test_a_row_without_vectors_is_found_at_once(memory: Memory, store: Memories) -> None:
    from neveridle.board.memory_row import NewMemory

    await memory.remember("something else", agent="sam")
    await memory.recall("anything")
    (row,) = await store.add([NewMemory("sam", "a lesson as it was learnt", kind="learning")])
    (hit, *_) = await memory.recall("lesson learnt", k=1)
    assert hit.row.id == row
    assert await store.without_vectors(HashingEmbedder().name, 10) == []


async def test_another_model_finds_by_words_and_says_what_to_do(
    open_memory: Callable[..., Memory], caplog: pytest.LogCaptureFixture
) -> None:
    first = open_memory()
    row = await first.remember("the zebra crossing", agent="sam")
    await first.close()
    caplog.set_level(logging.WARNING)
    second = open_memory(embedder=HashingEmbedder(64))
    for _ in range(2):
        assert [hit.row.id for hit in await second.recall("zebra")] == [row]
    assert caplog.text.count("neveridle memory reindex") == 1
    assert await second.recall("zebra", mode="dense") == []
    whole: Any = second
    await whole._feeder.rebuild()
    assert [hit.row.id for hit in await second.recall("zebra", mode="dense")] == [row]


async def test_a_hundred_at_once_while_others_write(memory: Memory, store: Memories) -> None:
    rows = await _filled(memory, 20)

    async def write(number: int) -> int:
        row = await memory.remember(f"written meanwhile w{number}", agent="leo")
        if number % 5 == 0:
            await store.forget([rows[number // 5]["id"]])
        return row

    async def ask(number: int) -> None:
        hits = await memory.recall(f"login w{number}", k=5)
        assert all(hit.row.state == "live" for hit in hits)
        assert hits

    wrote = await asyncio.gather(
        *(write(n) for n in range(50)), memory.index_pending(), *(ask(n) for n in range(100))
    )
    for number in range(0, 50, 7):
        hits = await memory.recall(f"written w{number}", k=10, mode="dense")
        assert wrote[number] in {hit.row.id for hit in hits}


async def test_a_fresh_library_takes_the_place_of_one_with_many_gone(
    memory: Memory, store: Memories, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "_SPARSE", 5)
    ids = [await memory.remember(f"note {n}", agent="sam") for n in range(30)]
    assert len(await memory.recall("note", k=50, mode="dense")) == 30
    whole: Any = memory
    before = whole._library._shelf
    await store.forget(ids[:25])
    assert len(await memory.recall("note", k=50, mode="dense")) == 5
    await memory.remember("one more note", agent="sam")
    assert len(await memory.recall("note", k=50, mode="dense")) == 6
    assert whole._library._shelf is not before, "slots of what is gone are let go of"
    assert whole._library.facts["rows"] == 6


TEAM = """
    import asyncio, sys
    from pathlib import Path
    from neveridle.board import Board
    from neveridle.memory import HashingEmbedder, Memory

    async def main(url, home):
        async with Board(url) as board:
            memory = Memory(board.memories, home=Path(home), embedder=HashingEmbedder())
            await memory.remember("what the team learnt", agent="sam", visibility="team")
            print(await memory.index_pending(), flush=True)
            loop = asyncio.get_running_loop()
            while line := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
                if line == "index":
                    print(await memory.index_pending(), flush=True)
                else:
                    print(await memory.remember(line, agent="sam"), flush=True)
            await memory.close()

    asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_notebook_beside_a_running_team_and_after_it(
    open_memory: Callable[..., Memory], board: Board, store: Memories, home: Path
) -> None:
    script = [sys.executable, "-P", "-c", textwrap.dedent(TEAM), board.url, str(home)]
    team = subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: ASYNC220 - it is waited for where it answers
    assert team.stdin is not None
    assert team.stdout is not None

    async def tell(line: str) -> str:
        assert team.stdin is not None
        assert team.stdout is not None
        print(line, file=team.stdin, flush=True)
        return await asyncio.to_thread(team.stdout.readline)

    assert await asyncio.to_thread(team.stdout.readline) == "1\n", "the team owns the index"
    notebook = open_memory()
    assert await notebook.index_pending() == 0
    mine = await notebook.remember("from the notebook", agent="person")
    assert {h.row.id for h in await notebook.recall("team notebook", k=5)} == {1, mine}
    theirs = int(await tell("learnt while the notebook is open"))
    assert theirs in {hit.row.id for hit in await notebook.recall("learnt open", k=5)}
    assert await notebook.index_pending() == 0
    assert await tell("index") == "2\n", "the notebook's memory is indexed by the team"
    if sys.platform == "win32":
        team.terminate()
    else:
        team.kill()
    team.wait()
    team.stdin.close()
    team.stdout.close()
    late = await notebook.remember("after the team was killed", agent="person")
    assert await notebook.index_pending() == 1, "somebody else owns it now"
    whole: Any = notebook
    feeder = whole._feeder
    (vector,) = await HashingEmbedder().embed(["killed team"])
    found = await feeder.nearest(np.array(vector, np.float32), 10)
    assert found is not None
    assert {int(row) for row in found[0]} == {1, mine, theirs, late}
    assert await feeder_of(store, home=home, embedder=HashingEmbedder()).feed() == 0
