"""The hot paths on PostgreSQL: psycopg, mostly one statement in one round trip each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import psycopg

from neveridle.board.attempt import Attempt, Claim, lease_lost
from neveridle.board.control import Control
from neveridle.board.outage import SweepRule
from neveridle.board.postgres.hop import Hop
from neveridle.board.postgres.session import Rows
from neveridle.board.postgres.sweep import Sweep
from neveridle.board.postgres.wire import Statement
from neveridle.board.queries import load_queries
from neveridle.board.rows import attempt_from_row, task_from_row
from neveridle.board.runnable import Runnable
from neveridle.board.storable import storable

if TYPE_CHECKING:
    from sqlalchemy import Connection

STEADY = 5.0
"""Seconds between two notes of the board's time; by so much it may stand still at most."""


class PostgresHotPaths:
    """See ``neveridle.board.database.HotPaths``.

    Args:
        quickly: runs work on the connection whose commits survive the process's death;
            where the caller was cancelled meanwhile, what it did is undone.
        durably: runs work on the connection whose commits survive a power cut.
        woke: called once a transaction is committed that made something runnable.
    """

    def __init__(self, quickly: Hop, durably: Hop, woke: Callable[[], None]) -> None:
        self._woke = woke
        self._quickly = quickly
        self._durably = durably
        queries = {
            name: query
            for file in ("hot.sql", "glance.sql")
            for name, query in load_queries("neveridle.board.postgres", file).items()
        }
        self._sql = {name: query.encode() for name, query in queries.items()}
        self._hot = {name: Statement.named(name, query) for name, query in queries.items()}
        # What this process was given, by run; and the runs whose last claim nobody heard of.
        self._given: dict[str, set[tuple[int, int]]] = {}
        self._doubtful: set[str] = set()
        self._waking: set[Rows] = set()

    async def _row(self, name: str) -> tuple[Any, ...]:
        async def work(c: Rows) -> tuple[Any, ...]:
            return (await c.fetch(self._hot[name]))[0]  # each of these gives one row

        return await self._quickly(work)

    async def now(self) -> float:
        """The board's time."""
        return float((await self._row("now"))[0])

    async def clock(self) -> tuple[float, bool]:
        """The board's time, and whether it is scripted."""
        now, scripted = await self._row("clock")
        return float(now), bool(scripted)

    async def version(self) -> int:
        """A number that rises whenever something becomes runnable."""
        return int((await self._row("version"))[0])

    async def peek(self, agent: str, skills: str, source: str) -> int | None:
        """The id of the best runnable task of a rung, without taking it."""
        values = {"agent": agent, "skills": _words(skills), "source": str(source)}

        async def work(c: Rows) -> int | None:
            rows = await c.fetch(self._hot["peek"], values)
            return int(rows[0][0]) if rows else None

        return await self._quickly(work)

    async def claim(
        self, *, agent: str, run: str, skills: str, source: str, lease: float
    ) -> Claim | None:
        """Take the best runnable task of a rung, if there is one.

        Where the caller is cancelled before it has the claim, or the connection is lost
        before the answer is here, the task is returned: nobody would work on it, and the
        run's heartbeats would keep it for ever.
        """
        values = {
            "agent": agent, "run": run, "skills": _words(skills), "source": str(source),
            "lease": lease,
        }  # fmt: skip

        async def work(c: Rows) -> Claim | None:
            await self._settle(c)
            try:
                rows = await c.fetch(self._hot["claim"], values)
            except psycopg.OperationalError:
                self._doubtful.add(run)
                raise
            if not rows:
                return None
            row, names = rows[0], c.columns(self._hot["claim"])
            first = names.index("task_id")  # where the task ends and the attempt begins
            second = names.index("task_id", first + 1)
            claim = Claim(
                task_from_row(dict(zip(names[:first], row, strict=False))),
                attempt_from_row(dict(zip(names[first:second], row[first:], strict=False))),
                _previous(names[second:], row[second:]),
            )
            self._given.setdefault(run, set()).add((claim.task.id, claim.attempt.fence))
            return claim

        return await self._quickly(work, self._unclaim)

    async def _unclaim(self, connection: Rows, claim: Claim | None) -> None:
        if claim is not None:  # where this fails, the run's next claim or heartbeat does it
            one = claim.attempt
            self._given[one.run].discard((one.task_id, one.fence))
            self._doubtful.add(one.run)
            await self._settle(connection)

    async def _settle(self, connection: Rows) -> None:
        """Return what a run of this process holds without ever having heard of it."""
        for run in sorted(self._doubtful):
            async with self._closed(connection) as c:
                held = await (await c.execute(self._sql["held"], {"run": run})).fetchall()
                known = self._given.get(run, set())
                for task, fence in held:
                    if (int(task), int(fence)) not in known:
                        await self._release(c, run, int(task), int(fence))
            self._doubtful.discard(run)

    async def _release(self, c: Rows, run: str, task: int, fence: int) -> None:
        values = {"task": task, "fence": fence, "run": run}
        ended = await (await c.execute(self._sql["release_attempt"], values)).fetchone()
        if ended is not None:
            await c.execute(self._sql["return_task"], {"task": task})
            data = {"started_at": ended[1]}
            await self._append(c, "attempt.released", ended[0], run, task, fence, data)
            await self._wake(c)

    def _closed(self, connection: Rows) -> _Closed:
        """A transaction beside which no other one writes tasks or attempts."""
        return _Closed(connection, self._sql["close"], self._committed)

    async def _wake(self, c: Rows) -> None:
        await c.execute(self._sql["wake"])
        self._waking.add(c)

    def _committed(self, connection: Rows, done: bool) -> None:
        """Others are told once it can be seen, and not where it was undone."""
        if connection in self._waking:
            self._waking.discard(connection)
            if done:
                self._woke()

    async def renew(self, runs: Sequence[str], lease: float) -> set[tuple[int, int]]:
        """One heartbeat for all runs of a process; the attempts they still own."""
        values = {"runs": list(runs), "lease": lease}

        async def work(c: Rows) -> set[tuple[int, int]]:
            await self._settle(c)
            await c.execute(self._sql["steady"], {"often": STEADY})
            rows = await c.fetch(self._hot["renew"], values)
            return {(int(task), int(fence)) for task, fence in rows}

        owned = await self._quickly(work)
        for run in runs:  # what is over need not be remembered
            if run in self._given:
                self._given[run] &= owned
        return owned

    async def complete(self, *, task: int, fence: int, run: str) -> list[int] | None:
        """End an attempt as completed; the ids of the tasks this makes runnable.

        A task that waited for this one's handoff is completed with it.
        None: nothing was done, as a sync point awaits it; see ``complete_within``.

        Raises:
            LeaseLost: the attempt is not the task's owner any more.
        """
        values = {"task": task, "fence": fence, "run": run, "within": False}

        async def work(c: Rows) -> list[int] | None:
            rows = await c.fetch(self._hot["complete"], values)
            if not rows:
                raise lease_lost(task, fence)
            return None if rows[0][0] is None else [int(one) for one in rows[0][0]]

        woken = await self._durably(work)
        if woken:
            self._woke()
        if woken is not None:
            self._given.get(run, set()).discard((task, fence))
        return woken

    def complete_within(
        self,
        connection: Connection,
        *,
        task: int,
        fence: int,
        run: str,
    ) -> list[int]:
        """The same inside an ordinary transaction, whoever awaits it."""
        values = {"task": task, "fence": fence, "run": run, "within": True}
        row = connection.exec_driver_sql(self._sql["complete"].decode(), values).first()
        if row is None:
            raise lease_lost(task, fence)
        if row[0]:
            connection.info["neveridle_woke"] = True  # said once it is committed
        return [int(one) for one in row[0]]

    async def event(
        self,
        kind: str,
        *,
        agent: str | None,
        run: str | None,
        task: int | None,
        fence: int | None,
        data: dict[str, Any],
    ) -> None:
        """Append one event."""
        await self._quickly(lambda c: self._append(c, kind, agent, run, task, fence, data))

    async def _append(
        self,
        connection: Rows,
        kind: str,
        agent: str | None,
        run: str | None,
        task: int | None,
        fence: int | None,
        data: dict[str, Any],
    ) -> None:
        await connection.fetch(
            self._hot["event"],
            {"kind": kind, "agent": agent, "run": run, "task": task, "fence": fence,
             "data": _json(data)},
        )  # fmt: skip

    async def runnable(self, sources: Sequence[str], limit: int) -> list[Runnable]:
        """What could be claimed now: of each source, in this order, at most so many."""
        values = {"sources": list(sources), "limit": limit}

        async def work(c: Rows) -> list[Runnable]:
            rows = await (await c.execute(self._sql["runnable"], values)).fetchall()
            return [Runnable(int(row[0]), row[1], row[2], frozenset(row[3])) for row in rows]

        return await self._quickly(work)

    async def next_due(self) -> float | None:
        """When time alone will next make something runnable."""
        due = (await self._row("next_due"))[0]
        return None if due is None else float(due)

    async def sweep(self, rule: SweepRule) -> list[tuple[int, int]]:
        """Return expired attempts' tasks, and tasks whose wait is over; see ``Sweep``."""
        sweep = Sweep(self._sql, rule, self._append, self._wake)
        if not await self._quickly(sweep.due):
            return []

        async def work(connection: Rows) -> list[tuple[int, int]]:
            async with self._closed(connection) as c:
                return await sweep.run(c)

        return await self._quickly(work)

    async def points_due(self) -> tuple[bool, bool]:
        """See ``HotPaths``."""
        points, lost = await self._row("points_due")
        return bool(points), bool(lost)

    async def stamp(self) -> tuple[float, int, int]:
        """The board's time, its version, and the newest event: what tells of changes."""
        now, version, event = await self._row("stamp")
        return float(now), int(version), int(event)

    async def glance(self, kinds: Sequence[str]) -> dict[str, Any]:
        """What ``neveridle status`` shows besides; events only of some kinds."""
        values = {"kinds": json.dumps(list(kinds))}
        rows = await self._quickly(lambda c: c.fetch(self._hot["glance"], values))
        found: dict[str, Any] = rows[0][0]
        return found

    async def controls(self) -> list[Control]:
        """What people said of agents, by agent and mode."""
        rows = await self._quickly(lambda c: c.fetch(self._hot["controls"]))
        return [Control(agent=r[0], mode=r[1], reason=r[2], by=r[3], since=r[4]) for r in rows]

    async def status(self) -> dict[str, Any]:
        """The numbers behind ``neveridle status``."""
        found: dict[str, Any] = (await self._row("status"))[0]
        return found


