from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.errors import MemoryUnusable, ModelMistake
from neveridle.memory import HashingEmbedder, Memory, index
from neveridle.memory.tidy import MAX_TEXT

LESSONS = [
    ("sam", "The Linear API answers 429 when the hourly limit is spent; wait for its reset."),
    ("leo", "Buttons in the settings page need a focus ring for keyboard users."),
    ("sam", "Run the migrations before the database tests, or every one of them fails."),
    ("quinn", "The login test is flaky because it compares times in two zones."),
]


def _names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


async def _teach(memory: Memory) -> None:
    for agent, text in LESSONS:
        await memory.remember(text, agent=agent)


async def test_recalls_the_closest_first(memory: Memory) -> None:
    await _teach(memory)
    hits = await memory.recall("limit of the Linear API", k=2)
    assert hits[0].row.text == LESSONS[0][1]
    assert len(hits) == 2
    assert hits[0].score > hits[1].score
    assert f"{hits[0].score:.2f}" in hits[0].why


async def test_recall_for_one_agent_finds_only_theirs(memory: Memory) -> None:
    await _teach(memory)
    hits = await memory.recall("a flaky login test", k=10, agent="sam")
    assert {hit.row.agent for hit in hits} == {"sam"}
    assert len(hits) == 2
    assert await memory.recall("a flaky login test", agent="max") == []


async def test_a_memory_is_found_at_once(memory: Memory) -> None:
    await _teach(memory)
    await memory.recall("anything")
    row = await memory.remember("Deploys to vercel need the project id.", agent="max")
    assert (await memory.recall("vercel deploy", k=1))[0].row.id == row


async def test_keeps_what_it_was_given(memory: Memory) -> None:
    row = await memory.remember(
        "Naïve café 日本", agent="sam", kind="note", tags=["a", "a", " b "], source="task:7",
        importance=0.9, at=12.5, trusted=True,
    )  # fmt: skip
    (hit,) = await memory.recall("café")
    assert hit.row.id == row
    assert (hit.row.kind, hit.row.tags, hit.row.source) == ("note", ("a", "b"), "task:7")
    assert (hit.row.importance, hit.row.at, hit.row.trusted) == (0.9, 12.5, True)


async def test_secrets_never_reach_the_board(memory: Memory, store: Any) -> None:
    secret = "ghp_" + "a1B2" * 9
    await memory.remember(
        f"The token {secret} works.", agent="sam", tags=[secret], source=f"log {secret}"
    )
    assert secret not in repr(await store.newest(1))


async def test_text_that_a_database_refuses(memory: Memory, store: Any) -> None:
    await memory.remember("half a pair \ud800 and \0 nothing", agent="sam")
    assert [row.text for row in await store.newest(1)] == ["half a pair ? and  nothing"]
    assert len(await memory.recall("half a \ud800 pair \0")) == 1


async def test_a_very_long_text_is_cut_and_says_so(memory: Memory, store: Any) -> None:
    await memory.remember("word " * 20_000, agent="sam")
    (row,) = await store.newest(1)
    assert len(row.text) == MAX_TEXT
    assert row.text.endswith("[99999 characters, cut]")


@pytest.mark.parametrize("text", ["", "  \n", "\0"])
async def test_nothing_is_not_remembered(memory: Memory, text: str) -> None:
    with pytest.raises(ModelMistake):
        await memory.remember(text, agent="sam")


@pytest.mark.parametrize("importance", [-0.1, 1.1, float("nan")])
async def test_importance_is_between_0_and_1(memory: Memory, importance: float) -> None:
    with pytest.raises(ValueError, match="importance"):
        await memory.remember("text", agent="sam", importance=importance)


async def test_an_empty_memory_costs_nothing(memory: Memory, embedder: Any, tmp_path: Path) -> None:
    assert await memory.recall("anything") == []
    assert await memory.index_pending() == 0
    assert embedder.texts == []
    assert _names(tmp_path) == []


async def test_asking_for_nothing_gives_nothing(memory: Memory, embedder: Any) -> None:
    await _teach(memory)
    assert await memory.recall("   ") == []
    assert await memory.recall("login", k=0) == []
    assert embedder.texts == []


async def test_remembering_opens_nothing(memory: Memory, embedder: Any, tmp_path: Path) -> None:
    await _teach(memory)
    assert embedder.texts == []
    assert _names(tmp_path) == []


async def test_each_row_is_embedded_once(memory: Memory, embedder: Any) -> None:
    await _teach(memory)
    assert await memory.index_pending() == 4
    assert await memory.index_pending() == 0
    await memory.recall("login")
    assert sorted(embedder.texts) == sorted([*(text for _, text in LESSONS), "login"])


