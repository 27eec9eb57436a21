"""An embedded index whose folder is not as it was left."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neveridle.board import Board
from neveridle.board.memories import Memories
from neveridle.errors import DiskFull, MemoryUnusable
from neveridle.memory import HashingEmbedder, Memory
from neveridle.memory.index.embedded import EmbeddedChroma, marker_of
from neveridle.memory.index.feeder import Feeder
from neveridle.memory.indexing import feeder_of

TEXTS = ["the login test is flaky", "buttons need a focus ring", "run the migrations first"]


async def _indexed(memory: Memory) -> list[int]:
    ids = [await memory.remember(text, agent="sam") for text in TEXTS]
    assert await memory.index_pending() == len(TEXTS)
    await memory.close()
    return ids


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


def _chroma_gone(home: Path) -> None:
    shutil.rmtree(_database(home).parent)


def _odd_marker(home: Path) -> None:
    (home / "memory" / "index.json").write_text("[]")


def _marker_of_a_later_version(home: Path) -> None:
    path = home / "memory" / "index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))


@pytest.mark.parametrize(
    "damage",
    [
        _garbage, _emptied, _truncated, _gone, _chroma_gone, _odd_marker,
        _marker_of_a_later_version,
    ],
)  # fmt: skip
async def test_it_is_built_anew(
    open_memory: Callable[..., Memory],
    make_embedded: Callable[[], Feeder],
    home: Path,
    damage: Callable[[Path], None],
) -> None:
    ids = await _indexed(open_memory())
    damage(home)
    memory = open_memory()
    assert {h.row.id for h in await memory.recall("login", k=9, mode="dense")} == set(ids)
    assert await memory.index_pending() == 3
    await memory.close()
    feeder = make_embedded()
    (vector,) = await HashingEmbedder().embed(["flaky login"])
    found = await feeder.nearest(np.array(vector, np.float32), 9)
    assert found is not None
    assert found[0].tolist()[0] == ids[0]
    assert _database(home).is_file(), "exactly one index is left"


@pytest.fixture
def make_embedded(store: Memories, home: Path) -> Callable[[], Feeder]:
    return lambda: feeder_of(store, home=home, embedder=HashingEmbedder())


async def test_a_foreign_folder_is_left_alone(memory: Memory, home: Path) -> None:
    (home / "memory").mkdir()
    (home / "memory" / "diary.txt").write_text("mine")
    row = await memory.remember("the login test", agent="sam")
    for ask in (memory.index_pending, memory.reindex):
        with pytest.raises(MemoryUnusable, match=r"no index of neveridle's\. Move them"):
            await ask()
    assert [path.name for path in (home / "memory").iterdir() if path.suffix] == ["diary.txt"]
    assert [hit.row.id for hit in await memory.recall("login")] == [row], "the board has it"
    assert (home / "memory" / "diary.txt").read_text() == "mine"


async def test_a_chroma_of_somebody_else_is_left_alone(memory: Memory, home: Path) -> None:
    (home / "memory").mkdir()
    (home / "memory" / "chroma.sqlite3").write_bytes(b"SQLite format 3\0")
    await memory.remember("the login test", agent="sam")
    with pytest.raises(MemoryUnusable, match="no index of neveridle's"):
        await memory.index_pending()
    assert [path.name for path in (home / "memory").iterdir()] == ["chroma.sqlite3"]


async def test_a_file_in_the_way(memory: Memory, home: Path) -> None:
    (home / "memory").write_text("a file")
    await memory.remember("the login test", agent="sam")
    with pytest.raises(MemoryUnusable, match="cannot be read"):
        await memory.index_pending()
    assert len(await memory.recall("login")) == 1


@pytest.mark.parametrize("said", ["database or disk is full", "No space left on device"])
def test_a_full_disk_is_told_as_one(home: Path, said: str) -> None:
    index = EmbeddedChroma(home, model="m", board="b")
    with pytest.raises(DiskFull, match="no space is left"), index._guard():  # pyright: ignore[reportPrivateUsage] - the one place that translates
        raise RuntimeError(said)


def test_a_folder_that_cannot_be_written_is_told_as_one(home: Path) -> None:
    index = EmbeddedChroma(home, model="m", board="b")
    said = "attempt to write a readonly database"
    with pytest.raises(MemoryUnusable, match="cannot be written"), index._guard():  # pyright: ignore[reportPrivateUsage] - the one place that translates
        raise RuntimeError(said)


def test_its_marker_can_be_read_without_opening_it(home: Path) -> None:
    assert marker_of(home / "memory") is None
    index = EmbeddedChroma(home / "memory", model="m", board="b")
    opened = index.open()
    index.close()
    said = marker_of(home / "memory")
    assert said is not None
    assert (said["model"], said["folder"], said["revision"]) == ("m", opened.place, 0)


KILLED = """
    import asyncio, os, signal, sys
    from pathlib import Path
    from neveridle.board import Board
    from neveridle.memory import HashingEmbedder, Memory
    from neveridle.memory.index.embedded import EmbeddedChroma

    def die(*_):
        os.kill(os.getpid(), signal.SIGKILL)

    async def main():
        async with Board(sys.argv[1]) as board:
            memory = Memory(board.memories, home=Path(sys.argv[2]), embedder=HashingEmbedder())
            await memory.remember("Restart the worker after a change of the schema.", agent="sam")
            open_first = EmbeddedChroma.open

            def opened(self):
                marker = open_first(self)
                EmbeddedChroma._write = die
                return marker

            EmbeddedChroma.open = opened
            await memory.index_pending()

    asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_killed_between_the_vectors_and_the_marker(place_of_board: str, home: Path) -> None:
    script = [sys.executable, "-P", "-c", textwrap.dedent(KILLED), place_of_board, str(home)]
    died = subprocess.run(script, check=False)
    assert died.returncode == -signal.SIGKILL
    said = marker_of(home / "memory")
    assert said is not None
    assert said["revision"] == 0

    async def after() -> int:
        async with Board(place_of_board) as board:
            feeder = feeder_of(board.memories, home=home, embedder=HashingEmbedder())
            try:
                await feeder.feed()
                (vector,) = await HashingEmbedder().embed(["schema"])
                found = await feeder.nearest(np.array(vector, np.float32), 9)
                assert found is not None
                return len(found[0])
            finally:
                await feeder.close()

    assert asyncio.run(after()) == 1


@pytest.fixture
def place_of_board(tmp_path: Path, board_template: Path) -> str:
    path = tmp_path.with_name(f"{tmp_path.name} board.db")
    shutil.copy(board_template, path)
    return f"sqlite:///{path}"
