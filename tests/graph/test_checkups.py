"""A running team notices what broke and what works again, says it once, and tries the limited."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.board.breaker import BreakerPolicy, BreakerState
from neveridle.graph.checkups import EVERY, HOLD, Checkups, machine_checks
from neveridle.health import Check, Finding, Grade
from neveridle.settings import Settings
from neveridle.settings.loader import settings_from
from neveridle.tools.mcp.servers import McpServers
from neveridle.tools.services import ServiceKit, Services
from neveridle.tools.standin.http import HttpFault
from neveridle.tools.standin.slack import SlackStandin
from neveridle.tools.standin.vercel import VercelStandin

ENVIRON = {"VERCEL_TOKEN": "v-token", "SLACK_BOT_TOKEN": "s-token"}


class Machine:
    """A machine on which things break."""

    def __init__(self) -> None:
        self.wrong: dict[str, str] = {}

    async def look(self, settings: Settings) -> Sequence[Finding]:
        del settings
        return [
            Finding(about="disk", message="fine"),
            *(Finding(about=about, grade=Grade.PROBLEM, message=why, remedy="Mend it.")
              for about, why in self.wrong.items()),
        ]  # fmt: skip


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'board.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
async def board(url: str) -> AsyncGenerator[Board]:
    async with Board(url) as one:
        await one.clock.script(1_000_000.0)
        yield one


@pytest.fixture
def vercel() -> Generator[VercelStandin]:
    with VercelStandin(token="v-token") as one:
        one.deploy("a" * 40)
        yield one


@pytest.fixture
async def make(board: Board, tmp_path: Path) -> AsyncGenerator[Callable[..., Checkups]]:
    """Makes the checkups of one process."""
    clients: list[Services] = []

    def one(machine: Machine, services: dict[str, Any] | None = None, host: str = "a") -> Checkups:
        settings = settings_from({"services": services or {}}, tmp_path)
        kit = ServiceKit(board.breakers, board.clock, ENVIRON)
        clients.append(Services(settings.services, kit))
        return Checkups(
            board, settings, clients[-1], McpServers({}, kit),
            checks=[Check("machine", machine.look)], holder=f"process-{len(clients)}", host=host,
        )  # fmt: skip

    yield one
    for client in clients:
        await client.aclose()


async def dev(board: Board) -> list[str]:
    return [one.content for one in await board.messages.latest("dev")]


async def test_what_breaks_and_what_works_again_is_said_once(
    board: Board, make: Callable[..., Checkups]
) -> None:
    machine = Machine()
    checkups, again = make(machine), make(machine)
    newest = await board.events.newest()
    assert await checkups.look() == []
    assert await board.events.newest() == newest
    assert await board.syncs.token("checkups") == ""  # nothing was written
    machine.wrong = {"disk": "It is full."}
    assert await checkups.look() == ["disk is not well (on a): It is full. Mend it."]
    machine.wrong = {"disk": "It is fuller."}
    for one in (checkups, again, make(machine)):
        assert await one.look() == []
    # Another machine is not this one.
    other = make(Machine(), host="b")
    assert await other.look() == []
    machine.wrong = {}
    assert await again.look() == ["disk is well again (on a)."]
    assert await dev(board) == [
        "disk is not well (on a): It is full. Mend it.", "disk is well again (on a).",
    ]  # fmt: skip
    events = await board.events.find(kind="health.changed")
    assert [list(one.data) for one in events] == [["disk"], ["disk"]]


async def test_one_process_asks_the_services_and_each_answer_is_said_once(
    board: Board, make: Callable[..., Checkups], vercel: VercelStandin
) -> None:
    services = {"vercel": {"url": vercel.url, "project": "web", "attempts": 1}}
    first, second = make(Machine(), services), make(Machine(), services)
    assert await first.look() == []
    assert await second.look() == []
    asked = len(vercel.requests)
    assert asked == 2  # who the token is, and a deployment
    vercel.faults.append(HttpFault("status", status=500))
    await board.clock.advance(EVERY)
    (said,) = await second.look()
    assert said.startswith("vercel is not well: vercel answered 500")
    assert await first.look() == []
    await board.clock.advance(EVERY)
    assert await first.look() == ["vercel is well again."]
    assert [await second.look(), await dev(board)] == [[], [said, "vercel is well again."]]


async def test_who_is_at_it_keeps_others_away_for_a_while(
    board: Board, make: Callable[..., Checkups], vercel: VercelStandin
) -> None:
    services = {"vercel": {"url": vercel.url}}
    await board.syncs.hold("checkups", "somebody", seconds=HOLD)
    checkups = make(Machine(), services)
    assert await checkups.look() == []
    assert not vercel.requests
    await board.clock.advance(HOLD + 1)
    await checkups.look()
    assert vercel.requests


async def test_it_asks_nothing_before_a_breakers_time_and_is_the_probe_after_it(
    board: Board, make: Callable[..., Checkups], vercel: VercelStandin
) -> None:
    checkups = make(Machine(), {"vercel": {"url": vercel.url}})
    permit = await board.breakers.admit("vercel", BreakerPolicy())
    await board.breakers.failed(permit, BreakerPolicy(), "limited", wait=400.0, health=False)
    assert await checkups.look() == []
    await board.clock.advance(EVERY)
    assert await checkups.look() == []
    assert not vercel.requests
    assert not await board.events.find(kind="health.changed")  # a limit is no illness
    await board.clock.advance(EVERY)
    await checkups.look()
    assert len(vercel.requests) == 2
    assert (await board.breakers.get("vercel")).state is BreakerState.CLOSED


async def test_what_a_breaker_says_is_not_said_again(
    board: Board, make: Callable[..., Checkups], vercel: VercelStandin
) -> None:
    vercel.token = "another"
    checkups = make(Machine(), {"vercel": {"url": vercel.url}})
    assert await checkups.look() == []
    (held,) = await dev(board)
    assert held.startswith("@human vercel is held")
    (event,) = await board.events.find(kind="health.changed")
    assert list(event.data) == ["vercel"]
    assert "another" not in str(event.data)
    for _ in range(2):
        await board.clock.advance(EVERY)
        assert await checkups.look() == []
    assert len(vercel.requests) == 1


async def test_a_team_looks_every_five_minutes_and_talks_on_slack(
    project: Any, hands: Any, monkeypatch: pytest.MonkeyPatch, until: Any
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "s-token-of-a-test")
    monkeypatch.setenv("VERCEL_TOKEN", "v-token-of-a-test")
    await project.script()
    with SlackStandin(token="s-token-of-a-test") as slack, VercelStandin(token="wrong") as vercel:
        project.use("services", slack={"url": slack.api}, vercel={"url": vercel.url})
        async with project.team(worker=hands) as team:
            while not await team.board.syncs.token("slack:dev"):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.01)
            for _ in range(4000):
                await team.board.clock.advance(2.0)
                await asyncio.sleep(0.005)
                if any("@human vercel is held" in one for one in slack.texts()):
                    break
            (alert,) = [one for one in slack.texts() if "held" in one]
            assert alert.startswith("<!channel> *team*: @human vercel is held")
        assert {one.path for one in vercel.requests} == {"/v2/user"}
        assert len(vercel.requests) == 1


async def test_a_team_gives_its_agents_the_tools_of_mcp_servers(project: Any, hands: Any) -> None:
    odd = Path(__file__).parents[1] / "tools" / "mcp" / "odd_server.py"
    good = {"command": [sys.executable, "-I", str(odd)], "tools": ["echo"]}
    bad = {"command": [sys.executable, "-I", str(odd), "--broken"], "tools": ["*"],
           "breaker_threshold": 1, "breaker_reset": 1.0}  # fmt: skip
    project.use("services", mcp={"odd": good, "bad": bad})
    seen: list[str] = []

    async def look(assignment: Any) -> Any:
        names = {one.name for one in assignment.tools}
        seen.extend(sorted(name for name in names if name.startswith(("odd", "bad"))))
        (echo,) = [one for one in assignment.tools if one.name == "odd_echo"]
        seen.append((await echo.ainvoke({"text": "hello"}))[0]["text"].split("\n")[-1])
        (assignment.tree / "x.txt").write_text("x", encoding="utf-8")
        return {"status": "completed", "summary": "done"}

    hands.do("*", look)
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Task")
        assert (await team.run(until="idle")).endings == {"completed": 1}
        assert seen == ["odd_echo", "hello"]
        assert any("mcp:bad" in one["message"] for one in team.problems)
        (server, _) = team.mcp.servers
        assert server.name == "odd"


def test_the_checks_of_a_machine_ask_no_service() -> None:
    names = {one.name for one in machine_checks()}
    assert {"repository", "disk", "models", "memory"} <= names
    assert not {"sandbox", "services", "reach"} & names
