"""Killed at any moment, while remembering and while indexing: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import random
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.memory import HashingEmbedder, Memory
from neveridle.memory.indexing import feeder_of
from neveridle.settings import MemorySettings

WORKS = """
    import asyncio, random, sys
    from pathlib import Path
    from neveridle.board import Board
    from neveridle.memory import HashingEmbedder, Memory
    from neveridle.settings import MemorySettings

    async def main(url, home, server, name):
        settings = MemorySettings(server=server)
        async with Board(url) as board:
            memory = Memory(board.memories, home=Path(home), embedder=HashingEmbedder(64),
                            settings=settings)

            async def remember():
                for number in range(100_000):
                    row = await memory.remember(f"{name} number{number}", agent="sam")
                    print(row, flush=True)

            async def index():
                while True:
                    await memory.index_pending()
                    await asyncio.sleep(0.01)

            await asyncio.gather(remember(), index())

    asyncio.run(main(*sys.argv[1:]))
"""


def _worker(*arguments: str) -> subprocess.Popen[bytes]:
    script = [sys.executable, "-P", "-c", textwrap.dedent(WORKS), *arguments]
    return subprocess.Popen(script, stdout=subprocess.PIPE)


def _acknowledged(worker: subprocess.Popen[bytes], count: int) -> list[int]:
    """What it said was stored until it was killed, after so many."""
    assert worker.stdout is not None
    said = [worker.stdout.readline() for _ in range(count)]
    worker.kill()
    said += worker.stdout.readlines()
    worker.stdout.close()
    worker.wait()
    return [int(line) for line in said if line.endswith(b"\n")]


@pytest.fixture(params=["sqlite embedded", "postgres embedded", "postgres served"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """The URL of an empty board, and that of a Chroma server or nothing."""
    database, where = request.param.split()
    server = "" if where == "embedded" else str(request.getfixturevalue("chroma_server").url)
    if database == "postgres":
        return str(request.getfixturevalue("postgres_url")), server
    board = tmp_path.with_name(f"{tmp_path.name} board.db")
    shutil.copy(request.getfixturevalue("board_template"), board)
    return f"sqlite:///{board}", server


@pytest.mark.skipif(sys.platform == "win32", reason="its kill is no SIGKILL")
async def test_killed_at_any_moment(place: tuple[str, str], home: Path, chaos_scale: float) -> None:
    url, server = place
    async with Board(url) as board:
        await board.clock.script(1_000_000.0)  # so that no lease is over while workers are slow
    rows: list[int] = []
    for life in range(max(2, int(20 * chaos_scale))):
        # Two at once: where one owns the index, the other's memories go by the board.
        names = [f"life{life} {who}" for who in ("one", "two")]
        workers = [_worker(url, str(home), server, name) for name in names]
        for worker in workers:
            count = random.randrange(1, 60)
            rows += await asyncio.to_thread(_acknowledged, worker, count)

    async with Board(url) as board:
        await board.clock.script(1_000_100.0)  # the leases of the dead are over
        memory = Memory(
            board.memories, home=home, embedder=HashingEmbedder(64),
            settings=MemorySettings(server=server),
        )  # fmt: skip
        try:
            stored = {row.id: row for row in await board.memories.get(rows)}
            assert sorted(stored) == sorted(rows), "what was acknowledged is there"
            found = await memory.recall("life", k=1000, mode="dense")
            assert set(rows) <= {hit.row.id for hit in found}
            while await memory.index_pending():
                pass
        finally:
            await memory.close()
        await _whole(board, home, server, rows)


async def _whole(board: Board, home: Path, server: str, rows: list[int]) -> None:
    """The index holds every live row with its own vector, and nothing else."""
    feeder: Any = feeder_of(board.memories, home=home, embedder=HashingEmbedder(64), server=server)
    try:
        await feeder.feed()
        marker = feeder.marker
        assert marker.revision == await board.memories.revision()
        index = await feeder._made()
        counted = await board.memories.count()
        assert await feeder._lane.run(index.count) == counted["live"]
        held = await feeder._lane.run(lambda: index.held(rows))
        assert set(held) == set(rows)
    finally:
        await feeder.close()
