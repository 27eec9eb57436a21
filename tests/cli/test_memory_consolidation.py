"""``neveridle memory consolidate``, ``undo`` and ``report``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.board.memory_row import NewMemory

TEXTS = (
    "Escape the text in pages.", "Escape the text in a page.", "Never escape the text in pages.",
    "ok", "I'm sorry, I cannot help with that.",
)  # fmt: skip


@pytest.fixture
def remembered(project: Any) -> list[int]:
    """Lessons of sam's, two of which say the same, and some junk."""
    path = project.folder / "neveridle.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[memory]\n", '[memory]\nembedding = "hashing"\n'), "utf-8")

    async def add(board: Board) -> list[int]:
        return await board.memories.add(
            [NewMemory("sam", text, kind="learning", visibility="team") for text in TEXTS]
        )

    ids: list[int] = project.on_board(add)
    return ids


def test_a_dry_run_says_what_would_change_and_undo_restores_it(
    cli: Callable[..., Any], remembered: list[int]
) -> None:
    planned = cli("memory", "consolidate", "--dry-run", "--json").json
    assert planned["consolidations"] == []
    (merge,) = planned["merges"]
    assert (merge["survivor"], [one["id"] for one in merge["merged"]]) == (
        remembered[0], [remembered[1]],
    )  # fmt: skip
    assert (
        f"#{remembered[0]} would stand for #{remembered[1]}"
        in cli("memory", "consolidate", "--dry-run").out
    )
    assert cli("memory", "consolidate", "--agent", "leo", "--json").json["looked_at"] == 0

    done = cli("memory", "consolidate", "--agent", "Sam", "--json").json
    assert done["merges"] == planned["merges"]
    (number,) = done["consolidations"]
    again = cli("memory", "consolidate")
    assert "0 merged, 0 retired." in again.out
    report = cli("memory", "report", "--json").json
    assert report["states"] == {"live": 4, "superseded": 1}
    assert [one["id"] for one in report["consolidations"]] == [number]

    assert cli("memory", "undo", "--json").json["id"] == number
    missing = cli("memory", "undo")
    assert missing.code == 4
    assert "no consolidation to undo" in missing.err
    assert cli("memory", "report", "--json").json["states"] == {"live": 5}


def test_the_report_names_junk_duplicates_and_what_nobody_was_shown(
    cli: Callable[..., Any], remembered: list[int]
) -> None:
    report = cli("memory", "report", "--json").json

    assert report["read"] == len(remembered)
    assert report["junk"] == {"empty": 1, "refusal": 1}
    assert (report["junk_share"], report["duplicates"]) == (0.4, 1)
    assert (report["never_shown"], report["quarantined"], report["trusted"]) == (5, 5, 0)
    assert report["layers"] == {"short": 5}
    assert report["agents"] == [["sam", 5]]
    shown = cli("memory", "report").out
    assert "junk" in shown and "40.0%" in shown
