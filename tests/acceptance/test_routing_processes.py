"""A service that limits us is left alone by all processes; what does not need it goes on."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import threading
from collections.abc import Awaitable, Callable, Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import AttemptState, Board, NewTask, Source, TaskState

LIMIT = 600.0


class Limited:
    """A service that answers 429 at first, and holds back the answer after that.

    Attributes:
        log: what happened, in order: the path that arrived, and the same with "answered".
        limits: whether it limits.
        answers: lets it answer what it holds back.
    """

    def __init__(self) -> None:
        self.log: list[str] = []
        self.limits = True
        self.answers = threading.Event()
        self.url = ""

    @property
    def arrived(self) -> list[str]:
        """The requests that arrived, in order."""
        return [line for line in self.log if "answered" not in line]


@pytest.fixture
def service() -> Generator[Limited]:
    one, lock = Limited(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with lock:
                one.log.append(self.path)
                limits = one.limits
            if not limits:
                one.answers.wait(60)
            data = json.dumps({}).encode()
            with lock:
                one.log.append(f"{self.path} answered")
            self.send_response(429 if limits else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Retry-After", str(LIMIT))
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    one.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield one
    one.answers.set()
    server.shutdown()
    server.server_close()
    thread.join()


async def add(board: Board, title: str, *services: str) -> int:
    """A task for whoever can."""
    task = await board.tasks.add(NewTask(source=Source.BACKLOG, title=title, services=services))
    return task.id


async def states(board: Board, prefix: str) -> set[TaskState]:
    """The states of the tasks whose titles begin so."""
    return {one.state for one in await board.tasks.find() if one.title.startswith(prefix)}


@pytest.mark.postgres_in_chaos
async def test_no_process_asks_before_the_reset_and_one_asks_first_then(
    project: Any,
    service: Limited,
    fork: Callable[..., Any],
    until: Callable[[Callable[[], object]], Awaitable[None]],
) -> None:
    (project.root / "url").write_text(service.url, "utf-8")
    shutil.copy(Path(__file__).with_name("routing_given.py"), project.root / "given.py")
    for name in ("leo", "kim"):
        project.soul(name)
    await project.script()

    async with project.board() as board:

        async def come(condition: Callable[[], Awaitable[bool]], *, step: float = 0.0) -> None:
            """Until the board says so; its time goes on by ``step`` with each look."""
            while not await condition():
                if step:
                    await board.clock.advance(step)
                await asyncio.sleep(0.05)

        async def seen(kind: str, count: int = 1, task: int | None = None) -> bool:
            events = await board.events.find(kind=kind, limit=1000)
            return sum(task in (None, one.task_id) for one in events) >= count

        needing = [await add(board, f"service, declared {n}", "vercel") for n in range(3)]
        needing += [await add(board, f"service, not declared {n}") for n in range(3)]
        others = [await add(board, f"other {n}") for n in range(6)]

        children = [fork("to its end") for _ in range(2)]
        await come(lambda: seen("service.opened"))

        async def settled() -> bool:
            """Everything else is done, and who did not know that it needs the service does."""
            learnt = [await board.tasks.get(one) for one in needing]
            return await states(board, "other") == {TaskState.COMPLETED} and all(
                one.services and one.state is TaskState.PENDING for one in learnt
            )

        await come(settled)
        # What had been let through when the breaker opened was on its way; nobody asked twice.
        asked = service.arrived
        assert len(set(asked)) == len(asked) <= len(needing)

        victim = children.pop(0)
        victim.signal(signal.SIGKILL)
        victim.wait()
        children.append(fork("to its end"))
        await come(lambda: seen("run.started", 9))
        late = await add(board, "service, late")
        await come(lambda: seen("task.needs_service", task=late))
        await board.clock.advance(LIMIT - 1)
        other = await add(board, "other, late")

        async def late_done() -> bool:
            return (await board.tasks.get(other)).state is TaskState.COMPLETED

        await come(late_done)
        assert service.arrived == asked
        assert await states(board, "service") == {TaskState.PENDING}

        service.limits = False
        await board.clock.advance(2)
        await until(lambda: len(service.arrived) > len(asked))
        probed = service.arrived[-1]
        service.answers.set()

        async def all_done() -> bool:
            return await states(board, "") == {TaskState.COMPLETED}

        await come(all_done, step=0.05)
        for child in children:
            child.signal(signal.SIGTERM)
        assert service.log[2 * len(asked) :][:2] == [probed, f"{probed} answered"]
        everything = await board.tasks.find()
        assert len(everything) == len(needing) + len(others) + 2
        assert {one.failures for one in everything} == {0}
        for one in everything:
            attempts = await board.attempts.of(one.id)
            assert AttemptState.FAILED not in {attempt.state for attempt in attempts}
            assert {attempt.number for attempt in attempts} == {1}
            if one.title.startswith("service"):
                assert one.services == ("vercel",)
        said = [message.content for message in await board.messages.latest("dev", limit=1000)]
        assert sum("vercel is not called for 600 s" in one for one in said) == 1
