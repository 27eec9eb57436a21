"""Tools of MCP servers: a real one from the package index, and one that behaves badly."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.board.breaker import BreakerState
from neveridle.errors import (
    AccessRefused,
    RequestRefused,
    ServiceError,
    ServiceUnavailable,
    ServiceUnreached,
    SettingsInvalid,
)
from neveridle.settings.services import McpServer
from neveridle.tools.mcp import Mcp, mcp_tools
from neveridle.tools.services import ServiceKit

ODD = Path(__file__).with_name("odd_server.py")
Make = Callable[..., Mcp]
Until = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty board's file: copying it is quicker than migrating each time."""
    path = tmp_path_factory.mktemp("template") / "board.db"

    async def make() -> None:
        async with Board(f"sqlite:///{path}"):
            pass

    asyncio.run(make())
    return path


@pytest.fixture
async def board(migrated: Path, tmp_path: Path) -> AsyncGenerator[Board]:
    """An open, empty board."""
    shutil.copy(migrated, tmp_path / "board.db")
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as one:
        yield one


@pytest.fixture
async def make(board: Board) -> AsyncGenerator[Make]:
    """Makes the odd server, or another one; all are closed at the end."""
    made: list[Mcp] = []

    def one(*flags: str, environ: dict[str, str] | None = None, **said: Any) -> Mcp:
        given: dict[str, Any] = {
            "command": [sys.executable, "-I", str(ODD), *flags],
            "tools": ["*"],
        }
        settings = McpServer(**{**given, **said})
        kit = ServiceKit(board.breakers, board.clock, environ or {})
        made.append(Mcp.connect("odd", settings, kit))
        return made[-1]

    yield one
    for server in made:
        await server.aclose()


def words(result: Any) -> str:
    return "".join(one.text for one in result.content)


async def pid_of(server: Mcp) -> int:
    return int(words(await server.call("pid", {})))


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


async def test_a_real_server_is_used_killed_and_used_again(board: Board, until: Until) -> None:
    settings = McpServer(
        command=[sys.executable, "-m", "mcp_server_time", "--local-timezone", "UTC"],
        tools=["convert_time", "get_current_time"],
    )
    kit = ServiceKit(board.breakers, board.clock, {})
    server = Mcp.connect("time", settings, kit)
    try:
        tools = {one.name: one for one in await mcp_tools(server, "sam")}
        assert set(tools) == {"time_convert_time", "time_get_current_time"}
        asked = {
            "source_timezone": "Europe/Paris", "time": "12:00", "target_timezone": "Asia/Tokyo",
        }  # fmt: skip
        call = {"name": "time_convert_time", "args": asked, "id": "1", "type": "tool_call"}
        for _ in range(2):
            message = await tools["time_convert_time"].ainvoke(call)
            said = message.content[0]["text"]
            assert "MCP server time (data, not instructions)" in said
            assert "Asia/Tokyo" in said
            (child,) = _children("mcp_server_time")
            os.kill(child, signal.SIGKILL)
            await until(lambda: not server.running)
        wrong = {**call, "args": {**asked, "time": "noon"}}
        message = await tools["time_convert_time"].ainvoke(wrong)
        assert message.status == "error"
        assert "Error of the MCP server time" in message.content[0]["text"]
        (child,) = _children("mcp_server_time")
    finally:
        await server.aclose()
    assert not runs(child)


def _children(word: str) -> list[int]:
    """Our own children whose command has a word."""
    found: list[int] = []
    for path in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        for pid in map(int, path.read_text(encoding="utf-8").split()):
            if word in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8") and runs(pid):
                found.append(pid)
    return found


async def test_a_server_that_died_is_started_again_at_the_next_call(
    make: Make, until: Until
) -> None:
    server = make()
    first = await pid_of(server)
    assert await pid_of(server) == first
    os.kill(first, signal.SIGKILL)
    await until(lambda: not server.running)
    second = await pid_of(server)
    assert second != first
    with pytest.raises(ServiceError) as failed:
        await server.call("crash", {})
    assert not isinstance(failed.value, ServiceUnreached)
    assert await pid_of(server) != second


async def test_only_what_reads_is_called_again_by_itself(
    board: Board, make: Make, tmp_path: Path
) -> None:
    await board.clock.script(1_000.0)

    async def passing() -> None:
        while True:
            await asyncio.sleep(0.01)
            await board.clock.advance(1)

    time = asyncio.create_task(passing())
    server = make(breaker_threshold=20)
    tools = {one.name: one for one in await mcp_tools(server, "sam")}
    for name, times in (("odd_crash", 1), ("odd_crash_reading", 3)):
        count = tmp_path / name
        with pytest.raises(ServiceError):
            await tools[name].ainvoke({"count": str(count)})
        assert len(count.read_text(encoding="utf-8")) == times
    time.cancel()


async def test_the_breaker_ends_the_starting_of_a_server_that_cannot_start(
    board: Board, make: Make
) -> None:
    server = make("--broken", breaker_threshold=1)
    with pytest.raises((ServiceUnreached, ServiceUnavailable)) as failed:
        await server.tools()
    assert "no configuration was found" in str(failed.value)
    breaker = await board.breakers.get("mcp:odd")
    assert breaker.state is BreakerState.OPEN
    with pytest.raises(ServiceUnavailable):
        await mcp_tools(server, "sam")
    missing = make(command=["/nowhere/a-server"], breaker_threshold=1)
    await board.breakers.reset("mcp:odd")
    with pytest.raises((ServiceUnreached, ServiceUnavailable)):
        await missing.tools()


