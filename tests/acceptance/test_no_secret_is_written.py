"""Whatever fails in whatever way, no token is in any byte that was written."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from neveridle.board.effect import Safety
from neveridle.settings.services import ServiceSettings
from neveridle.tools.effects import Performer, Verb, service_tool
from neveridle.tools.services import ServiceHttp, ServiceKit

TOKENS = {
    "GITHUB_TOKEN": "marked-one-aaaaaaaaaaaa",
    "LINEAR_API_KEY": "marked-two-bbbbbbbbbbbb",
    "VERCEL_TOKEN": "marked-three-cccccccccc",
    "CONVEX_DEPLOY_KEY": "marked-four-ddddddddddd",
    "MY_PAT": "marked-five-eeeeeeeeeee",  # its name does not say what it is
    "OPENAI_API_KEY": "marked-six-ffffffffffff",
}
REMOTE = ("marked-seven-gggggggggg", "marked-eight-hhhhhhhhhh")
WAYS = ("200", "401", "403", "404", "422", "429", "500", "redirect", "broken", "cut")


@pytest.fixture
def echo() -> Generator[str]:
    """A service that repeats the token it got in all that it says."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            way = urlsplit(self.path).path[1:]
            told = f"{self.headers['Authorization']} and {dict(self.headers)}"
            if way == "cut":
                self.wfile.write(told.encode())
                self.close_connection = True
                return
            data = json.dumps({"message": told, told: 1}).encode()
            status = {"redirect": 302, "broken": 200}.get(way) or int(way)
            self.send_response(status, told)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Echo", told)
            if way == "429":
                self.send_header("Retry-After", "1")
            if way == "redirect":
                token = self.headers["Authorization"].split()[-1]
                self.send_header("Location", f"http://localhost:1/?token={token}")
            data = data[:-2] if way == "broken" else data
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class Way(ServiceSettings):
    """A service of the test."""


class Services:
    """One client for each way of failing and each token, and the tools on them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._clients: dict[str, ServiceHttp] = {}

    def open(self, team: Any) -> None:
        """Use an open team's board."""
        for number, way in enumerate(WAYS):
            variable = list(TOKENS)[number % len(TOKENS)]
            settings = Way(url=self._url, token_env=variable, attempts=1)
            kit = ServiceKit(team.board.breakers, team.board.clock)
            token = kit.token(settings)
            type(settings).name = f"way-{way}"
            self._clients[way] = ServiceHttp(
                kit.guard(settings), self._url, headers={"Authorization": f"Bearer {token}"}
            )
        team.verbs.add(self.verb)
        team.tool_makers.append(self.tools)

    async def aclose(self) -> None:
        """Close all of them."""
        for one in self._clients.values():
            await one.aclose()

    async def _call(self, asked: Any) -> Any:
        answer = await self._clients[asked.target].request("POST", f"/{asked.target}", body={})
        return {"said": answer.json(), "headers": dict(answer.headers)}

    @property
    def verb(self) -> Verb:
        """Writes."""
        return Verb(service="way", name="post", safety=Safety.AT_LEAST_ONCE, identity="content",
                    call=self._call)  # fmt: skip

    def tools(self, performer: Performer) -> Any:
        """One that reads, one that writes, and one with a bug."""

        async def ask(way: str) -> str:
            """Ask the service.

            Args:
                way: How it answers.
            """
            return (await self._clients[way].request("GET", f"/{way}")).text

        async def post(way: str) -> str:
            """Write to the service.

            Args:
                way: How it answers.
            """
            request = {"text": f"with {TOKENS['MY_PAT']} and {TOKENS['GITHUB_TOKEN']}"}
            return str((await performer.once(self.verb, way, request)).result)

        async def bug(way: str) -> str:
            """Fail.

            Args:
                way: How.
            """
            raise RuntimeError(f"Authorization: {TOKENS['MY_PAT']} for {way}")

        return [service_tool(one) for one in (ask, post, bug)]


def written(project: Any) -> dict[str, bytes]:
    """All files below the project, but for the repository's own configuration."""
    return {
        str(path.relative_to(project.root)): path.read_bytes()
        for path in Path(project.root).rglob("*")
        if path.is_file() and path != project.repo / ".git" / "config"
    }


