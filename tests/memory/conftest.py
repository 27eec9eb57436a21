"""Memories over real boards, in the folder of the test."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from neveridle.board import Board
from neveridle.board.memories import Memories
from neveridle.memory import Embedder, HashingEmbedder, Memory, MemoryStore


class CountingEmbedder:
    """The hashing embedder, counting what it was asked."""

    def __init__(self, inner: Embedder) -> None:
        self.inner = inner
        self.texts: list[str] = []

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def dimensions(self) -> int:
        return self.inner.dimensions

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        self.texts += texts
        return await self.inner.embed(texts)


@pytest.fixture(scope="session")
def board_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of an empty board: copying it is quicker than migrating each time."""
    path = tmp_path_factory.mktemp("template") / "board.db"

    async def make() -> None:
        async with Board(f"sqlite:///{path}"):
            pass

    asyncio.run(make())
    return path


@pytest.fixture
async def open_board(
    tmp_path: Path, board_template: Path
) -> AsyncGenerator[Callable[..., Awaitable[Board]]]:
    """Opens boards of their own files beside the test's folder, and closes them."""
    folder = tmp_path.with_name(f"{tmp_path.name} boards")
    folder.mkdir()
    async with AsyncExitStack() as stack:

        async def make(name: str = "board.db") -> Board:
            if not (folder / name).exists():
                shutil.copy(board_template, folder / name)
            return await stack.enter_async_context(Board(f"sqlite:///{folder / name}"))

        yield make


@pytest.fixture
async def board(open_board: Callable[..., Awaitable[Board]]) -> Board:
    return await open_board()


@pytest.fixture
def store(board: Board) -> Memories:
    return board.memories


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The team's folder, empty."""
    return tmp_path


@pytest.fixture
def embedder() -> CountingEmbedder:
    return CountingEmbedder(HashingEmbedder())


@pytest.fixture
async def open_memory(
    store: Memories, embedder: CountingEmbedder, tmp_path: Path
) -> AsyncGenerator[Callable[..., Memory]]:
    """Makes memories over the same store and home, and closes them."""
    made: list[Memory] = []

    def make(
        *, store: MemoryStore = store, embedder: Embedder = embedder, home: Path = tmp_path
    ) -> Memory:
        made.append(Memory(store, home=home, embedder=embedder))
        return made[-1]

    yield make
    for memory in made:
        await memory.close()


@pytest.fixture
def memory(open_memory: Callable[..., Memory]) -> Memory:
    return open_memory()
