"""``neveridle sync``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neveridle.board import Board, Source

CREATE = ("sync", "create", "merge", "--lead", "sam", "--next", "Merge it all")


@pytest.fixture
def created(cli: Callable[..., Any], project: Any) -> Any:
    """What creating a point printed: sam has a part, leo says it himself."""
    del project
    return cli(
        *(*CREATE, "--participant", "LEO", "--part", "sam=Build the API", "--within", "2h"),
        *("--skill", "Python", "--description", "Both parts.", "--json"),
    ).json


def test_create_list_show(cli: Callable[..., Any], created: Any) -> None:
    assert [place["participant"] for place in created["places"]] == ["leo", "sam"]
    assert (created["period"], created["policy"], created["state"]) == (7200.0, "fail", "open")
    assert created["next_phase"]["skills"] == ["python"]
    assert created["next_phase"]["priority"] == "high"
    (task,) = cli("tasks", "--json").json
    assert (task["title"], task["assignee"]) == ("Build the API", "sam")
    assert created["places"][1]["tasks"] == [task["id"]]
    assert cli("sync", "--json").json == cli("sync", "list", "--json").json == [created]
    for name in ("merge", "1", "#1"):
        assert cli("sync", "show", name, "--json").json == created
    shown = cli("sync", "show", "merge").out
    for words in (
        "'merge': open",
        "Both parts.",
        "sam: Merge it all",
        "expected",
        f"#{task['id']}",
    ):
        assert words in shown
    assert "0 of 2" in cli("sync").out
    assert "at sync point merge" in cli("tasks", "show", str(task["id"])).out
    assert cli("tasks", "show", str(task["id"]), "--json").json["sync"] == created
    assert cli("sync", "list", "--state", "released", "--json").json == []
    assert "no such sync points" in cli("sync", "list", "--state", "failed").out


@pytest.mark.usefixtures("created")
def test_checking_in_holds_and_releases(cli: Callable[..., Any]) -> None:
    held = cli("sync", "check-in", "merge", "leo", "--blocked", "no\x1b design")
    assert held.out == "leo is blocked at sync point 'merge'; still missing: leo, sam.\n"
    status = cli("status")
    assert "Held up at sync points" in status.out
    assert "no\\x1b design" in status.out
    assert cli("status", "--json").json["sync_points"][0]["agent"] == "leo"
    assert "no\\x1b design" in cli("sync", "show", "merge").out
    cli("sync", "check-in", "merge", "leo")
    assert "Held up" not in cli("status").out
    answer = cli("sync", "check-in", "merge", "sam", "--json").json
    assert (answer["changed"], answer["released"]) == (True, True)
    again = cli("sync", "check-in", "1", "sam", "--json")
    assert (again.code, again.json["changed"]) == (0, False)
    assert "released already" in again.json["answer"]
    tasks = {task["title"]: task for task in cli("tasks", "--json").json}
    assert tasks["Merge it all"]["assignee"] == "sam"
    assert tasks["Merge it all"]["id"] == answer["point"]["dispatch_id"]
    assert cli("sync", "cancel", "merge").code == 4


@pytest.mark.usefixtures("created")
def test_a_task_is_added_to_a_point_and_a_point_given_up(cli: Callable[..., Any]) -> None:
    task = cli("tasks", "add", "The page", "--agent", "leo", "--sync", "merge", "--json").json
    assert cli("sync", "show", "1", "--json").json["places"][0]["tasks"] == [task["id"]]
    assert cli("tasks", "add", "x", "--agent", "leo", "--sync", "other", "--json").code == 4
    given_up = cli("sync", "cancel", "merge", "--reason", "no time", "--json").json
    assert (given_up["state"], given_up["reason"]) == ("cancelled", "no time")
    assert "is cancelled" in cli("sync", "cancel", "merge").out
    assert "no time" in cli("sync", "show", "merge").out


def test_substitutes_and_deadlines(cli: Callable[..., Any], project: Any) -> None:
    point = cli(
        *(*CREATE, "--participant", "leo", "--on-deadline", "Substitute"),
        *("--substitute", "leo=sam", "--until", "2999-01-01T00:00+00:00", "--json"),
    ).json
    assert (point["substitutes"], point["deadline"]) == ({"leo": "sam"}, 32472144000.0)
    assert "substitute: sam for leo" in cli("sync", "show", "merge").out

    async def late(board: Board) -> None:
        await board.clock.script(point["deadline"] + 200)

    project.on_board(late)
    assert "expected, 3 min late" in cli("status").out

    async def swept(board: Board) -> None:
        await board.sweep()
        (task,) = await board.tasks.find(sources=[Source.DISPATCH])
        assert task.assignee == "sam"

    project.on_board(swept)
    shown = cli("sync", "show", "merge", "--json").json["places"][0]
    assert (shown["participant"], shown["agent"]) == ("leo", "sam")
    refused = cli("sync", "check-in", "merge", "leo", "--json")
    assert (refused.code, refused.json["error"]["code"]) == (4, "state-conflict")
    assert cli("sync", "check-in", "merge", "sam", "--for", "leo", "--json").json["released"]


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        ((), 4, "no participants"),
        (("--participant", "nobody"), 4, "no agent 'nobody'"),
        (("--part", "sam"), 2, "--part NAME=VALUE"),
        (("--part", "=x"), 2, "--part NAME=VALUE"),
        (("--participant", "sam", "--within", "soon"), 2, "no stretch of time"),
        (("--participant", "sam", "--within", "0h"), 2, "no stretch of time"),
        (("--participant", "sam", "--until", "soon"), 2, "no time"),
        (("--participant", "sam", "--until", "1999-01-01"), 4, "does not lie ahead"),
        (("--participant", "sam", "--on-deadline", "wait"), 2, "is no policy"),
        (("--participant", "sam", "--on-deadline", ""), 2, "is no policy"),
        (("--participant", "sam", "--skill", "html"), 4, "sam has not the skill html"),
        (("--participant", "sam", "--priority", "soonest"), 4, "no priority"),
        (("--participant", "sam", "--substitute", "sam=leo"), 4, "its policy is fail"),
    ],
)
def test_what_cannot_be_is_refused(
    cli: Callable[..., Any], project: Any, more: tuple[str, ...], code: int, says: str
) -> None:
    del project
    refused = cli(*CREATE, *more, "--json")
    error = refused.json["error"]
    assert refused.code == code
    assert says in f"{error['message']} {error['remedy']}"


@pytest.mark.usefixtures("created")
def test_what_is_not_there_is_said(cli: Callable[..., Any]) -> None:
    for line in (
        ("sync", "show", "other"),
        ("sync", "show", "7"),
        ("sync", "check-in", "other", "sam"),
        ("sync", "check-in", "merge", "nobody"),
        ("sync", "cancel", "other"),
    ):
        ended = cli(*line, "--json")
        assert (ended.code, ended.json["error"]["code"]) == (4, "not-found")
    assert cli("sync", "check-in", "merge", "sam", "--blocked", " ").code == 4