async def test_the_index_outlives_the_process(
    open_memory: Callable[..., Memory], embedder: Any
) -> None:
    first = open_memory()
    await _teach(first)
    await first.recall("login")
    await first.close()
    embedder.texts.clear()
    assert (await open_memory().recall("migrations", k=1))[0].row.text == LESSONS[2][1]
    assert embedder.texts == ["migrations"]


async def test_many_at_once(memory: Memory) -> None:
    ids = await asyncio.gather(*(memory.remember(f"note {i}", agent="sam") for i in range(150)))
    asked = range(0, 150, 30)
    found = await asyncio.gather(*(memory.recall(f"note {i}", k=5) for i in asked))
    for i, hits in zip(asked, found, strict=True):  # some numbers share a slot of their hash
        assert ids[i] in {hit.row.id for hit in hits}


async def test_none_is_missed_among_many_alike(memory: Memory) -> None:
    texts = [f"note {number}" for number in range(150)]
    for text in texts:
        await memory.remember(text, agent="sam")
    found = [{hit.row.text for hit in await memory.recall(text, k=10)} for text in texts]
    missed = [text for text, hits in zip(texts, found, strict=True) if text not in hits]
    assert missed == [], "Chroma's graph alone misses about a hundred of these"


async def test_more_rows_than_are_compared(memory: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "EXACT_ROWS", 2)
    await _teach(memory)
    assert (await memory.recall("a limit in Linear", k=1))[0].row.text == LESSONS[0][1]
    (hit,) = await memory.recall("flaky", k=4, agent="quinn")
    assert hit.row.text == LESSONS[3][1]


async def test_a_cancelled_recall_leaves_it_usable(memory: Memory) -> None:
    await _teach(memory)
    task = asyncio.create_task(memory.recall("login"))
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(await memory.recall("login", k=4)) == 4


async def test_closing_twice_and_after_nothing(memory: Memory) -> None:
    await memory.close()
    await memory.close()
    await memory.remember("still goes to the board", agent="sam")
    with pytest.raises(RuntimeError, match="closed"):
        await memory.recall("board")


