"""Memory as the commands have it: the team's board, index and model, opened for one call."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from neveridle.errors import SoulInvalid

if TYPE_CHECKING:
    from neveridle.board import Board
    from neveridle.memory import Memory
    from neveridle.settings import Settings

T = TypeVar("T")


def on_memory(
    settings: Settings, work: Callable[[Memory, Board], Awaitable[T]], *, create: bool
) -> T:
    """What ``work`` returns, given the open memory and its board.

    A team may run meanwhile: it owns the index then, and what is added here is found there.

    Args:
        settings: where it is.
        work: what to do with it.
        create: whether the board is made where it is not there.

    Raises:
        BoardUnusable: the board cannot be opened, or is not there.
    """
    from neveridle.board import Board
    from neveridle.memory import Memory, embedder_for

    async def whole() -> T:
        async with Board(settings.board_url, create=create) as board:
            memory = Memory(
                board.memories,
                home=settings.home,
                embedder=embedder_for(settings.memory.embedding),
                settings=settings.memory,
                souls=souls_of(settings),
            )
            try:
                return await work(memory, board)
            finally:
                await memory.close()

    return asyncio.run(whole())


def souls_of(settings: Settings) -> dict[str, str]:
    """The text of each soul by its agent's name; none where there are none, or a broken one."""
    from neveridle.cli.project import roster_of

    try:
        return {agent.name: agent.soul.text for agent in roster_of(settings)}
    except SoulInvalid:  # memory works without a team; the run and `doctor` say what is wrong
        return {}