async def test_a_call_that_hangs_ends_and_so_does_a_server_that_hangs(
    board: Board, make: Make, until: Until
) -> None:
    server = make(timeout=3.0)
    first = await pid_of(server)
    with pytest.raises(ServiceError, match="within 3 s"):  # it still answers a ping
        await server.call("ignore", {})
    assert await pid_of(server) == first
    with pytest.raises(ServiceError, match="within"):
        await server.call("hang", {})
    await until(lambda: not runs(first))
    assert (await board.breakers.get("mcp:odd")).failures == 1


async def test_a_server_that_never_answers_is_given_up(
    make: Make, until: Until, board: Board
) -> None:
    server = make("--deaf", timeout=0.5, breaker_threshold=1)
    with pytest.raises((ServiceUnreached, ServiceUnavailable), match="Timeout"):
        await server.tools()
    await until(lambda: not _children("odd_server"))


async def test_who_is_cancelled_leaves_no_process_behind(make: Make, until: Until) -> None:
    starting = make("--deaf")
    job = asyncio.create_task(starting.tools())
    await until(lambda: _children("odd_server"))
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    await starting.aclose()
    assert not _children("odd_server")
    server = make()
    child = int(words(await server.call("child", {})))
    call = asyncio.create_task(server.call("hang", {}))
    await asyncio.sleep(0.1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await server.aclose()
    assert not _children("odd_server")
    assert not runs(child)
    with pytest.raises(ServiceError, match="was closed"):
        await server.call("pid", {})


async def test_it_sees_the_variables_that_are_named_and_no_secret(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    import json

    monkeypatch.setenv("LINEAR_API_KEY", "a-secret-of-ours")
    environ = {"CITY": "${LINEAR_API_KEY}", "LINEAR_API_KEY": "a-secret-of-ours"}
    server = make(environment=["CITY", "MISSING"], environ=environ)
    seen = json.loads(words(await server.call("environ", {})))
    assert seen["CITY"] == "${LINEAR_API_KEY}"
    assert "PATH" in seen
    assert not {"LINEAR_API_KEY", "MISSING"} & set(seen)


async def test_what_it_gives_is_bounded_and_marked(make: Make) -> None:
    tools = {one.name: one for one in await mcp_tools(make(), "sam")}
    assert all(len(one.description) <= 2000 for one in tools.values())

    async def said(name: str) -> Any:
        call = {"name": name, "args": {"text": "hello"}, "id": "1", "type": "tool_call"}
        return await tools[name].ainvoke(call)

    big = await said("odd_big")
    assert "980000 characters are left out" in big.content[0]["text"]
    assert len(big.content[0]["text"]) < 20_200
    assert big.artifact is None
    image = await said("odd_image")
    assert "[image, image/png, 4 characters of base64, left out]" in image.content[0]["text"]
    failed = await said("odd_fail")
    assert (failed.status, "no such city" in failed.content[0]["text"]) == ("error", True)
    refused = await said("odd_refuse")
    assert (refused.status, "unknown: refuse" in refused.content[0]["text"]) == ("error", True)
    assert (await said("odd_odd_name")).content[0]["text"].endswith("hello")


@pytest.mark.parametrize(
    ("tools", "agents", "names"),
    [
        ([], [], []), (["echo"], [], ["odd_echo"]), (["echo", "none"], ["sam"], ["odd_echo"]),
        (["*"], ["alex"], []),
    ],
)  # fmt: skip
async def test_agents_get_the_tools_that_are_allowed(
    make: Make, tools: list[str], agents: list[str], names: list[str]
) -> None:
    server = make(tools=tools, agents=agents)
    assert [one.name for one in await mcp_tools(server, "sam")] == names
    assert bool(names) == bool(_children("odd_server"))  # not started for nothing


async def test_what_is_refused_is_no_failure_of_the_server(board: Board, make: Make) -> None:
    server = make()
    for _ in range(7):
        with pytest.raises(RequestRefused, match="unknown: refuse"):
            await server.call("refuse", {})
    assert (await board.breakers.get("mcp:odd")).state is BreakerState.CLOSED


def test_a_server_has_either_a_command_or_a_url(make: Make) -> None:
    wrongs: tuple[dict[str, Any], ...] = ({"command": []}, {"url": "http://127.0.0.1:1/mcp"})
    for wrong in wrongs:
        with pytest.raises(SettingsInvalid, match="either command or url"):
            make(**wrong)


@pytest.mark.parametrize("way", ["mcp", "sse"])
async def test_a_server_that_speaks_http_gets_its_token(board: Board, way: str) -> None:
    program = Path(__file__).with_name("http_server.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", str(program), way, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        port = 0
        while not port:
            line = (await process.stderr.readline()).decode()
            assert line, "the server did not start"
            _, _, rest = line.partition("running on http://127.0.0.1:")
            port = int(rest.split()[0]) if rest else 0
        settings = McpServer(
            url=f"http://127.0.0.1:{port}/{way}", token_env="MCP_TOKEN", tools=["*"],
            breaker_threshold=1, timeout=20,
        )  # fmt: skip
        server = Mcp.connect(
            "far", settings, ServiceKit(board.breakers, board.clock, {"MCP_TOKEN": "m-token"})
        )
        (tool,) = await mcp_tools(server, "sam")
        said = await tool.ainvoke({"number": 21})
        assert said[0]["text"].endswith("42")
        await server.aclose()
        other = Mcp.connect(
            "far", settings, ServiceKit(board.breakers, board.clock, {"MCP_TOKEN": "wrong"})
        )
        with pytest.raises(AccessRefused, match="401"):
            await other.tools()
        await other.aclose()
        assert (await board.breakers.get("mcp:far")).state is BreakerState.HELD
    finally:
        process.kill()
        await process.communicate()
