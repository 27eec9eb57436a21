"""``neveridle tasks``: what can be done, what ties tasks together, and moving over from Beads."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board, NewTask, Source

ISSUES = [
    {"id": "x-1", "title": "First [red]", "status": "open", "priority": 0},
    {"id": "x-2", "title": "Second", "status": "open", "priority": 1,
     "dependencies": [{"issue_id": "x-2", "depends_on_id": "x-1", "type": "blocks"}]},
    {"id": "x-3", "title": "Part", "status": "open", "priority": 2,
     "dependencies": [{"issue_id": "x-3", "depends_on_id": "x-2", "type": "parent-child"}]},
    {"id": "x-4", "title": "Alice's", "status": "in_progress", "assignee": "alice"},
]  # fmt: skip


@pytest.fixture
def issues(tmp_path: Path) -> Path:
    path = tmp_path / "issues.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in ISSUES), encoding="utf-8")
    return path


@pytest.mark.usefixtures("project")
def test_a_team_moves_over(cli: Callable[..., Any], issues: Path) -> None:
    done = cli("tasks", "import", str(issues))
    assert "4 issues" in done.out
    assert "4 new, 1 dependencies added. Ready: 1." in done.out
    ready = cli("tasks", "ready", "--json").json
    assert [(one["ticket"], one["ref"]) for one in ready] == [("x-1", "beads:x-1")]
    blocked = {one["ticket"]: one for one in cli("tasks", "blocked", "--json").json}
    assert list(blocked) == ["x-2", "x-3", "x-4"]
    assert blocked["x-3"]["reasons"][0]["through"] == blocked["x-2"]["id"]
    assert blocked["x-4"]["reasons"][0]["why"] == "in Beads: in progress by alice"
    tree = cli("tasks", "tree", "--json").json
    assert [(one["ticket"], one["depth"], one["relation"]) for one in tree["tasks"]] == [
        ("x-1", 0, ""), ("x-2", 1, "after"), ("x-3", 2, "part"), ("x-4", 0, ""),
    ]  # fmt: skip
    assert "nothing changed" in cli("tasks", "import", str(issues)).out


@pytest.mark.usefixtures("project")
def test_the_screen_shows_the_same(cli: Callable[..., Any], issues: Path) -> None:
    assert "Nothing can be claimed" in cli("tasks", "add", "x", "--skill", "rust").out + (
        cli("tasks", "ready").out
    )
    assert "needs rust, which nobody" in " ".join(cli("tasks", "blocked").out.split())
    cli("tasks", "import", str(issues))
    assert "First [red]" in cli("tasks", "ready").out
    tree = cli("tasks", "tree").out.splitlines()
    assert tree[0] == "#1 x-1 [ready] First [red]" or "[ready] First [red]" in tree[0]
    assert tree[1].startswith("   └→ #")
    assert tree[2].startswith("      └─ #")
    assert "… and 3 more" in cli("tasks", "tree", "--limit", "2").out
    assert "and more" in cli("tasks", "blocked", "--limit", "1").out


def test_a_broken_file_imports_nothing(cli: Callable[..., Any], project: Any, issues: Path) -> None:
    issues.write_text(issues.read_text(encoding="utf-8") + "{broken\n", encoding="utf-8")
    ended = cli("tasks", "import", str(issues), "--json")
    assert ended.code == 2
    assert ended.json["error"]["code"] == "import-invalid"
    assert "Line 5 of" in ended.json["error"]["message"]
    assert not project.board_file.exists()
    missing = cli("tasks", "import", "nowhere.jsonl", "--json")
    assert missing.json["error"]["code"] == "import-invalid"


@pytest.mark.usefixtures("project")
def test_export_writes_whole_files_and_to_a_pipe(
    cli: Callable[..., Any], issues: Path, tmp_path: Path
) -> None:
    cli("tasks", "import", str(issues))
    path = tmp_path / "out.jsonl"
    path.write_text("old", encoding="utf-8")
    path.chmod(0o600)
    assert cli("tasks", "export", str(path), "--json").json["issues"] == 4
    assert [json.loads(line) for line in path.read_text().splitlines()] == ISSUES
    assert path.stat().st_mode & 0o777 == 0o600
    assert sorted(one.name for one in tmp_path.iterdir() if one.name.startswith(".out")) == []
    refused = cli("tasks", "export", str(tmp_path / "no" / "where"), "--json")
    assert refused.json["error"]["code"] == "import-invalid"


def test_ties_are_made_and_taken_back(cli: Callable[..., Any], project: Any) -> None:
    async def three(board: Board) -> list[int]:
        new = [NewTask(source=Source.BACKLOG, title=name) for name in ("first", "whole", "part")]
        return [task.id for task in await board.tasks.add_all(new)]

    first, whole, part = project.on_board(three)
    assert (
        cli("tasks", "link", f"#{part}", str(whole)).out == f"Task #{part} is part of #{whole}.\n"
    )
    cli("tasks", "depend", str(whole), "--on", str(first))
    refused = cli("tasks", "release", str(part), "--on", str(first))
    assert refused.code == 4
    assert f"tasks release {whole} --on {first}" in refused.err
    assert cli("tasks", "depend", str(first), "--on", str(part)).code == 4  # a circle
    freed = cli("tasks", "release", str(whole), "--on", str(first), "--json")
    assert freed.json["open_blockers"] == 0
    assert [one["id"] for one in cli("tasks", "ready", "--json").json] == [first, whole, part]
    assert cli("tasks", "unlink", str(part), str(whole)).code == 0
    cli("tasks", "link", str(part), str(whole), "--kind", "related")


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("name", ["artifact-keeper", "gastownhall"])
def test_ready_is_what_is_open_and_waits_for_nothing_open(
    cli: Callable[..., Any], name: str
) -> None:
    """The rule in words, straight from a real file: of any type of issue."""
    root = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("NEVERIDLE_SHARED", root.parent / "shared")) / "data" / "beads"
    found = sorted(folder.glob(f"{name}*.jsonl"))
    if not found:
        pytest.skip(f"there is no file of issues in {folder}")
    issues = {one["id"]: one for one in map(json.loads, found[0].read_text("utf-8").splitlines())}
    over = {key for key, one in issues.items() if one["status"] in ("closed", "tombstone")}
    ties = [
        (key, tie["type"], tie["depends_on_id"])
        for key, one in issues.items() for tie in one.get("dependencies", [])
        if tie["depends_on_id"] in issues
    ]  # fmt: skip
    blocked = {key for key, kind, on in ties if kind == "blocks" and on not in over}
    while more := {k for k, kind, on in ties if kind == "parent-child" and on in blocked} - blocked:
        blocked |= more
    cli("tasks", "import", str(found[0]))
    ready = cli("tasks", "ready", "--json").json

    assert {one["ticket"] for one in ready} == {
        key for key, one in issues.items() if one["status"] == "open" and key not in blocked
    }
    no_work = {one["ticket"] for one in ready if not one["claimable"]}
    assert {issues[key]["issue_type"] for key in no_work} <= {
        "merge-request", "gate", "molecule", "message", "agent", "role", "rig",
    }  # fmt: skip
    assert no_work or name == "artifact-keeper"
    held_up = {one["ticket"] for one in cli("tasks", "blocked", "--json").json}
    assert held_up.isdisjoint(one["ticket"] for one in ready)
