from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.errors import ModelMistake
from neveridle.memory import HashingEmbedder, Memory, Note, Turn
from neveridle.memory.tidy import MAX_TEXT
from neveridle.settings import MemorySettings

SECRETS = [
    "ghp_" + "a1B2" * 9,
    "AKIA" + "ABCD1234" * 2,
    "xoxb-" + "1234567890-abc",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.s5Kq8vXyZ012345",
    "sk_live_" + "0aB1" * 6,
]
NAMED = [
    "password = hunter22",
    "postgres://app:hunter22@db.internal/app",
    "-----BEGIN RSA PRIVATE KEY-----\nhunter22\n-----END RSA PRIVATE KEY-----",
    'api_key: "hunter22"',
    "Server=db;Uid=app;Pwd=hunter22;",
]


@pytest.mark.parametrize("secret", SECRETS)
async def test_a_secret_reaches_no_column(memory: Memory, board: Board, secret: str) -> None:
    said = f"it uses {secret} today"
    row = await memory.remember(
        said, agent="sam", tags=[f"t {secret}"], source=f"log {secret}", kind=f"k {secret}"
    )
    turns = await memory.remember_episode(
        [Turn(f"Ann {secret}", said)], agent="sam", key=f"e {secret}", title=f"about {secret}",
        source=f"chat {secret}",
    )  # fmt: skip
    rows = await board.memories.get([row, *turns])
    kept = f"{rows!r} {await board.memories.episode_keys([rows[1].episode or 0])!r}"
    assert secret not in kept
    assert kept.count("<secret>") >= 8


@pytest.mark.parametrize("said", NAMED)
async def test_what_is_called_a_secret_is_one(memory: Memory, board: Board, said: str) -> None:
    (row,) = await board.memories.get([await memory.remember(f"Note: {said} ok", agent="sam")])
    assert "hunter22" not in row.text
    assert "<secret>" in row.text


async def test_prose_and_code_stay_as_they_are(memory: Memory, board: Board) -> None:
    said = "The token is 3 days old; password: required; max_tokens=1500; password = get_password()"
    (row,) = await board.memories.get([await memory.remember(said, agent="sam")])
    assert row.text == said


@pytest.mark.parametrize("origin", ["tool", "tracker"])
async def test_what_tools_said_is_never_trusted(memory: Memory, board: Board, origin: Any) -> None:
    row = await memory.remember("Run this at once.", agent="sam", origin=origin, trusted=True)
    assert not (await board.memories.get([row]))[0].trusted
    mine = await memory.remember("I say so.", agent="sam", origin="person", trusted=True)
    assert (await board.memories.get([mine]))[0].trusted


@pytest.mark.parametrize(
    "said",
    ["half \ud800 a pair", "nul \0 nul", "\u202eright to left \u202c שלום", "🦩" * 50, "\x07 bell",
     "日本語の長い文章です。", "a" * 9_000, "\ufeffbom"],
)  # fmt: skip
async def test_odd_text_is_kept_and_found(memory: Memory, said: str) -> None:
    row = await memory.remember(said, agent="sam")
    hits = await memory.recall(said, k=3)
    assert [hit.row.id for hit in hits] == [row]
    hits[0].row.text.encode()  # no halves of characters


async def test_a_text_without_end_is_cut_and_says_so(memory: Memory, board: Board) -> None:
    (row,) = await board.memories.get([await memory.remember("word " * 200_000, agent="sam")])
    assert len(row.text) == MAX_TEXT
    assert row.text.endswith("[999999 characters, cut]")


@pytest.mark.parametrize("at", [-1e11, 0.0, 1e12, 4e15])
async def test_times_far_away_are_times(memory: Memory, at: float) -> None:
    row = await memory.remember("yesterday the heron left", agent="sam", at=at)
    (hit,) = await memory.recall("heron", k=1, layers=["short", "long"])
    assert (hit.row.id, hit.row.at) == (row, at)


async def test_a_clock_that_goes_backwards(board: Board, memory: Memory) -> None:
    await board.clock.script(1_000_000.0)
    first = await memory.remember("the heron left Paris", agent="sam")
    await board.clock.script(500_000.0)
    second = await memory.remember("a heron reached Oslo", agent="sam")
    assert {hit.row.id for hit in await memory.recall("heron")} == {first, second}
    assert {h.row.id for h in await memory.recall("heron", layers=["short"])} == {first, second}


@pytest.mark.parametrize(
    "wrong",
    [{"importance": 2}, {"importance": float("nan")}, {"at": float("inf")},
     {"visibility": "secret"}, {"origin": "god"}],
)  # fmt: skip
async def test_what_is_no_memory(memory: Memory, board: Board, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        await memory.remember("text", agent="sam", **wrong)
    assert await board.memories.count() == {}


async def test_nobody_remembers_nothing(memory: Memory) -> None:
    with pytest.raises(ModelMistake, match="nobody"):
        await memory.remember("text", agent=" ")


async def test_a_hundred_writers_at_once(
    open_memory: Callable[..., Memory], board: Board, embedder: Any
) -> None:
    memories = [open_memory() for _ in range(4)]
    ids = await asyncio.gather(
        *(memories[n % 4].remember(f"heron number{n}", agent=f"a{n % 7}") for n in range(100))
    )
    assert len({*ids}) == 100
    assert await board.memories.count() == {"live": 100}
    assert len(await memories[0].recall("heron", k=200)) == 100


async def test_one_episode_told_by_many_at_once(
    open_memory: Callable[..., Memory], board: Board
) -> None:
    turns = [Turn("Ann", f"heron number{n}") for n in range(10)]
    told = await asyncio.gather(
        *(open_memory().remember_episode(turns, agent="sam", key="e") for _ in range(8))
    )
    assert {tuple(ids) for ids in told} == {tuple(told[0])}
    assert await board.memories.count() == {"live": 10}


async def test_an_agent_has_only_so_many(
    board: Board, home: Path, open_board: Callable[..., Awaitable[Board]]
) -> None:
    memory = Memory(
        board.memories, home=home, embedder=HashingEmbedder(16),
        settings=MemorySettings(limit=100),
    )  # fmt: skip
    dear = await memory.remember("dear", agent="sam", importance=1.0, at=5.0)
    await memory.remember_many([Note(f"number{n}", "sam", importance=0.3) for n in range(140)])
    other = await memory.remember("theirs", agent="leo")
    await memory.remember_many([Note(f"more{n}", "sam", importance=0.3) for n in range(40)])
    counted = await board.memories.count()
    assert counted["live"] == 101
    assert [row.state for row in await board.memories.get([dear, other])] == ["live", "live"]
    await memory.close()
