"""What models have cost and may still cost, counted for all processes of the team."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from neveridle.board.budget import Call, Cap, Fit, Standing, fit
from neveridle.board.database import Database
from neveridle.board.rows import decoded
from neveridle.board.schema import budgets, reservations
from neveridle.board.sql import NOW, log
from neveridle.errors import BudgetReached

FIELDS = tuple(Standing.__dataclass_fields__)


class Budgets:
    """``board.budgets``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def reserve(self, call: Call, caps: Sequence[Cap]) -> int | None:
        """Hold the worst case of a call in all of its budgets, or in none.

        Args:
            call: what it may cost.
            caps: the budgets it counts in.

        Returns:
            The reservation's id, for ``settle`` or ``cancel``; None: it may fit once other
            calls have ended.

        Raises:
            BudgetReached: it does not fit; that window is closed from now on.
        """

        def work(c: Connection) -> int | BudgetReached | None:
            ordered = sorted(caps, key=lambda cap: (cap.scope, cap.window))  # no deadlock
            found = [(cap, _locked(c, cap)) for cap in ordered]
            fits = [(cap, one, fit(one, cap, call)) for cap, one in found]
            for cap, one, how in fits:
                if how is Fit.NEVER:
                    return _close(c, call, cap, one)
            if any(how is Fit.LATER for _, _, how in fits):
                return None
            for cap in ordered:
                c.execute(
                    update(budgets)
                    .where(_is(cap.scope, cap.window))
                    .values(
                        held_tokens=budgets.c.held_tokens + call.tokens,
                        held_nanos=budgets.c.held_nanos + call.nanos,
                        closed_at=None, cap_tokens=None, cap_nanos=None,
                    )
                )  # fmt: skip
            made = insert(reservations).values(
                run=call.run, agent=call.agent, task_id=call.task, fence=call.fence,
                purpose=call.purpose, model=call.model, tokens=call.tokens, nanos=call.nanos,
                scopes=[[cap.scope, cap.window] for cap in ordered], made_at=NOW,
                until=NOW + call.seconds,
            )  # fmt: skip
            return int(c.execute(made.returning(reservations.c.id)).scalar_one())

        done = await self._database.write(work)
        if isinstance(done, BudgetReached):
            raise done
        return done

    async def settle(
        self, reservation: int, *, tokens: int, nanos: int, event: Mapping[str, Any]
    ) -> None:
        """Book what a call has really cost, and log it, in one transaction.

        Where the reservation is gone, the worst case was booked already, and stays.

        Args:
            reservation: from ``reserve``.
            tokens: tokens used.
            nanos: nano-dollars they cost.
            event: the data of the event ``model.call``.
        """

        def work(c: Connection) -> None:
            row = _take(c, reservation)
            if row is not None:
                _book(c, row, tokens, nanos)
                log(c, "model.call", event, agent=row["agent"], run=row["run"],
                    task=row["task_id"], fence=row["fence"])  # fmt: skip

        await self._database.write(work)

    async def cancel(self, reservation: int) -> None:
        """Let go of what a call held: it was not made, or certainly cost nothing."""

        def work(c: Connection) -> None:
            row = _take(c, reservation)
            if row is not None:
                _book(c, row, 0, 0, calls=0)

        await self._database.write(work)

    async def book_lost(self) -> int:
        """Book the worst case of calls that nobody settled in time; how many they were."""

        def work(c: Connection) -> int:
            old = select(reservations.c.id).where(reservations.c.until < NOW).limit(1000)
            lost = [_take(c, int(one)) for one in c.scalars(old).all()]
            for row in lost:
                if row is not None:
                    _book(c, row, row["tokens"], row["nanos"])
                    data = {"model": row["model"], "tokens": row["tokens"], "nanos": row["nanos"]}
                    log(c, "budget.call_lost", data, agent=row["agent"], run=row["run"],
                        task=row["task_id"], fence=row["fence"])  # fmt: skip
            return len(lost)

        return await self._database.write(work)

    async def standing(self, scopes: Sequence[tuple[str, str]]) -> list[Standing]:
        """How these windows of scopes stand; those in which nothing was spent are left out."""

        def work(c: Connection) -> list[Standing]:
            found = (
                c.execute(select(budgets).where(_is(scope, window))).mappings().first()
                for scope, window in scopes
            )
            return [_standing(row) for row in found if row is not None]

        return await self._database.read(work)


def _is(scope: str, window: str) -> Any:
    return (budgets.c.scope == scope) & (budgets.c.window == window)


def _standing(row: Any) -> Standing:
    return Standing(**{name: row[name] for name in FIELDS})


def _locked(c: Connection, cap: Cap) -> Standing:
    """The row of a window, made where there is none; nobody else changes it meanwhile."""
    dialect: Any = sqlite if c.dialect.name == "sqlite" else postgresql
    values = {"scope": cap.scope, "window": cap.window, "ends_at": cap.ends_at}
    c.execute(dialect.insert(budgets).values(**values).on_conflict_do_nothing())
    query = select(budgets).where(_is(cap.scope, cap.window)).with_for_update()
    return _standing(c.execute(query).mappings().one())


def _close(c: Connection, call: Call, cap: Cap, one: Standing) -> BudgetReached:
    if one.closed_at is None or (one.cap_tokens, one.cap_nanos) != (cap.tokens, cap.nanos):
        closed = {"closed_at": NOW, "cap_tokens": cap.tokens, "cap_nanos": cap.nanos}
        c.execute(update(budgets).where(_is(cap.scope, cap.window)).values(**closed))
        data = {"scope": cap.scope, "window": cap.window, "tokens": one.tokens, "nanos": one.nanos,
                "cap_tokens": cap.tokens, "cap_nanos": cap.nanos, "until": cap.ends_at}  # fmt: skip
        log(c, "budget.reached", data, agent=call.agent, run=call.run, task=call.task,
            fence=call.fence)  # fmt: skip
    msg = f"The budget {cap.scope} has no room for another call of {call.model}."
    return BudgetReached(msg, scope=cap.scope, until=cap.ends_at)


def _take(c: Connection, reservation: int) -> Any:
    taken = delete(reservations).where(reservations.c.id == reservation).returning(reservations)
    return c.execute(taken).mappings().first()


def _book(c: Connection, row: Mapping[str, Any], tokens: int, nanos: int, calls: int = 1) -> None:
    for scope, window in sorted(decoded(row["scopes"])):
        c.execute(
            update(budgets)
            .where(_is(scope, window))
            .values(
                tokens=budgets.c.tokens + tokens,
                nanos=budgets.c.nanos + nanos,
                calls=budgets.c.calls + calls,
                held_tokens=budgets.c.held_tokens - row["tokens"],
                held_nanos=budgets.c.held_nanos - row["nanos"],
            )
        )
