"""Dense indexes, embedded and on a real Chroma server, over real boards."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path

import pytest

from neveridle.board.memories import Memories
from neveridle.memory.embedding import Embedder
from neveridle.memory.index.dense import DenseIndex
from neveridle.memory.index.embedded import EmbeddedChroma
from neveridle.memory.index.feeder import Feeder
from neveridle.memory.index.server import ServedChroma
from neveridle.memory.indexing import feeder_of

_RUN = "from chromadb.cli.cli import app; app()"


class ChromaServer:
    """A Chroma server on this machine, which can be killed and started again where it was."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        where = ["--host", "127.0.0.1", "--port", str(self._port), "--path", str(self._folder)]
        command = [sys.executable, "-P", "-c", _RUN, "run", *where]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdout=quiet, stderr=quiet)
        while True:
            assert self._process.poll() is None, "the Chroma server ended"
            try:
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
            except OSError:
                continue
            return

    def kill(self) -> None:
        """Kill it, as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture(scope="session")
def chroma_server(tmp_path_factory: pytest.TempPathFactory) -> Generator[ChromaServer]:
    """One for all tests that do not kill it; each board has a collection of its own there."""
    server = ChromaServer(tmp_path_factory.mktemp("chroma"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def own_server(tmp_path: Path) -> Generator[ChromaServer]:
    """One to be killed, started."""
    server = ChromaServer(tmp_path.with_name(f"{tmp_path.name} chroma"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["embedded", "served"])
def index_url(request: pytest.FixtureRequest) -> str:
    """Where the index is: a server's URL, or empty for an embedded one."""
    if request.param == "embedded":
        return ""
    server: ChromaServer = request.getfixturevalue("chroma_server")
    return server.url


@pytest.fixture
def make_index(index_url: str, home: Path) -> Generator[Callable[..., DenseIndex]]:
    """Makes indexes in the same place, not open yet."""
    made: list[DenseIndex] = []

    def make(*, model: str = "one", board: str = home.name) -> DenseIndex:
        index: DenseIndex
        if index_url:
            index = ServedChroma(index_url, model=model, board=board)
        else:
            index = EmbeddedChroma(home / "memory", model=model, board=board)
        made.append(index)
        return index

    yield make
    for index in made:
        index.close()


@pytest.fixture
async def make_feeder(
    store: Memories, embedder: Embedder, home: Path, index_url: str
) -> AsyncGenerator[Callable[..., Feeder]]:
    """Makes feeders of the same index, and closes them."""
    made: list[Feeder] = []

    def make(
        *, store: Memories = store, embedder: Embedder = embedder, url: str = index_url
    ) -> Feeder:
        made.append(feeder_of(store, home=home, embedder=embedder, server=url))
        return made[-1]

    yield make
    for feeder in made:
        await feeder.close()
