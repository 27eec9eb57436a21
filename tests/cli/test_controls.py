"""``neveridle pause``, ``resume`` and ``drain``, as they are typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neveridle.board import Board, NewTask, Source


@pytest.mark.parametrize("verb", ["pause", "resume", "drain"])
def test_of_an_agent_there_is_not_the_others_are_named(
    cli: Callable[..., Any], project: Any, verb: str
) -> None:
    ended = cli(verb, "sam", "sma")

    assert ended.code == 4
    assert "There is no agent 'sma'" in ended.err
    assert "leo, sam" in ended.err
    assert not project.board_file.exists()


async def _at_work(board: Board) -> None:
    await board.tasks.add(NewTask(source=Source.DISPATCH, title="A long one", assignee="sam"))
    run = await board.runs.start("sam", role="backend", skills=[])
    assert await board.attempts.claim(
        agent="sam", run=run, skills=[], source=Source.DISPATCH, lease=60
    )


def test_it_says_who_is_concerned_and_what_is_finished_first(
    cli: Callable[..., Any], project: Any
) -> None:
    project.on_board(_at_work)

    assert cli("pause", "SAM", "sam", "--reason", "a  look").out == (
        "Paused: sam. `neveridle resume` lifts that.\nsam finishes #1 first.\n"
    )
    assert cli("drain", "--json").json == {
        "mode": "draining", "agents": ["leo", "sam"], "everybody": True, "reason": "",
        "running": ["sam"], "at_work": {"sam": 1},
    }  # fmt: skip
    assert cli("drain", "leo").out.startswith("None of them runs just now")

    async def said(board: Board) -> list[tuple[str, str, str]]:
        return [(one.agent, one.mode, one.reason) for one in await board.controls.all()]

    assert project.on_board(said) == [
        ("*", "draining", ""), ("leo", "draining", ""), ("sam", "paused", "a look"),
    ]  # fmt: skip
    assert cli("resume").out == "Resumed: leo, sam.\n"
    assert project.on_board(said) == []
    assert cli("resume").out == "Nobody was paused or draining.\n"
    assert cli("resume", "sam").out == "sam: there was nothing to resume.\n"


def test_one_is_resumed_while_everybody_is_paused(cli: Callable[..., Any], project: Any) -> None:
    project.configure("[agents.sam]\npaused = true\n")
    cli("pause")
    out = cli("resume", "sam").out

    assert "Resumed: sam." in out
    assert "paused = true" in out

    async def said(board: Board) -> list[str]:
        return [one.agent for one in await board.controls.all()]

    assert project.on_board(said) == ["leo"]
