"""``neveridle recover``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from neveridle.board import Board, NewTask, Source

NAMES = ("ann", "bob", "cem", "dan", "eva", "fay")


async def _silent(board: Board) -> None:
    """Six agents at work, five of which fall silent."""
    await board.clock.script(1_000_000.0)
    runs: dict[str, str] = {}
    for name in NAMES:
        runs[name] = await board.runs.start(name, role="backend", skills=[])
        await board.tasks.add(NewTask(source=Source.DISPATCH, title=f"For {name}", assignee=name))
        await board.attempts.claim(
            agent=name, run=runs[name], skills=[], source=Source.DISPATCH, lease=120
        )
    await board.clock.advance(130)
    await board.attempts.renew([runs["ann"]], lease=120)
    assert await board.sweep() == []


def test_without_a_board_it_says_so_and_makes_none(cli: Callable[..., Any], project: Any) -> None:
    assert cli("recover").code == 2
    assert not project.board_file.exists()


def test_with_nothing_to_do_it_says_so(cli: Callable[..., Any], project: Any) -> None:
    async def empty(board: Board) -> None:
        await board.version()

    project.on_board(empty)
    assert cli("recover").out == "Nothing to recover: no lease is over.\n"
    assert cli("recover", "--json").json == {"outage": False, "returned": []}


def test_a_person_ends_an_outage(cli: Callable[..., Any], project: Any) -> None:
    project.on_board(_silent)
    shown = cli("status", "--json").json["outage"]
    assert (shown["agents"], shown["silent"]) == (6, list(NAMES[1:]))
    said = " ".join(cli("status").out.split())
    assert "Outage: 5 of 6 agents fell silent at once (bob, cem, dan, eva, fay)" in said
    assert "Nothing is taken over for 10 min" in said

    ended = cli("recover")
    assert ended.code == 0
    assert ended.out.splitlines() == [
        "The outage is over.",
        *(f"Task {number} (attempt 1) is back on the board." for number in range(2, 7)),
    ]
    assert "Outage" not in cli("status").out
    assert cli("recover", "--json").json == {"outage": False, "returned": []}
