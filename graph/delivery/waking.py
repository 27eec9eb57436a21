"""What a webhook tells: the pull request it is about is looked at at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.graph.delivery.standing import WAITS, waits_on

if TYPE_CHECKING:
    from neveridle.board import Board


async def wake_delivery(board: Board, *, number: int | None = None, commit: str = "") -> list[int]:
    """Let tasks be claimed now whose pull request something happened to; their ids.

    What happened is not taken from whoever tells: the pull request is looked at as always.

    Args:
        board: the board.
        number: the pull request's; None: it is not known.
        commit: else a commit that was checked, the head of a pull request.
    """
    if number is not None:
        return await board.tasks.awaken(waits_on(number))
    return await board.tasks.awaken(commit=commit, prefix=WAITS) if commit else []
