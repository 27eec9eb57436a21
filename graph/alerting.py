"""Alerts: what people are called for, each thing once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neveridle.board import Board
from neveridle.board.inbox_item import Item, ItemKind, NewItem
from neveridle.settings import Settings
from neveridle.tools.redact import redact


class Alert:
    """``team.alert``: puts an alert into the inbox; people are told of it beside the work.

    Args:
        board: the board.
        settings: the team's.
    """

    def __init__(self, board: Board, settings: Settings) -> None:
        self._board = board
        self._settings = settings

    async def __call__(
        self,
        *,
        code: str,
        title: str,
        body: str = "",
        evidence: Mapping[str, Any] | None = None,
        agent: str | None = None,
        task: int | None = None,
        level: str = "HUMAN_ALERT",
        about: str = "",
    ) -> Item:
        """Call a person; while the same is open, it only counts there.

        Args:
            code: what kind of thing it is, such as ``task-failed`` or an error's code.
            title: what happened, in a line.
            body: at length, with what to do.
            evidence: what shows it, as plain JSON without secrets.
            agent, task: whose it is; none: the team's.
            level: ``HUMAN_ALERT`` or ``EMERGENCY``.
            about: what it is about, where that is neither the task nor the agent, such as
                ``day:2026-01-31``: two alerts of one code about the same are one.
        """
        what = about or (str(task) if task is not None else agent or "team")
        new = NewItem(
            kind=ItemKind.ALERT, fingerprint=f"alert:{code}:{what}", title=redact(title),
            body=redact(body), level=level, evidence=evidence or {}, agent=agent, task=task,
        )  # fmt: skip
        return await self._board.inbox.put(new)