def found_in(contents: dict[str, bytes]) -> list[tuple[str, str]]:
    """Which token is where; the half of a token is as bad as the whole."""
    marks = [token[: len("marked-x-") + 8].encode() for token in (*TOKENS.values(), *REMOTE)]
    return [(name, mark.decode()) for name, text in contents.items() for mark in marks
            if mark in text]  # fmt: skip


@pytest.mark.postgres_in_chaos
async def test_no_token_is_in_anything_that_is_written(
    project: Any, api: Any, echo: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.INFO)
    for name, token in TOKENS.items():
        monkeypatch.setenv(name, token)
    for number, token in enumerate(REMOTE):
        user = f"someone:{token}" if number else token
        project.git("remote", "add", f"r{number}", f"https://{user}@127.0.0.1:1/x.git")
    api.use(project)
    project.use("model", attempts=1, record="record.jsonl")
    project.use("memory", enabled=True)
    answer = api.answer

    def tells(body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        status, said = answer(body)
        if status >= 400:
            said["error"]["message"] = f"Incorrect API key: {TOKENS['OPENAI_API_KEY']}"
        return status, said

    monkeypatch.setattr(api, "answer", tells)
    services = Services(echo)
    await project.script()
    async with project.team() as team:
        services.open(team)
        for way in WAYS:
            for tool in ("ask", "post"):
                title = f"{tool} {way}"
                write = api.tool("write_file", path=f"{tool}{way}.txt", content="x\n")
                api.says(title, api.tool(tool, way=way), write, api.outcome())
                await team.dispatch("sam", title)
        api.says("bug", api.tool("bug", way="x"))
        await team.dispatch("sam", "bug", priority="high")
        api.says("model 500", 500)
        api.says("model 400", 400)
        for title in ("model 500", "model 400"):
            await team.dispatch("sam", title, priority="high")
        running = asyncio.create_task(team.run(until="forever"))
        left = [task.id for task in await team.board.tasks.find()]
        while left:  # the board's time stands still: each is tried once
            left = [one for one in left if not await team.board.attempts.of(one)]
            await asyncio.sleep(0.05)
        team.drain()
        report = await running
        team.leaving.clear()
        api.says("model 401", 401)
        await team.dispatch("sam", "model 401", priority="urgent")
        stopped = await team.run(until="idle")
        said = json.dumps([report.as_dict(), stopped.as_dict(), team.notices])
        asked = json.dumps(api.asked)
    await services.aclose()

    assert stopped.stopped["sam"]["code"] == "credentials-rejected"
    assert {"completed", "failed", "released", "blocked"} <= set(report.endings)
    contents = written(project)
    shown = {
        "report": said.encode(), "prompts": asked.encode(), "log": caplog.text.encode(),
        **{f"$ {one}": printed(project, one) for one in ("tasks list", "effects", "doctor")},
    }  # fmt: skip
    url = str(project.settings["team"].get("board", ""))
    if url:
        contents["postgres"] = rows(url)
    board = contents["postgres" if url else ".neveridle/board.db"]
    assert b"<secret>" in board
    assert b"marked-" not in board
    assert {"record.jsonl"} <= set(contents)
    assert found_in({**contents, **shown}) == []


def rows(url: str) -> bytes:
    """All rows of all tables of a database."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema')"
            " AND table_type = 'BASE TABLE'"
        ).fetchall()
        found = [connection.execute(f"TABLE {name}".encode()).fetchall() for (name,) in tables]
    return repr(found).encode()


def printed(project: Any, command: str) -> bytes:
    """What a command of ours prints about the project."""
    lines = [
        f"[{table}]\n" + "\n".join(f"{key} = {json.dumps(one)}" for key, one in values.items())
        for table, values in project.settings.items()
    ]
    (project.root / "neveridle.toml").write_text("\n".join(lines), "utf-8")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "neveridle", *command.split(), "--json"],
        cwd=project.root, env=dict(os.environ), capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr.decode()
    return done.stdout + done.stderr