KILLED = """
    import asyncio, os, signal, sys
    from pathlib import Path
    from neveridle.board import Board
    from neveridle.memory import HashingEmbedder, Memory, index

    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    async def main():
        async with Board(sys.argv[1]) as board:
            memory = Memory(board.memories, home=Path(sys.argv[2]), embedder=HashingEmbedder())
            await memory.remember("Restart the worker after a change of the schema.", agent="sam")
            index.ChromaIndex.write_marker = die
            await memory.recall("schema")

    asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
async def test_killed_between_index_and_marker(
    open_memory: Callable[..., Memory], board: Board, home: Path
) -> None:
    script = [sys.executable, "-P", "-c", textwrap.dedent(KILLED), board.url, str(home)]
    died = subprocess.run(script, check=False)  # noqa: ASYNC221 - nothing else runs meanwhile
    assert died.returncode == -signal.SIGKILL
    hits = await open_memory().recall("the schema changed", k=5)
    assert [hit.row.text for hit in hits] == ["Restart the worker after a change of the schema."]


async def test_a_second_owner_compares_row_by_row(
    open_memory: Callable[..., Memory], tmp_path: Path, embedder: Any
) -> None:
    owner, guest = open_memory(), open_memory()
    await _teach(owner)
    await owner.recall("login")
    await guest.remember("Colours live in tokens.css.", agent="leo")
    before = _names(tmp_path)
    query = "keyboard focus in the settings, and the flaky test"
    by_owner, by_guest = await owner.recall(query, k=2), await guest.recall(query, k=2)
    assert [hit.row for hit in by_guest] == [hit.row for hit in by_owner]
    assert [hit.score for hit in by_guest] == pytest.approx([h.score for h in by_owner], abs=1e-4)
    assert "row by row" in by_guest[0].why
    assert [hit.row.agent for hit in await guest.recall("focus", agent="leo")] == ["leo", "leo"]
    assert _names(tmp_path) == before
    embedder.texts.clear()
    await guest.recall("login")
    assert embedder.texts == ["login"], "rows were embedded again"
    assert await guest.index_pending() == 0


async def test_the_guest_takes_over_when_the_owner_leaves(
    open_memory: Callable[..., Memory],
) -> None:
    owner, guest = open_memory(), open_memory()
    await _teach(owner)
    await owner.recall("login")
    await owner.close()
    (hit,) = await guest.recall("login test", k=1)
    assert "row by row" not in hit.why
    assert hit.row.text == LESSONS[3][1]


async def _indexed(open_memory: Callable[..., Memory]) -> None:
    memory = open_memory()
    await _teach(memory)
    await memory.recall("login")
    await memory.close()


def _database(home: Path) -> Path:
    (path,) = (home / "memory").glob("chroma-*/chroma.sqlite3")
    return path


def _garbage(home: Path) -> None:
    _database(home).write_bytes(b"garbage" * 1000)


def _emptied(home: Path) -> None:
    _database(home).write_bytes(b"")


def _truncated(home: Path) -> None:
    os.truncate(_database(home), 20_000)


def _gone(home: Path) -> None:
    shutil.rmtree(home / "memory")


def _odd_marker(home: Path) -> None:
    (home / "memory" / "index.json").write_text("[]")


@pytest.mark.parametrize("damage", [_garbage, _emptied, _truncated, _gone, _odd_marker])
async def test_a_damaged_index_is_built_anew(
    open_memory: Callable[..., Memory], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    await _indexed(open_memory)
    damage(tmp_path)
    memory = open_memory()
    assert len(await memory.recall("login test", k=10)) == 4
    assert (await memory.recall("login test", k=1))[0].row.text == LESSONS[3][1]
    assert _database(tmp_path).is_file(), "exactly one index is left"


async def test_another_embedder_builds_anew(open_memory: Callable[..., Memory]) -> None:
    await _indexed(open_memory)
    memory = open_memory(embedder=HashingEmbedder(64))
    assert (await memory.recall("flaky login test", k=1))[0].row.text == LESSONS[3][1]


async def test_another_embedder_of_the_same_size_builds_anew(
    open_memory: Callable[..., Memory],
) -> None:
    class Mirrored(HashingEmbedder):
        @property
        def name(self) -> str:
            return "mirrored"

        async def embed(self, texts: Any) -> list[list[float]]:
            return [vector[::-1] for vector in await super().embed(texts)]

    await _indexed(open_memory)
    (hit,) = await open_memory(embedder=Mirrored()).recall("flaky login test", k=1)
    assert hit.row.text == LESSONS[3][1]
    assert hit.score > 0.3


async def test_building_anew_goes_on_where_it_was_cut(
    open_memory: Callable[..., Memory], embedder: Any, tmp_path: Path
) -> None:
    first = open_memory()
    for number in range(200):
        await first.remember(f"note number{number}", agent="sam")
    await first.recall("note")
    await first.close()
    shutil.rmtree(tmp_path / "memory")

    class Tired(HashingEmbedder):
        calls = 0

        async def embed(self, texts: Any) -> list[list[float]]:
            Tired.calls += 1
            if Tired.calls == 4:  # the query, two pages, and no more
                raise ConnectionError
            return await super().embed(texts)

    second = open_memory(embedder=Tired())
    with pytest.raises(ConnectionError):
        await second.recall("note")
    await second.close()
    embedder.texts.clear()
    third = open_memory()
    for text in ("note number7", "note number199"):
        assert text in {hit.row.text for hit in await third.recall(text, k=10)}
    assert len(embedder.texts) == 2 + 200 - 2 * 64


async def test_a_foreign_folder_is_left_alone(
    open_memory: Callable[..., Memory], tmp_path: Path
) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "diary.txt").write_text("mine")
    memory = open_memory()
    await _teach(memory)
    with pytest.raises(MemoryUnusable, match=r"no index of neveridle's\. Move them"):
        await memory.recall("login")
    assert (tmp_path / "memory" / "diary.txt").read_text() == "mine"


async def test_a_file_in_the_way(open_memory: Callable[..., Memory], tmp_path: Path) -> None:
    (tmp_path / "memory").write_text("a file")
    memory = open_memory()
    await _teach(memory)
    with pytest.raises(MemoryUnusable, match="cannot be read"):
        await memory.recall("login")


async def test_an_index_of_an_older_board(
    open_memory: Callable[..., Memory], open_board: Callable[..., Awaitable[Board]]
) -> None:
    await _indexed(open_memory)
    newer = await open_board("newer.db")
    memory = open_memory(store=newer.memories)
    await memory.remember("A new board starts to count at one.", agent="max")
    (hit,) = await memory.recall("login test", k=1)  # closer to what the older board held
    assert hit.row.agent == "max"


def test_a_process_ends_whatever_its_thread_does() -> None:
    code = """
        import asyncio, time
        from neveridle.memory.lane import Lane

        async def main():
            asyncio.create_task(Lane("slow").run(lambda: time.sleep(600)))
            await asyncio.sleep(0.1)

        asyncio.run(main())
    """
    subprocess.run([sys.executable, "-P", "-c", textwrap.dedent(code)], check=True, timeout=60)


def test_importing_it_loads_nothing_heavy() -> None:
    heavy = "{'chromadb', 'torch', 'numpy', 'transformers', 'sentence_transformers', 'sqlalchemy'}"
    code = f"import sys, neveridle.memory; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, check=True)
    assert done.stdout.strip() == b"[]"
