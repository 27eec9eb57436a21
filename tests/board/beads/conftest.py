"""Files of issues, and Beads' rule told once more: straight from the file, not through our code."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.board.beads.reading import read_issues

Record = dict[str, Any]

NO_WORK = {"merge-request", "gate", "molecule", "message", "agent", "role", "rig"}


def lines(records: list[Record]) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in records).encode()


def rule(records: list[Record], now: str = "9999") -> set[str]:
    """The ids that Beads' rule calls ready; for times in UTC written alike, as ``now`` is."""
    file = {one["id"]: one for one in records if one.get("status") != "tombstone"}
    ties = [
        (one["id"], tie["depends_on_id"], tie["type"])
        for one in file.values()
        for tie in one.get("dependencies", [])
        if tie["depends_on_id"] in file
    ]

    def active(name: str) -> bool:
        return file[name].get("status", "open") not in ("closed", "pinned")

    stopped = {a for a, b, kind in ties if kind in ("blocks", "conditional-blocks") and active(b)}
    for task, spawner, kind in ties:
        if kind == "waits-for":
            children = [a for a, b, k in ties if k == "parent-child" and b == spawner]
            stopped |= {task} if any(map(active, children)) else set()
    while True:
        more = {a for a, b, kind in ties if kind == "parent-child" and b in stopped} - stopped
        if not more:
            break
        stopped |= more
    asleep = {one for one in file if file[one].get("defer_until", "") > now}
    asleep |= {a for a, b, kind in ties if kind == "parent-child" and b in asleep}
    return {
        name
        for name, one in file.items()
        if one.get("status", "open") == "open"
        and one.get("issue_type", "task") not in NO_WORK
        and not one.get("pinned")
        and not one.get("ephemeral")
        and name not in stopped | asleep
    }


@pytest.fixture
def oracle() -> Callable[..., set[str]]:
    """Beads' rule."""
    return rule


@pytest.fixture
def jsonl() -> Callable[[list[Record]], bytes]:
    """Records as a file."""
    return lines


@pytest.fixture
def issue() -> Callable[..., Record]:
    """A record; ``blocks``, ``parents`` and other ties are said as lists of ids by their kind."""

    def make(name: str, status: str = "open", **said: Any) -> Record:
        ties = said.pop("ties", {})
        record: Record = {
            "id": name, "title": f"Do {name}", "status": status, "priority": 2,
            "issue_type": "task", "created_at": "2026-01-02T03:04:05.678Z",
            "updated_at": "2026-01-02T03:04:05.678Z", **said,
        }  # fmt: skip
        if status == "closed":
            record.setdefault("closed_at", "2026-01-03T00:00:00Z")
        if ties:
            record["dependencies"] = [
                {"issue_id": name, "depends_on_id": other, "type": kind,
                 "created_at": "2026-01-02T03:04:05.678Z"}
                for kind, others in ties.items() for other in others
            ]  # fmt: skip
        return record

    return make


@pytest.fixture
def bring(board: Board) -> Callable[..., Awaitable[Any]]:
    """Imports records; the report."""

    async def take(records: list[Record], *, agents: tuple[str, ...] = ("sam",)) -> Any:
        return await board.beads.take(read_issues(lines(records), "x.jsonl"), agents=agents)

    return take


@pytest.fixture
def ready(board: Board) -> Callable[[], Awaitable[set[str]]]:
    """The issues that are ready, by their ids in Beads."""

    async def look() -> set[str]:
        return {task.ticket for task in await board.readiness.ready({})}

    return look


@pytest.fixture(params=["artifact-keeper", "gastownhall"])
def backlog(request: pytest.FixtureRequest) -> bytes:
    """A real team's file."""
    root = Path(__file__).resolve().parents[3]
    folder = Path(os.environ.get("NEVERIDLE_SHARED", root.parent / "shared")) / "data" / "beads"
    found = sorted(folder.glob(f"{request.param}*.jsonl"))
    if not found:
        pytest.skip(f"there is no file of issues in {folder}")
    return found[0].read_bytes()
