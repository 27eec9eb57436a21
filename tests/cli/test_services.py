"""``neveridle services``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from neveridle.board import Board, NewTask, Source
from neveridle.board.breaker import BreakerPolicy, Permit

POLICY = BreakerPolicy(threshold=1, reset=300.0)


@pytest.fixture
def some_services(project: Any) -> Any:
    """linear is open and a task needs it, github is held, slack was never used."""
    project.configure("[services.linear]\n\n[services.slack]\n")

    async def put(board: Board) -> None:
        await board.tasks.add(NewTask(source=Source.BACKLOG, title="move it", services=("linear",)))
        await board.breakers.failed(Permit("linear"), POLICY, "it answered 502 \x1b[2J")
        await board.breakers.hold("github", "the token was rejected.", "fingerprint")

    project.on_board(put)
    return project


@pytest.mark.usefixtures("some_services")
def test_services_are_listed(cli: Callable[..., Any]) -> None:
    found = {one["service"]: one for one in cli("services", "--json").json}
    assert list(found) == ["github", "linear", "slack"]
    linear = found["linear"]
    assert (linear["state"], linear["failures"], linear["tasks"]) == ("open", 1, 1)
    assert 0 < linear["retry_in"] <= 300
    assert [one["configured"] for one in found.values()] == [False, True, True]
    assert (found["github"]["state"], found["github"]["retry_in"]) == ("held", None)
    assert (found["slack"]["state"], found["slack"]["opened_at"]) == ("closed", None)
    assert "fingerprint" not in cli("services", "--json").out
    out = cli("services", "list").out
    for words in ("linear", "open", "502 \\x1b[2J", "held", "when it is reset", "slack", "closed"):
        assert words in out


@pytest.mark.usefixtures("some_services")
def test_a_service_is_reset(cli: Callable[..., Any]) -> None:
    assert "github can be called again. It was held." in cli("services", "reset", "github").out
    done = cli("services", "reset", "linear", "--json").json
    assert (done["service"], done["before"]["state"]) == ("linear", "open")
    assert {one["state"] for one in cli("services", "--json").json} == {"closed"}
    assert "still can" in cli("services", "reset", "slack").out
    ended = cli("services", "reset", "lineal", "--json")
    assert (ended.code, ended.json["error"]["code"]) == (4, "not-found")
    assert "github, linear, slack" in ended.out


def test_without_services_it_says_so(project: Any, cli: Callable[..., Any]) -> None:
    assert cli("services").code == 2  # looking makes no board

    async def nothing(board: Board) -> None:
        assert await board.breakers.all() == []

    project.on_board(nothing)
    assert cli("services").out == "No service is configured, and none was used.\n"
    assert cli("services", "--json").json == []
    assert cli("services", "reset", "linear").code == 4


def test_listing_imports_no_sqlalchemy(some_services: Any) -> None:
    code = (
        "import sys; from neveridle.cli.app import run; assert run(['services']) == 0;"
        "assert not {'sqlalchemy', 'langgraph', 'httpx'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=some_services.folder, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "linear" in done.stdout
