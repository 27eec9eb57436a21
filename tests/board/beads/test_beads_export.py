"""The backlog as Beads writes it: nothing lost, and what the team did in its words."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board, Claim
from neveridle.board.beads.reading import read_issues

Record = dict[str, Any]


def records(data: bytes) -> dict[str, Record]:
    return {one["id"]: one for one in map(json.loads, data.splitlines()) if "id" in one}


@pytest.mark.postgres_in_chaos
async def test_a_real_backlog_goes_round_and_loses_nothing(
    board: Board, backlog: bytes, tmp_path: Path
) -> None:
    await board.beads.take(read_issues(backlog, "x"))
    exported = await board.beads.export()
    assert records(exported) == records(backlog)
    assert list(records(exported)) == sorted(records(backlog))
    async with Board(f"sqlite:///{tmp_path / 'other.db'}") as other:
        await other.beads.take(read_issues(exported, "y"))
        assert await other.beads.export() == exported


async def test_a_line_that_did_not_change_stays_the_same_to_the_byte(board: Board) -> None:
    line = (
        '{"id":"a","title":"1 \\u003c 2 \\u0026 ü","status":"open","priority":0,"x":[1.5,null],'
        '"y":"\\ud800","dependencies":[{"issue_id":"a","depends_on_id":"zz","type":"blocks"}]}\n'
        '{"_type":"memory","key":"k","value":"v"}\n'
    ).encode()
    await board.beads.take(read_issues(line, "x"))
    assert await board.beads.export() == line


async def test_the_team_s_work_is_told(
    board: Board,
    issue: Callable[..., Record],
    bring: Callable[..., Awaitable[Any]],
    take: Callable[..., Awaitable[Claim]],
) -> None:
    await bring([issue("a", priority=0), issue("b", priority=1, odd="kept"), issue("c"),
                 issue("d", ties={"blocks": ["c"], "related": ["a"], "blocks ": []}),
                 issue("e", "closed", close_reason="why"), issue("f")])  # fmt: skip
    await board.attempts.complete((await take()).attempt)
    await take("leo")
    ids = {task.ticket: task.id for task in await board.tasks.find()}
    await board.tasks.cancel(ids["f"])
    await board.tasks.release_dependency(ids["d"], ids["c"])
    await board.tasks.depend(ids["c"], ids["b"])
    await board.links.add(ids["c"], ids["e"])
    found = records(await board.beads.export())
    assert (found["a"]["status"], found["a"]["close_reason"]) == ("closed", "completed by sam")
    assert found["a"]["closed_at"] == "1970-01-12T13:46:40.000000Z"
    assert (found["b"]["status"], found["b"]["assignee"]) == ("in_progress", "leo")
    assert found["b"]["odd"] == "kept"
    assert (found["f"]["status"], found["f"]["close_reason"]) == (
        "closed",
        "cancelled in neveridle",
    )
    ties = {(one["depends_on_id"], one["type"]) for one in found["c"]["dependencies"]}
    assert ties == {("b", "blocks"), ("e", "parent-child")}
    assert [one["type"] for one in found["d"]["dependencies"]] == ["related"]
    assert found["e"]["close_reason"] == "why"
    assert await board.beads.export() == await board.beads.export()
    # Read again, nothing is different here.
    before = await board.tasks.find()
    await board.beads.take(read_issues(await board.beads.export(), "x"), agents=["sam", "leo"])
    assert await board.tasks.find() == before
