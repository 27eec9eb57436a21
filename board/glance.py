"""A glance at the board: what ``neveridle status`` shows, without SQLAlchemy."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

from neveridle.board.board import database_for


async def glance(url: str, kinds: Sequence[str] = ()) -> dict[str, Any]:
    """How the board stands; a board that is not there is not made.

    The shape is that of ``Board.status``, and more: see ``Glances.look``. ``Board`` itself
    imports SQLAlchemy, which takes longer than all the rest of the command.

    Args:
        url: as for ``Board``.
        kinds: the kinds of events that are shown.

    Raises:
        BoardUnusable: there is no board, or it cannot be used.
    """
    async with Glances(url, kinds) as glances:
        return await glances.look()


class Glances:
    """Looks at a board again and again, through one connection. Use as ``async with``.

    Args:
        url: as for ``Board``.
        kinds: the kinds of events that are shown.

    Raises:
        BoardUnusable: when opened or asked: there is no board, or it cannot be used.
    """

    def __init__(self, url: str, kinds: Sequence[str] = ()) -> None:
        self._database = database_for(url)
        self._kinds = kinds

    async def __aenter__(self) -> Glances:
        await self._database.open(create=False)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._database.close()

    async def stamp(self) -> tuple[float, int, int]:
        """The board's time, its version, and its newest event: one cheap read."""
        return await self._database.hot.stamp()

    async def look(self) -> dict[str, Any]:
        """Everything: the numbers of ``Board.status``, and who does what.

        Besides: ``controls``, ``doing`` (attempts at work), ``living`` (by agent: when its
        newest run began), ``stopped`` (agents that stopped themselves), ``services`` (those
        that are not closed), ``budgets``, ``inbox``, ``inbox_counts``, ``events`` (the newest
        first) and ``next_due``.
        """
        hot = self._database.hot
        numbers, more = await hot.status(), await hot.glance(self._kinds)
        return {**numbers, **more, "next_due": await hot.next_due()}
