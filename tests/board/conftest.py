"""One conformance suite for every database, SQLite and PostgreSQL."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import inspect, text

from neveridle.board import Board, Claim, NewTask, Source, Task

START = 1_000_000.0
"""The scripted time at which each test begins."""


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty board's file: copying it is quicker than migrating each time."""
    import asyncio

    path = tmp_path_factory.mktemp("template") / "board.db"

    async def make() -> None:
        async with Board(f"sqlite:///{path}"):
            pass

    asyncio.run(make())
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, empty_sqlite: Path) -> str:
    """The URL of an empty board on SQLite."""
    path = tmp_path / "das Brett für alle" / "b 1%.db"
    path.parent.mkdir()
    shutil.copy(empty_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgres"])
def board_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty board."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def board(board_url: str) -> AsyncGenerator[Board]:
    """An open, empty board whose time is scripted and stands at ``START``."""
    async with Board(board_url) as opened:
        await opened.clock.script(START)
        yield opened


@pytest.fixture
def add(board: Board) -> Callable[..., Awaitable[Task]]:
    """Puts a backlog task on the board."""

    async def put(title: str = "work", **said: Any) -> Task:
        source: Source = said.pop("source", Source.BACKLOG)
        return await board.tasks.add(NewTask(source=source, title=title, **said))

    return put


@pytest.fixture
def seek(board: Board) -> Callable[..., Awaitable[Claim | None]]:
    """Claims a backlog task as sam; None: there is none."""

    async def claim(
        agent: str = "sam",
        *,
        run: str = "run-1",
        skills: Sequence[str] = (),
        source: Source = Source.BACKLOG,
        lease: float = 60.0,
    ) -> Claim | None:
        return await board.attempts.claim(
            agent=agent, run=run, skills=skills, source=source, lease=lease
        )

    return claim


@pytest.fixture
def take(seek: Callable[..., Awaitable[Claim | None]]) -> Callable[..., Awaitable[Claim]]:
    """Claims a backlog task as sam; there must be one."""

    async def claim(*args: Any, **more: Any) -> Claim:
        won = await seek(*args, **more)
        assert won is not None
        return won

    return claim


@pytest.fixture
def sql(board: Board) -> Callable[..., Awaitable[list[tuple[Any, ...]]]]:
    """Runs one statement; its rows, if it has any."""

    async def run(statement: str, **values: Any) -> list[tuple[Any, ...]]:
        def work(c: Any) -> list[tuple[Any, ...]]:
            found = c.execute(text(statement), values)
            return [tuple(row) for row in found] if found.returns_rows else []

        return await board.database.write(work)

    return run


@pytest.fixture
def contents(board: Board) -> Callable[[], Awaitable[dict[str, list[tuple[Any, ...]]]]]:
    """Reads every row of every table."""

    def work(c: Any) -> dict[str, list[tuple[Any, ...]]]:
        names = inspect(c).get_table_names()
        return {
            name: [tuple(row) for row in c.execute(text(f'SELECT * FROM "{name}"'))]  # noqa: S608 (a name of our own)
            for name in names
        }

    async def read() -> dict[str, list[tuple[Any, ...]]]:
        return await board.database.read(work)

    return read


@pytest.fixture
def broken(
    board: Board,
    sql: Callable[..., Awaitable[list[tuple[Any, ...]]]],
) -> Callable[[str], AbstractAsyncContextManager[None]]:
    """Makes every insert into a table fail with "boom" inside an ``async with``."""

    @asynccontextmanager
    async def fail(table: str) -> AsyncGenerator[None]:
        if board.url.startswith("sqlite"):
            does = "BEGIN SELECT RAISE(ABORT, 'boom'); END"
            drop = "DROP TRIGGER boom"
        else:
            await sql(
                "CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql"
                " AS 'BEGIN RAISE EXCEPTION ''boom''; END'"
            )
            does = "FOR EACH ROW EXECUTE FUNCTION boom()"
            drop = "DROP FUNCTION boom CASCADE"
        await sql(f"CREATE TRIGGER boom BEFORE INSERT ON {table} {does}")
        yield
        await sql(drop)

    return fail


@pytest.fixture
def recounted() -> Callable[[Board], Awaitable[None]]:
    """Compares every counter and every inherited edge of a board with a recount."""
    edges = "SELECT e.task_id, e.blocker_id FROM task_edges AS e"
    inherits = "SELECT task_id, other_id FROM task_links WHERE kind = 'inherits'"

    def work(c: Any) -> None:
        rows = c.execute(text("SELECT id, state, open_blockers, unblocks FROM tasks")).all()
        state = {row[0]: row[1] for row in rows}
        ties = {(a, b) for a, b in c.execute(text(edges))}
        marked = {(a, b) for a, b in c.execute(text(inherits))}
        parts = c.execute(text(inherits.replace("inherits", "parent-child"))).all()
        for task, _, waits, holds in rows:
            assert waits == sum(a == task and state[b] != "completed" for a, b in ties)
            waiting = [a for a, b in ties if b == task]
            is_open = {"pending", "in_progress", "waiting", "blocked"}
            done = state[task] == "completed"
            assert holds == (0 if done else sum(state[one] in is_open for one in waiting))
        assert marked <= ties
        own = ties - marked
        for task in state:
            above: set[int] = set()
            front = [task]
            while front:
                one = front.pop()
                more = {b for a, b in parts if a == one} - above
                above |= more
                front += more
            wanted = {b for a, b in own if a in above} - {b for a, b in own if a == task}
            assert {b for a, b in marked if a == task} == wanted

    async def compare(board: Board) -> None:
        await board.database.read(work)

    return compare


@pytest.fixture
def copies(empty_sqlite: Path) -> Callable[[], AbstractContextManager[str]]:
    """Makes URLs of empty boards on SQLite; each is gone when it is left."""

    @contextmanager
    def copy() -> Generator[str]:
        folder = Path(tempfile.mkdtemp(prefix="neveridle-machine-"))
        shutil.copy(empty_sqlite, folder / "b.db")
        yield f"sqlite:///{folder / 'b.db'}"
        shutil.rmtree(folder)

    return copy


@pytest.fixture
def agrees() -> Callable[[Any, Callable[[], AbstractContextManager[str]], int], int]:
    """Plays a state machine, whose rules assert; how many games were played to their end.

    Takes the machine's class, how it gets an empty board, and how many games.
    """

    def play(machine: Any, fresh: Callable[[], AbstractContextManager[str]], games: int) -> int:
        ended = 0

        def teardown(self: Any) -> None:
            nonlocal ended
            machine.teardown(self)
            ended += 1

        play_on = {"fresh": staticmethod(fresh), "teardown": teardown}
        run_state_machine_as_test(
            type("Machine", (machine,), play_on),
            settings=settings(
                max_examples=games, stateful_step_count=40, deadline=None, database=None,
                phases=[Phase.generate],
            ),
        )  # fmt: skip
        return ended

    return play
