"""``neveridle effects``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neveridle.board import Board, NewTask, Safety, Source
from neveridle.errors import EffectUnsettled
from neveridle.tools.effects import Verb


@pytest.fixture
def some_effects(project: Any) -> Any:
    """Task 1 with one done and one that is not known, task 2 with another of those."""

    async def call(asked: Any) -> Any:
        if asked.target.startswith("A-"):
            raise TimeoutError("no answer \x1b[2J")
        return {"id": "7"}

    verb = Verb(
        service="github", name="comment", safety=Safety.AT_LEAST_ONCE, identity="content",
        call=call,
    )  # fmt: skip

    async def put(board: Board) -> None:
        for number in (1, 2):
            await board.tasks.add(NewTask(source=Source.BACKLOG, title=f"task {number}"))
            run = await board.runs.start("sam", role="backend", skills=[])
            claim = await board.attempts.claim(
                agent="sam", run=run, skills=[], source=Source.BACKLOG, lease=60
            )
            assert claim is not None
            if number == 1:
                await board.effects.once(claim.attempt, verb, "B-1", "hello")
            with pytest.raises(EffectUnsettled):
                await board.effects.once(claim.attempt, verb, f"A-{number}", "hello")

    project.on_board(put)
    return project


@pytest.mark.usefixtures("some_effects")
def test_effects_are_listed(cli: Callable[..., Any]) -> None:
    def ids(*line: str) -> list[int]:
        return [one["id"] for one in cli("effects", *line, "--json").json]

    assert ids() == ids("list") == [1, 2, 3]
    assert ids("--open") == [2, 3]
    assert ids("--open", "--task", "#2") == [3]
    assert ids("--limit", "1") == [3]
    one = cli("effects", "--task", "1", "--json").json[0]
    assert (one["service"], one["verb"], one["target"]) == ("github", "comment", "B-1")
    assert (one["state"], one["open"], one["result"]) == ("done", False, {"id": "7"})
    out = cli("effects").out
    for words in ("github.comment", "A-2", "at least once", "open", "no answer \\x1b[2J"):
        assert words in out
    assert cli("effects", "--task", "99").out == "There are no such effects.\n"


@pytest.mark.usefixtures("some_effects")
def test_a_task_is_shown_with_its_effects(cli: Callable[..., Any]) -> None:
    story = cli("tasks", "show", "1", "--json").json
    assert [one["target"] for one in story["effects"]] == ["B-1", "A-1"]
    assert "github.comment" in cli("tasks", "show", "1").out


@pytest.mark.usefixtures("some_effects")
def test_a_person_settles_one(cli: Callable[..., Any]) -> None:
    assert "is done. `neveridle tasks retry 1` goes on." in cli(
        "effects", "settle", "2", "--as", "Done"
    ).out.replace("\n", " ")
    refused = cli("effects", "settle", "3", "--as", "refused", "--reason", "no", "--json").json
    assert (refused["state"], refused["error"]) == ("refused", "no")
    assert cli("effects", "--open", "--json").json == []
    for line, code, word in (
        (["2", "--as", "done"], 4, "state-conflict"),
        (["99", "--as", "done"], 4, "not-found"),
        (["first", "--as", "done"], 4, "not-found"),
        (["3", "--as", "maybe"], 2, "usage"),
    ):
        ended = cli("effects", "settle", *line, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (code, word)


@pytest.mark.usefixtures("project")
def test_looking_makes_no_board(cli: Callable[..., Any]) -> None:
    assert cli("effects").code == 2