class _Closed:
    def __init__(self, connection: Rows, close: bytes, over: Callable[[Rows, bool], None]) -> None:
        self._connection = connection
        self._over = over
        self._transaction = connection.transaction()
        self._close = close

    async def __aenter__(self) -> Rows:
        await self._transaction.__aenter__()
        await self._connection.execute(self._close)
        return self._connection

    async def __aexit__(self, *raised: Any) -> None:
        done = False
        try:
            await self._transaction.__aexit__(*raised)
            done = raised[0] is None
        finally:
            self._over(self._connection, done)


def _previous(names: Sequence[str], row: Sequence[Any]) -> Attempt | None:
    return None if row[0] is None else attempt_from_row(dict(zip(names, row, strict=True)))


def _words(skills: str) -> list[str]:
    """A JSON list of skills as an array; the board holds no text that cannot be stored."""
    return [storable(str(skill)) for skill in json.loads(skills)]


def _json(value: dict[str, Any], *, clean: bool = False) -> str:
    """JSON as the board stores it: ASCII, so that half a surrogate pair does no harm."""

    def each(items: Iterable[tuple[str, Any]]) -> dict[str, Any]:
        return {k: storable(v) if isinstance(v, str) else v for k, v in items}

    return json.dumps(each(value.items()) if clean else value, separators=(",", ":"))
