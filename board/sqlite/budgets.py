"""Budgets on SQLite: plain ``sqlite3``, one hop to the board's thread each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, TypeVar

from neveridle.board.budget import (
    ONCE,
    REMEMBERED,
    Call,
    Cap,
    Fit,
    Standing,
    fit,
    heavier,
    learnt,
    overrun_scope,
)
from neveridle.board.budget_paths import COLUMNS, LOST, details, event_data
from neveridle.board.queries import load_queries
from neveridle.board.sqlite.connection import transaction
from neveridle.board.storable import storable

T = TypeVar("T")


class _Hop(Protocol):
    def __call__(
        self,
        work: Callable[[sqlite3.Connection], T],
        undo: Callable[[sqlite3.Connection, T], None] | None = None,
    ) -> Awaitable[T]: ...


class SqliteBudgets:
    """See ``neveridle.board.budget_paths.BudgetPaths``.

    Args:
        quickly: runs work on the connection whose commits survive the process's death.
        durably: runs work on the connection whose commits survive a power cut; where the
            caller was cancelled meanwhile, what it did is undone.
    """

    def __init__(self, quickly: _Hop, durably: _Hop) -> None:
        self._quickly = quickly
        self._durably = durably
        queries = load_queries("neveridle.board.sqlite", "budgets.sql")
        self._sql = {name: query.format(columns=COLUMNS) for name, query in queries.items()}

    async def reserve(self, call: Call, caps: Sequence[Cap]) -> int | Cap | None:
        """See ``BudgetPaths``."""
        return await self._durably(lambda c: self._reserve(c, call, caps), self._unreserve)

    def _reserve(
        self, connection: sqlite3.Connection, call: Call, caps: Sequence[Cap]
    ) -> int | Cap | None:
        sql = self._sql
        with transaction(connection) as c:
            factors = _row(c, sql["overrun"], (storable(overrun_scope(call.model)),))
            held = heavier(call, *(factors or (ONCE, ONCE)))
            later = False
            for cap in caps:
                one = self._window(c, cap)
                match fit(one, cap, held):
                    case Fit.NEVER:
                        self._close(c, call, cap, one)
                        return cap
                    case Fit.LATER:
                        later = True
                    case Fit.FITS:
                        pass
            if later:
                return None
            amounts = (held.tokens, held.nanos)
            c.executemany(
                sql["hold"], [(*amounts, storable(cap.scope), cap.window) for cap in caps]
            )
            made = c.execute(
                sql["reserve"],
                {**_whose(call), "purpose": storable(call.purpose), "model": storable(call.model),
                 "tokens": held.tokens, "nanos": held.nanos, "details": details(call, caps),
                 "seconds": call.seconds},
            )  # fmt: skip
            return int(made.lastrowid or 0)

    def _unreserve(self, connection: sqlite3.Connection, found: int | Cap | None) -> None:
        """Nobody got the reservation, so nobody makes the call."""
        if isinstance(found, int):
            self._cancel(connection, found)

    def _window(self, c: sqlite3.Connection, cap: Cap) -> Standing:
        key = (storable(cap.scope), cap.window)
        found = _row(c, self._sql["window"], key)
        if found is not None:
            return Standing(*found)
        c.execute(self._sql["begin"], (*key, cap.ends_at))
        return Standing(cap.scope, cap.window, cap.ends_at)

    def _close(self, c: sqlite3.Connection, call: Call, cap: Cap, one: Standing) -> None:
        limits = (cap.tokens, cap.nanos)
        if one.closed_at is not None and (one.cap_tokens, one.cap_nanos) == limits:
            return
        c.execute(self._sql["close"], (*limits, storable(cap.scope), cap.window))
        data = {
            "scope": cap.scope, "window": cap.window, "tokens": one.tokens, "nanos": one.nanos,
            "cap_tokens": cap.tokens, "cap_nanos": cap.nanos, "until": cap.ends_at,
        }  # fmt: skip
        self._log(c, "budget.reached", event_data(data), _whose(call))

    async def settle(self, reservation: int, tokens: int, nanos: int, event: str) -> bool:
        """See ``BudgetPaths``."""

        def work(connection: sqlite3.Connection) -> bool:
            with transaction(connection) as c:
                taken = self._take(c, reservation)
                if taken is None:
                    return False
                self._book(c, taken, tokens, nanos)
                self._learn(c, taken, tokens, nanos)
                self._log(c, "model.call", event, taken.whose)
                return True

        return await self._quickly(work)

    async def cancel(self, reservation: int) -> bool:
        """See ``BudgetPaths``."""
        return await self._quickly(lambda c: self._cancel(c, reservation))

    def _cancel(self, connection: sqlite3.Connection, reservation: int) -> bool:
        with transaction(connection) as c:
            taken = self._take(c, reservation)
            if taken is not None:
                self._book(c, taken, 0, 0, calls=0)
            return taken is not None

    async def lose(self) -> int:
        """See ``BudgetPaths``."""

        def work(connection: sqlite3.Connection) -> int:
            with transaction(connection) as c:
                found = [int(row[0]) for row in c.execute(self._sql["lost"], (LOST,)).fetchall()]
                for one in found:
                    taken = self._take(c, one)
                    assert taken is not None  # nobody else writes meanwhile
                    self._book(c, taken, taken.tokens, taken.nanos)
                    data = {"model": taken.model, "tokens": taken.tokens, "nanos": taken.nanos}
                    self._log(c, "budget.call_lost", event_data(data), taken.whose)
                return len(found)

        return await self._quickly(work)

    def _take(self, c: sqlite3.Connection, reservation: int) -> _Taken | None:
        rows = c.execute(self._sql["take"], (reservation,)).fetchall()
        return _Taken(tuple(rows[0])) if rows else None

    def _book(
        self, c: sqlite3.Connection, taken: _Taken, tokens: int, nanos: int, calls: int = 1
    ) -> None:
        spent = (tokens, nanos, calls, taken.tokens, taken.nanos)
        c.executemany(self._sql["book"], [(*spent, *key) for key in taken.windows])

    def _learn(self, c: sqlite3.Connection, taken: _Taken, tokens: int, nanos: int) -> None:
        factors = learnt(taken.promised[0], tokens), learnt(taken.promised[1], nanos)
        if max(factors) > ONCE:
            c.execute(
                self._sql["learn"],
                {"scope": overrun_scope(taken.model), "remembered": REMEMBERED,
                 "tokens": factors[0], "nanos": factors[1]},
            )  # fmt: skip

    def _log(self, c: sqlite3.Connection, kind: str, data: str, whose: dict[str, Any]) -> None:
        c.execute(self._sql["event"], {"kind": kind, "data": data, **whose})

    async def standing(self, scopes: Sequence[tuple[str, str]]) -> list[Standing]:
        """See ``BudgetPaths``."""

        def work(c: sqlite3.Connection) -> list[Standing]:
            keys = [(storable(scope), window) for scope, window in scopes]
            found = (_row(c, self._sql["window"], key) for key in keys)
            return [Standing(*row) for row in found if row is not None]

        return await self._quickly(work)

    async def closed(self) -> list[Standing]:
        """See ``BudgetPaths``."""
        return await self._standings("closed")

    async def running(self) -> list[Standing]:
        """See ``BudgetPaths``."""
        return await self._standings("running")

    async def _standings(self, name: str) -> list[Standing]:
        rows = await self._quickly(lambda c: c.execute(self._sql[name]).fetchall())
        return [Standing(*row) for row in rows]


class _Taken:
    """A reservation that is over."""

    __slots__ = ("model", "nanos", "promised", "tokens", "whose", "windows")

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.tokens, self.nanos, scopes, self.model, agent, run, task, fence = row
        known = json.loads(scopes)
        self.promised: tuple[int, int] = known["promised"]
        self.windows: list[list[str]] = known["windows"]
        self.whose = {"agent": agent, "run": run, "task": task, "fence": fence}


def _whose(call: Call) -> dict[str, Any]:
    return {"agent": storable(call.agent), "run": storable(call.run), "task": call.task,
            "fence": call.fence}  # fmt: skip


def _row(c: sqlite3.Connection, query: str, values: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """One row as a plain tuple."""
    cursor = c.cursor()
    cursor.row_factory = None  # made for names, which nobody asks for here
    found: tuple[Any, ...] | None = cursor.execute(query, values).fetchone()
    return found
