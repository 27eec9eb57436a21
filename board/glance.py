"""A glance at the board: the numbers behind ``neveridle status``, without SQLAlchemy."""

from __future__ import annotations

from typing import Any

from neveridle.board.board import database_for


async def glance(url: str) -> dict[str, Any]:
    """How the board stands; a board that is not there is not made.

    The shape is that of ``Board.status``. ``Board`` itself imports SQLAlchemy, which takes
    longer than all the rest of the command.

    Args:
        url: as for ``Board``.

    Raises:
        BoardUnusable: there is no board, or it cannot be used.
    """
    database = database_for(url)
    await database.open(create=False)
    try:
        return await database.hot.status()
    finally:
        await database.close()
