"""People are called by a running team: once, through channel, webhook and command, and no load."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board, TaskState
from neveridle.board.breaker import BreakerPolicy, Permit
from neveridle.board.inbox_item import ItemState
from neveridle.board.notices import HOLD
from neveridle.errors import (
    CredentialsRejected,
    LimitReached,
    OperatorError,
    StateCorrupted,
    WorkRefused,
)
from neveridle.graph.alerting import Alert, Alerting
from neveridle.settings import Settings

Until = Callable[[Callable[[], object]], Awaitable[None]]


class Pager:
    """A receiver of webhooks: what it got, and what it answers."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        self.url = ""


@pytest.fixture
def pager() -> Generator[Pager]:
    one = Pager()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            one.got.append((self.headers["Idempotency-Key"], body))
            self.send_response(one.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        one.url = f"http://127.0.0.1:{server.server_port}/hook"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield one
        server.shutdown()
        thread.join()


@pytest.fixture(params=["sqlite", "postgres"])
def board_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgres":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'b.db'}"


@pytest.fixture
async def board(board_url: str) -> AsyncGenerator[Board]:
    async with Board(board_url) as opened:
        await opened.clock.script(1_000_000.0)
        yield opened


def alerting(board: Board, root: Path, holder: str = "me", **said: Any) -> tuple[Alert, Alerting]:
    """The parts of one process."""
    settings = Settings.model_validate({"escalation": said, "team": {"name": "ours"}})
    settings = settings.model_copy(update={"root": root})
    alert = Alert(board, settings)
    return alert, Alerting(board, settings, alert, holder=holder)


async def test_a_task_that_needs_a_person_is_told_to_all_that_is_configured(
    project: Any, hands: Any, pager: Pager
) -> None:
    script = 'import sys; open("told", "a").write(sys.stdin.read())'
    tells = shlex.join([sys.executable, "-c", script])
    project.use("escalation", alert_webhook=pager.url, alert_command=tells)
    hands.do("*", hands.fail(LimitReached("Too hard.")))
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        await team.run(until="idle", timeout=60)
        (item,) = await team.board.inbox.find()
        (event,) = await team.board.events.find(kind="task.escalated")
    async with project.team(worker=hands) as team:
        notices = await team.board.alerts.notices(item.id)
    assert {one.target: one.state for one in notices} == {
        "dev": "sent",
        "alert_webhook": "sent",
        "alert_command": "sent",
    }
    ((key, body),) = pager.got
    assert body["key"] == key
    told = json.loads((project.root / "told").read_text())
    assert told.pop("key") != body.pop("key")
    assert told == body
    assert (body["code"], body["task"], body["level"]) == ("task-failed", task.id, "HUMAN_ALERT")
    assert body["fingerprint"] == f"alert:task-failed:{task.id}"
    data = {"level": "HUMAN_ALERT", "code": "limit-reached", "to": "human", "failures": 3}
    assert event.data == data


async def test_agents_that_share_a_rejected_key_are_one_alert(
    project: Any, hands: Any, pager: Pager
) -> None:
    project.use("escalation", alert_webhook=pager.url)
    hands.do("*", hands.fail(CredentialsRejected("No.", remedy="Set another.", service="openai")))
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        await team.run(until="idle", timeout=60)
        (item,) = await team.board.inbox.find()
        assert item.fingerprint == "alert:agent-stopped:credentials-rejected@openai"
        (event,) = await team.board.events.find(kind="team.escalated")
        assert event.data["code"] == "credentials-rejected"
        hands.do("*", hands.leave({"a.txt": "a\n"}))
        await team.run(until="idle", timeout=60)
        await team.alert.keep()
        assert (await team.board.inbox.get(item.id)).state is ItemState.WITHDRAWN


async def test_corrupted_state_is_an_emergency_where_that_is_configured(
    project: Any, hands: Any, pager: Pager
) -> None:
    project.use("escalation", levels={"state-corrupted": "EMERGENCY"}, emergency_webhook=pager.url)
    hands.do("*", hands.fail(StateCorrupted("The checkpoint cannot be read.")))
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        await team.run(until="idle", timeout=60)
    (said,) = [body for _, body in pager.got]
    assert (said["level"], said["code"]) == ("EMERGENCY", "agent-stopped")


@pytest.mark.parametrize("name", ["limit-reached", "task-failed"])
async def test_a_task_that_failed_is_an_emergency_where_that_is_configured(
    project: Any, hands: Any, pager: Pager, name: str
) -> None:
    project.use("escalation", levels={name: "EMERGENCY"}, emergency_webhook=pager.url)
    hands.do("*", hands.fail(LimitReached("Too hard.")))
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        assert (await team.run(until="idle", timeout=60)).endings == {"failed": 3}
        (event,) = await team.board.events.find(kind="task.escalated")
    (said,) = [body for _, body in pager.got]
    assert (said["level"], said["code"]) == (event.data["level"], "task-failed")
    assert event.data["level"] == "EMERGENCY"


async def test_what_is_configured_skips_the_peer(project: Any, hands: Any) -> None:
    project.soul("leo")
    project.use("escalation", levels={"limit-reached": "HUMAN_ALERT"})
    hands.do("*", hands.fail(LimitReached("Too hard.")))
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        assert report.endings == {"failed": 3}
        assert await team.board.handoffs.latest() == []
        (event,) = await team.board.events.find(kind="task.escalated")
        assert (event.data["level"], event.data["code"]) == ("HUMAN_ALERT", "limit-reached")
        assert (await team.board.tasks.get(task.id)).state is TaskState.BLOCKED


async def test_one_who_is_to_heal_alone_goes_on_but_not_for_ever(project: Any, hands: Any) -> None:
    project.soul("leo")
    project.use("escalation", levels={"recoverable": "SELF_HEAL"})
    project.use("limits", attempts=2)
    hands.do("*", hands.fail(WorkRefused("The tests fail.")))
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        assert report.endings == {"failed": 6}
        assert await team.board.handoffs.latest() == []
        assert (await team.board.tasks.get(task.id)).state is TaskState.BLOCKED
        (item,) = await team.board.inbox.find()
        assert (item.level, item.task) == ("HUMAN_ALERT", task.id)


async def test_a_blocked_task_whose_level_calls_nobody_waits_in_silence(
    project: Any, hands: Any
) -> None:
    project.use("escalation", levels={"task-blocked": "SELF_HEAL"})
    hands.do("*", hands.fail(OperatorError("Configure it.")))
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        await team.run(until="idle", timeout=60)
        assert (await team.board.tasks.get(task.id)).state is TaskState.BLOCKED
        assert await team.board.inbox.find() == []


async def test_production_down_reaches_who_is_on_call_though_the_hour_is_full(
    board: Board, tmp_path: Path, pager: Pager
) -> None:
    alert, loop = alerting(
        board, tmp_path, emergency=["vercel"], emergency_webhook=pager.url, per_hour=1
    )
    for number in range(5):
        await alert(code=f"c{number}", title="Something")
    await loop.look()
    assert pager.got == []
    await board.breakers.failed(Permit("vercel"), BreakerPolicy(threshold=1), "502")
    await loop.look()
    await loop.look()
    ((_, body),) = pager.got
    assert (body["level"], body["code"], body["team"]) == ("EMERGENCY", "service-down", "ours")
    await loop.stop()


async def test_a_pager_that_fails_is_tried_again_and_pages_nobody(
    board: Board, tmp_path: Path, pager: Pager
) -> None:
    pager.status = 503
    alert, loop = alerting(board, tmp_path, alert_webhook=pager.url)
    item = await alert(code="x", title="Something")
    assert item is not None
    for _ in range(10):
        await loop.look()
    (notice,) = [one for one in await board.alerts.notices(item.id) if one.target != "dev"]
    assert (notice.state, notice.tries, notice.error) == ("due", 1, "127.0.0.1 answered 503.")
    pager.status = 200
    await board.clock.advance(30)
    await loop.look()
    assert len({key for key, _ in pager.got}) == 1
    assert len(pager.got) == 2
    assert len(await board.inbox.find()) == 1
    await loop.stop()


async def test_eight_processes_tell_it_once(board: Board, tmp_path: Path, pager: Pager) -> None:
    async with Board(board.url) as other:
        both = [
            alerting(one, tmp_path, str(number), alert_webhook=pager.url)
            for number, one in enumerate([board, other] * 4)
        ]
        await both[0][0](code="x", title="Something")
        await asyncio.gather(*(loop.look() for _, loop in both))
        await asyncio.gather(*(loop.look() for _, loop in both))
        for _, loop in both:
            await loop.stop()
    assert len(pager.got) == 1
    assert len(await board.messages.latest("dev")) == 1


async def test_secrets_in_what_happened_go_nowhere(
    board: Board, tmp_path: Path, pager: Pager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "a-token-of-the-test-77")
    monkeypatch.setenv("HOOK", "hook")
    address = pager.url.replace("/hook", "/${HOOK}?t=${SOME_TOKEN}")
    alert, loop = alerting(board, tmp_path, alert_webhook=address)
    words = "no: a-token-of-the-test-77"
    item = await alert(code="x", title=words, body=words, evidence={"a": [{"b": words}]})
    assert item is not None
    await loop.look()
    ((_, body),) = pager.got
    assert body["evidence"] == {"a": [{"b": "no: <secret>"}]}
    assert "a-token" not in json.dumps(body)
    said = [one.content for one in await board.messages.latest("dev")]
    assert said == ["@human no: <secret>. [inbox 1]\nno: <secret>"]
    kept = await board.inbox.get(item.id)
    assert "a-token" not in f"{kept}"
    await loop.stop()


DIES = """
import asyncio, sys
from pathlib import Path
from neveridle.board import Board
from neveridle.graph.alerting import Alert, Alerting
from neveridle.settings import Settings

async def main():
    url, command, holder = sys.argv[1:]
    settings = Settings.model_validate({"escalation": {"alert_command": command}})
    settings = settings.model_copy(update={"root": Path.cwd()})
    async with Board(url) as board:
        alert = Alert(board, settings)
        await alert(code="x", title="Something")
        await Alerting(board, settings, alert, holder=holder).look()
        print("lived")

asyncio.run(main())
"""
KILLS = """
import os, pathlib, signal
with open("keys", "a") as keys:
    keys.write(os.environ["NEVERIDLE_KEY"] + "\\n")
if not pathlib.Path("killed").exists():
    pathlib.Path("killed").touch()
    os.kill(os.getppid(), signal.SIGKILL)
"""


async def test_a_kill_between_sending_and_noting_is_one_more_send_with_the_same_key(
    board: Board, tmp_path: Path
) -> None:
    (tmp_path / "dies.py").write_text(DIES, encoding="utf-8")
    (tmp_path / "kills.py").write_text(KILLS, encoding="utf-8")
    command = f"{shlex.quote(sys.executable)} -P kills.py"

    async def process(holder: str) -> tuple[int | None, bytes]:
        one = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "dies.py", board.url, command, holder,
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, _ = await one.communicate()
        return one.returncode, out

    keys = tmp_path / "keys"
    assert await process("a") == (-9, b"")
    assert await process("b") == (0, b"lived\n")
    assert len(keys.read_text().splitlines()) == 1, "it may still be on its way"
    await board.clock.advance(HOLD)
    assert await process("c") == (0, b"lived\n")
    await board.clock.advance(HOLD)
    assert await process("d") == (0, b"lived\n")
    one, two = keys.read_text().splitlines()
    assert one == two
    (item,) = await board.inbox.find()
    assert (item.count, item.raises) == (4, 1)
    (notice,) = [n for n in await board.alerts.notices(item.id) if n.target != "dev"]
    assert (notice.state, notice.tries) == ("sent", 2)


async def test_a_team_tells_while_it_runs_and_again_when_nobody_reacts(
    project: Any, hands: Any, until: Until
) -> None:
    tells = shlex.join([sys.executable, "-c", 'open("told", "a").write("x")'])
    project.use("escalation", alert_command=tells, remind=100.0, reminders=1)
    await project.script()
    told = project.root / "told"
    async with project.team(worker=hands) as team:
        await team.alert(code="x", title="Something")
        await until(told.exists)
        await until(lambda: told.read_text() == "x")
        await team.board.clock.advance(100)
        await until(lambda: told.read_text() == "xx")
        await team.board.clock.advance(10_000)
    assert told.read_text() == "xx"
