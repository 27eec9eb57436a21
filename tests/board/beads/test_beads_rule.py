"""``ready`` is what Beads' own rule calls ready."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neveridle.board import Board, Source
from neveridle.board.beads.reading import read_issues

Record = dict[str, Any]


@pytest.mark.postgres_in_chaos
async def test_of_a_real_backlog(
    board: Board, backlog: bytes, oracle: Callable[..., set[str]], ready: Callable[..., Any]
) -> None:
    records = [json.loads(line) for line in backlog.splitlines()]
    report = await board.beads.take(read_issues(backlog, "x"))
    assert await ready() == oracle(records)
    assert report.read == len(records)
    assert report.circles == []
    # What our claims hand out is the same, to the last one.
    claimed: set[str] = set()
    while (number := await board.attempts.peek("sam", [], Source.BACKLOG)) is not None:
        claimed.add((await board.tasks.get(number)).ticket)
        await board.tasks.cancel(number)
        if len(claimed) > 30:
            break
    assert claimed <= oracle(records)
    again = await board.beads.take(read_issues(backlog, "x"))
    assert not again.changed


NAMES = [f"x-{number}" for number in range(9)]
STATUSES = ["open", "open", "open", "open", "closed", "in_progress", "hooked", "blocked",
            "deferred", "pinned", "tombstone", "review"]  # fmt: skip
KINDS = ["blocks", "blocks", "blocks", "parent-child", "parent-child", "related", "tracks",
         "discovered-from", "blocked-by", "conditional-blocks", "waits-for"]  # fmt: skip
TYPES = ["task", "task", "bug", "epic", "gate", "message", "convoy"]


@st.composite
def backlogs(draw: st.DrawFn) -> list[Record]:
    """A small backlog with everything that goes wrong in one: circles, gaps, odd statuses."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=9, unique=True))
    others = st.sampled_from([*names, "gone-1"])
    found: list[Record] = []
    for name in names:
        record: Record = {"id": name, "title": name, "status": draw(st.sampled_from(STATUSES))}
        if draw(st.booleans()):
            record["issue_type"] = draw(st.sampled_from(TYPES))
        if draw(st.integers(0, 9)) == 0:
            record["pinned"] = True
        if draw(st.integers(0, 9)) == 0:
            record["defer_until"] = draw(
                st.sampled_from(["1969-01-01T00:00:00Z", "2999-01-01T00:00:00Z"])
            )
        ties = draw(st.lists(st.tuples(others, st.sampled_from(KINDS)), max_size=4))
        record["dependencies"] = [
            {"issue_id": name, "depends_on_id": other, "type": kind} for other, kind in ties
        ]
        found.append(record)
    return found


@settings(max_examples=40, deadline=None, database=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(first=backlogs(), second=backlogs())
def test_of_any_backlog_and_of_what_becomes_of_it(
    first: list[Record],
    second: list[Record],
    empty_sqlite: Path,
    oracle: Callable[..., set[str]],
    recounted: Callable[[Board], Awaitable[None]],
) -> None:
    """The second file is read on top of the first one, as a later state of the same backlog."""
    merged = {one["id"]: one for one in [*first, *second]}

    async def whole(url: str) -> None:
        async with Board(url) as board:
            for records, file in ((first, first), (second, [*merged.values()])):
                data = "".join(json.dumps(one) + "\n" for one in records).encode()
                before = await board.version()
                was = {task.id for task in await board.readiness.ready({})}
                report = await board.beads.take(read_issues(data, "x"))
                tasks = await board.readiness.ready({})
                assert {task.ticket for task in tasks} == oracle(file, "2026")
                assert report.ready == len(tasks)
                assert (await board.version() > before) == bool({t.id for t in tasks} - was)
                await recounted(board)
                again = await board.beads.take(read_issues(data, "x"))
                assert not again.changed
                assert {task.id for task in await board.readiness.ready({})} == {
                    t.id for t in tasks
                }
            exported = await board.beads.export()
            there = {(one := json.loads(line))["id"]: one for line in exported.splitlines()}
            assert there == merged

    with tempfile.TemporaryDirectory(prefix="neveridle-beads-") as folder:
        shutil.copy(empty_sqlite, Path(folder) / "b.db")
        asyncio.run(whole(f"sqlite:///{folder}/b.db"))


@pytest.mark.parametrize(
    ("issue_type", "is_work"),
    [("epic", True), ("convoy", True), ("event", True), ("my-own", True), ("gate", False),
     ("molecule", False), ("message", False), ("agent", False), ("role", False), ("rig", False),
     ("merge-request", False)],
)  # fmt: skip
async def test_by_type(
    board: Board,
    issue: Callable[..., Record],
    bring: Callable[..., Awaitable[Any]],
    ready: Callable[..., Any],
    issue_type: str,
    *,
    is_work: bool,
) -> None:
    await bring([issue("a", issue_type=issue_type), issue("b", ties={"blocks": ["a"]})])
    assert await ready() == ({"a"} if is_work else set())


async def test_through_closed_and_distant_parents(
    issue: Callable[..., Record], bring: Callable[..., Awaitable[Any]], ready: Callable[..., Any]
) -> None:
    chain = [issue(f"c{n}", ties={"parent-child": [f"c{n - 1}"]}) for n in range(1, 40)]
    top = issue("c0", "closed", ties={"blocks": ["x"]})
    await bring([top, *chain, issue("x"), issue("free")])
    assert await ready() == {"x", "free"}
    await bring([issue("x", "closed")])
    assert await ready() == {"free", *(f"c{n}" for n in range(1, 40))}


async def test_deferred_work_comes_back_by_time(
    board: Board,
    issue: Callable[..., Record],
    bring: Callable[..., Awaitable[Any]],
    ready: Callable[..., Any],
) -> None:
    later = "1970-01-12T13:56:40Z"  # ten hundred seconds and ten after the board's time
    await bring([issue("a", defer_until=later, ties={}), issue("b", ties={"parent-child": ["a"]})])
    assert await ready() == set()
    await board.clock.advance(10_001)
    await board.sweep()
    assert await ready() == {"a", "b"}
