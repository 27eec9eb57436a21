"""Budgets on PostgreSQL: prepared statements, one round trip each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neveridle.board.budget import MARGIN, MOST, ONCE, REMEMBERED, Call, Cap, Standing
from neveridle.board.budget import overrun_scope as overrun
from neveridle.board.budget_paths import COLUMNS, LOST, details
from neveridle.board.postgres.hop import Hop
from neveridle.board.postgres.session import Rows
from neveridle.board.postgres.wire import Statement
from neveridle.board.queries import load_queries
from neveridle.board.storable import storable

ROUNDS = 3
"""Looks at windows of which some were missing; they are made in between."""


class PostgresBudgets:
    """See ``neveridle.board.budget_paths.BudgetPaths``.

    Args:
        quickly: runs work on the connection whose commits survive the process's death.
        durably: runs work on the connection whose commits survive a power cut; where the
            caller was cancelled meanwhile, what it did is undone.
    """

    def __init__(self, quickly: Hop, durably: Hop) -> None:
        self._quickly = quickly
        self._durably = durably
        queries = load_queries("neveridle.board.postgres", "budgets.sql")
        words = {"columns": COLUMNS, "margin": MARGIN, "most": MOST, "once": ONCE,
                 "remembered": REMEMBERED, "lost": LOST}  # fmt: skip
        self._hot = {
            name: Statement.named(f"budgets_{name}", query.format(**words))
            for name, query in queries.items()
        }

    async def reserve(self, call: Call, caps: Sequence[Cap]) -> int | Cap | None:
        """See ``BudgetPaths``."""
        windows = {
            "scopes": [storable(cap.scope) for cap in caps],
            "windows": [cap.window for cap in caps],
        }
        values: dict[str, Any] = {
            **windows, "count": len(caps), "limit_tokens": [cap.tokens for cap in caps],
            "limit_nanos": [cap.nanos for cap in caps], "overrun": storable(overrun(call.model)),
            "tokens": call.tokens, "nanos": call.nanos, "run": storable(call.run),
            "agent": storable(call.agent), "task": call.task, "fence": call.fence,
            "purpose": storable(call.purpose), "model": storable(call.model),
            "details": details(call, caps), "seconds": call.seconds,
        }  # fmt: skip

        async def work(c: Rows) -> int | Cap | None:
            for _ in range(ROUNDS):
                found, never, _, made = (await c.fetch(self._hot["reserve"], values))[0]
                if found == len(caps):
                    if never:
                        return caps[int(never) - 1]
                    return None if made is None else int(made)
                ends = [cap.ends_at for cap in caps]
                await c.fetch(self._hot["begin"], {**windows, "ends": ends})
            return None  # somebody removes them as fast: as if others were on their way

        return await self._durably(work, self._unreserve)

    async def _unreserve(self, c: Rows, found: int | Cap | None) -> None:
        """Nobody got the reservation, so nobody makes the call."""
        if isinstance(found, int):
            await c.fetch(self._hot["settle"], _settled(found, 0, 0, None))

    async def settle(self, reservation: int, tokens: int, nanos: int, event: str) -> bool:
        """See ``BudgetPaths``."""
        return bool(await self._count("settle", _settled(reservation, tokens, nanos, event)))

    async def cancel(self, reservation: int) -> bool:
        """See ``BudgetPaths``."""
        return bool(await self._count("settle", _settled(reservation, 0, 0, None)))

    async def lose(self) -> int:
        """See ``BudgetPaths``."""
        return await self._count("lose", {})

    async def _count(self, name: str, values: Mapping[str, Any]) -> int:
        async def work(c: Rows) -> int:
            return int((await c.fetch(self._hot[name], values))[0][0])

        return await self._quickly(work)

    async def standing(self, scopes: Sequence[tuple[str, str]]) -> list[Standing]:
        """See ``BudgetPaths``."""
        names = [storable(scope) for scope, _ in scopes]
        values = {"scopes": names, "windows": [window for _, window in scopes]}
        return await self._standings("standing", values)

    async def closed(self) -> list[Standing]:
        """See ``BudgetPaths``."""
        return await self._standings("closed", {})

    async def running(self) -> list[Standing]:
        """See ``BudgetPaths``."""
        return await self._standings("running", {})

    async def _standings(self, name: str, values: Mapping[str, Any]) -> list[Standing]:
        rows = await self._quickly(lambda c: c.fetch(self._hot[name], values))
        return [Standing(*row) for row in rows]


def _settled(reservation: int, tokens: int, nanos: int, event: str | None) -> dict[str, Any]:
    """The parameters of ``settle``; no event: the call was not made."""
    return {"id": reservation, "tokens": tokens, "nanos": nanos, "calls": int(event is not None),
            "event": event}  # fmt: skip
