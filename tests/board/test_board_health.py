"""What the checks of the board find, without changing it."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board, Source
from neveridle.board.health import CHECKS
from neveridle.board.revision import HEAD
from neveridle.health import Finding, Grade, examine
from neveridle.settings import Settings, TeamSettings

Sql = Callable[..., Awaitable[list[tuple[Any, ...]]]]


async def look(url: str) -> dict[str, Finding]:
    """What is found, by what it is about."""
    settings = Settings(team=TeamSettings(board=url))
    return {one.about: one for one in await examine(CHECKS, settings)}


def grades(found: dict[str, Finding]) -> dict[str, str]:
    """Only what is not in order."""
    return {about: str(one.grade) for about, one in found.items() if one.grade is not Grade.OK}


async def test_a_board_in_order(board_url: str, add: Callable[..., Awaitable[Any]]) -> None:
    async with Board(board_url) as board:
        await board.clock.script(None)
        run = await board.runs.start("sam", role="r", skills=[])
        await add("one")
        found = await look(board_url)
        assert grades(found) == {}
        assert found["board"].facts["revision"] == HEAD
        assert "answers in" in found["board"].message
        assert found["team"].facts == {"alive": ["sam"], "silent": [], "overdue": []}
        assert abs(found["clock"].facts["skew_seconds"]) < 5
        tables = found["board's size"].facts["tables"]
        assert tables["tasks"]["bytes"] > 0
        if board_url.startswith("sqlite"):
            assert tables["tasks"]["rows"] == 1
        await board.runs.end([run])
    assert "Nobody is at work" in (await look(board_url))["team"].message


async def test_what_waits_for_a_person_is_told(
    board: Board, board_url: str, add: Callable[..., Awaitable[Any]],
    take: Callable[..., Awaitable[Any]],
) -> None:  # fmt: skip
    await board.clock.script(time.time())
    base = await add("base")
    await add("top", after=(base.id,))
    await board.tasks.cancel(base.id)
    for _ in range(7):
        await add("blocked", priority=3)
        await board.attempts.block((await take()).attempt, owner="human", action="decide")
    await add("held", source=Source.DISPATCH)
    await take(source=Source.DISPATCH, lease=10)
    await board.clock.advance(11)
    found = await examine(CHECKS, Settings(team=TeamSettings(board=board_url)))
    said = " ".join(f"{one.message} {one.remedy}" for one in found)
    for words in (
        "Each of tasks #3, #4, #5, #6, #7 and 2 more waits for a person",
        "Task #2 waits for something that was cancelled",
        "Task #10 is held by a run that is gone",
        "time is scripted",
        "takes it up where it stood",
    ):
        assert words in said
    assert not [one for one in found if one.grade is Grade.PROBLEM]
    await board.runs.start("leo", role="r", skills=[])
    assert "was not taken back yet" in (await look(board_url))["team"].message


async def test_an_outage_is_a_problem(board: Board, board_url: str, sql: Sql) -> None:
    await sql("INSERT INTO outages (began_at, silent, agents, held_until) VALUES (1, '[]', 5, 2)")
    assert (await look(board_url))["outage"].grade is Grade.PROBLEM
    assert board.url == board_url


@pytest.mark.parametrize(
    ("revision", "grade", "words"),
    [("0001", "warning", "brings it up to date"), ("9999", "problem", "upgrade this one")],
)
async def test_another_revision_is_told_and_left_alone(
    board: Board, board_url: str, sql: Sql, revision: str, grade: str, words: str
) -> None:
    await sql("UPDATE alembic_version SET version_num = :r", r=revision)
    found = (await look(board_url))["board"]
    assert (str(found.grade), found.facts["revision"]) == (grade, revision)
    assert words in found.remedy
    assert await sql("SELECT version_num FROM alembic_version") == [(revision,)]
    await sql("UPDATE alembic_version SET version_num = '0003'")
    assert board.url == board_url


def files(path: Path) -> dict[str, str]:
    return {one.name: hashlib.sha256(one.read_bytes()).hexdigest() for one in path.parent.iterdir()}


async def test_looking_makes_and_changes_no_file(sqlite_url: str) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    before = files(path)
    assert grades(await look(sqlite_url)) == {}
    assert files(path) == before
    async with Board(sqlite_url) as board:
        await board.messages.post("dev", "sam", "only in the log so far")
        before = files(path)
        found = await look(sqlite_url)
        assert found["board's size"].facts["tables"]["messages"]["rows"] == 1
        after = files(path)
        assert {k: v for k, v in after.items() if not k.endswith("-shm")} == {
            k: v for k, v in before.items() if not k.endswith("-shm")
        }


async def test_no_board_is_no_problem_and_none_is_made(tmp_path: Path) -> None:
    found = await look(f"sqlite:///{tmp_path / 'home' / 'board.db'}")
    assert grades(found) == {}
    assert "`neveridle run` makes one" in found["board"].message
    assert not os.listdir(tmp_path)  # noqa: PTH208 - whether there is anything at all


async def test_what_is_no_board_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "b.db"
    path.write_text("nothing of the kind " * 100, encoding="utf-8")
    found = (await look(f"sqlite:///{path}"))["board"]
    assert found.grade is Grade.PROBLEM
    assert "not a board, or is damaged" in found.message
    assert (await look("mysql://me:secret@host/x"))["board"].grade is Grade.PROBLEM


async def test_a_database_that_is_not_there_is_a_problem(
    empty_databases: Callable[[], str],
) -> None:
    url = empty_databases()
    found = (await look(url))["board"]
    assert (found.grade, "not a board yet" in found.message) == (Grade.WARNING, True)
    found = (await look(url.replace("?", "_x?")))["board"]
    assert found.grade is Grade.PROBLEM
    assert "createdb" in found.remedy


def of(found: Sequence[Finding], about: str) -> Finding:
    return next(one for one in found if one.about == about)


async def test_gaps_in_an_old_file_are_told(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("neveridle.board.sizes.GAPS", -1)
    monkeypatch.setattr("neveridle.board.sizes.LONG_LOG", 10)
    assert grades(await look(sqlite_url)) == {}
    async with Board(sqlite_url) as board:
        await board.messages.post("dev", "sam", "hello")
        found = (await look(sqlite_url))["board's size"]
        assert (found.grade, "reads for very long" in found.remedy) == (Grade.WARNING, True)
