"""Checkpoints on PostgreSQL: beside the board, through lost connections, never in halves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import cast

import psycopg
import pytest
from langgraph.checkpoint.base import Checkpoint, CheckpointMetadata, empty_checkpoint

from neveridle.agents.checkpoints import Checkpoints, thread_config
from neveridle.agents.newest_postgres_saver import schema_beside
from neveridle.board import Board
from neveridle.errors import BoardUnusable

Until = Callable[[Callable[[], object]], Awaitable[None]]

WAITING = """
SELECT l.pid FROM pg_locks l JOIN pg_database d ON d.oid = l.database
WHERE NOT granted AND datname = current_database()
"""


def holding(value: str, *, version: str) -> Checkpoint:
    values = {"channel_values": {"seen": [value]}, "channel_versions": {"seen": version}}
    return cast("Checkpoint", {**empty_checkpoint(), **values})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoints.db"  # never made


@pytest.fixture
async def there(postgres_url: str, path: Path) -> AsyncGenerator[Checkpoints]:
    """Checkpoints on PostgreSQL that hold a thread, 1:1."""
    opened = Checkpoints(path, postgres_url)
    await (await opened.saver()).aput(thread_config("1:1"), empty_checkpoint(), {}, {})
    yield opened
    await opened.close()


def cut(url: str) -> int:
    """End every connection that waits for something to do, or for a lock; how many."""
    with psycopg.connect(url, autocommit=True) as other:
        ended = other.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    return int(ended[0]) if ended else 0


async def test_a_lost_connection_is_made_again(there: Checkpoints, postgres_url: str) -> None:
    assert cut(postgres_url) == 1
    assert await there.threads() == ["1:1"]
    assert cut(postgres_url) == 1
    await (await there.saver()).aput(thread_config("2:1"), empty_checkpoint(), {}, {})
    assert await there.threads() == ["1:1", "2:1"]


async def test_a_call_that_is_cut_is_done_again(
    there: Checkpoints, postgres_url: str, until: Until
) -> None:
    with (
        psycopg.connect(postgres_url) as holder,
        psycopg.connect(postgres_url, autocommit=True) as other,
    ):
        holder.execute("LOCK TABLE neveridle_checkpoints.checkpoints")
        putting = asyncio.create_task(
            (await there.saver()).aput(thread_config("2:1"), empty_checkpoint(), {}, {})
        )
        ending = WAITING.replace("l.pid", "pg_terminate_backend(l.pid)")
        await until(lambda: other.execute(ending.encode()).fetchall())
        holder.rollback()
        await putting
    assert await there.threads() == ["1:1", "2:1"]


async def test_a_call_whose_caller_is_cancelled_is_done_whole(
    there: Checkpoints, postgres_url: str, until: Until
) -> None:
    with (
        psycopg.connect(postgres_url) as holder,
        psycopg.connect(postgres_url, autocommit=True) as other,
    ):
        holder.execute("LOCK TABLE neveridle_checkpoints.checkpoints")
        putting = asyncio.create_task(
            (await there.saver()).aput(thread_config("2:1"), empty_checkpoint(), {}, {})
        )
        await until(lambda: other.execute(WAITING.encode()).fetchall())
        putting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await putting
        holder.rollback()
    assert await there.threads() == ["1:1", "2:1"]


async def test_a_checkpoint_and_what_it_replaces_change_together(
    there: Checkpoints, postgres_url: str
) -> None:
    """As one transaction: whoever looks sees one checkpoint, with all of its values."""
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute(
            "ALTER TABLE neveridle_checkpoints.checkpoints"
            " ADD CONSTRAINT odd CHECK (NOT metadata ? 'no')"
        )
        saver = await there.saver()
        two = holding("c", version="2")
        before = await saver.aget_tuple(thread_config("1:1"))
        refused = cast("CheckpointMetadata", {"no": 1})
        with pytest.raises(psycopg.errors.CheckViolation):
            await saver.aput(thread_config("1:1"), two, refused, {"seen": "2"})
        assert other.execute(
            "SELECT count(*) FROM neveridle_checkpoints.checkpoint_blobs"
        ).fetchone() == (0,)
    assert await saver.aget_tuple(thread_config("1:1")) == before


async def test_the_board_and_its_checkpoints_share_a_database_in_any_order(
    empty_databases: Callable[[], str], path: Path
) -> None:
    url = empty_databases()
    first = Checkpoints(path, url)
    assert await first.threads() == []
    async with Board(url) as board:
        assert await board.attempts.active() == []
    await first.close()


async def test_two_boards_in_one_database_have_checkpoints_of_their_own(
    postgres_url: str, path: Path
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as other:
        other.execute("CREATE SCHEMA second")
    one, two = (
        Checkpoints(path, f"{postgres_url}{mark}options=-csearch_path%3D{name}")
        for mark, name in ((("&" if "?" in postgres_url else "?"), n) for n in ("public", "second"))
    )
    await (await one.saver()).aput(thread_config("1:1"), empty_checkpoint(), {}, {})
    assert (await one.threads(), await two.threads()) == (["1:1"], [])
    await one.close()
    await two.close()


async def test_a_database_that_cannot_be_reached_is_an_error_without_the_password(
    path: Path,
) -> None:
    checkpoints = Checkpoints(path, "postgresql://sam:s3cret@127.0.0.1:1/board?password=s3cret")
    with pytest.raises(BoardUnusable) as caught:
        await checkpoints.threads()
    assert "s3cret" not in str(caught.value)
    await checkpoints.close()


def test_schemas_of_different_boards_have_different_names() -> None:
    names = [schema_beside(name) for name in ("public", "b", "a" * 50, "a" * 50 + "b")]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 63 for name in names)
