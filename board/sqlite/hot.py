"""The hot paths on SQLite: plain ``sqlite3``, one hop to the board's thread each."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from neveridle.board.attempt import (
    RESUMABLE,
    Attempt,
    AttemptState,
    Claim,
    Phase,
    lease_lost,
)
from neveridle.board.control import Control
from neveridle.board.outage import SweepRule
from neveridle.board.queries import load_queries
from neveridle.board.rows import attempt_from_row, task_from_row
from neveridle.board.runnable import Runnable
from neveridle.board.sqlite.connection import snapshot, transaction
from neveridle.board.sqlite.glance import glance
from neveridle.board.sqlite.sweep import Sweep

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")

STEADY = 5.0
"""Seconds between two notes of the board's time; by so much it may stand still at most."""


class _Durably(Protocol):
    def __call__(self, work: Callable[[sqlite3.Connection], T]) -> Awaitable[T]: ...


class _Quickly(Protocol):
    def __call__(
        self,
        work: Callable[[sqlite3.Connection], T],
        undo: Callable[[sqlite3.Connection, T], None] | None = None,
    ) -> Awaitable[T]: ...


def dumps(value: object) -> str:
    """JSON as the board stores it: ASCII, so that half a surrogate pair does no harm."""
    return json.dumps(value, separators=(",", ":"))


class SqliteHotPaths:
    """See ``neveridle.board.database.HotPaths``.

    Args:
        quickly: runs work on the connection whose commits survive the process's death;
            where the caller was cancelled meanwhile, what it did is undone.
        durably: runs work on the connection whose commits survive a power cut.
        commits: a number that changes with every commit; None: it is not known.
    """

    def __init__(
        self, quickly: _Quickly, durably: _Durably, commits: Callable[[], int | None]
    ) -> None:
        self._quickly = quickly
        self._durably = durably
        self._commits = commits
        self._version: tuple[int | None, int] = (None, 0)
        self._sql = {
            name: query
            for file in ("hot.sql", "glance.sql")
            for name, query in load_queries("neveridle.board.sqlite", file).items()
        }

    async def now(self) -> float:
        """The board's time."""
        row = await self._quickly(lambda c: c.execute(self._sql["now"]).fetchone())
        return float(row[0])

    async def clock(self) -> tuple[float, bool]:
        """The board's time, and whether it is scripted."""
        row = await self._quickly(lambda c: c.execute(self._sql["clock"]).fetchone())
        return float(row[0]), bool(row[1])

    async def version(self) -> int:
        """A number that rises whenever something becomes runnable."""
        commits = self._commits()
        known, version = self._version
        if commits is None or commits != known:
            row = await self._quickly(lambda c: c.execute(self._sql["version"]).fetchone())
            version = int(row[0])
            self._version = (commits, version)
        return version

    async def peek(self, agent: str, skills: str, source: str) -> int | None:
        """The id of the best runnable task of a rung, without taking it."""
        values = {"agent": agent, "skills": skills, "source": source}
        row = await self._quickly(lambda c: c.execute(self._sql["peek"], values).fetchone())
        return None if row is None else int(row[0])

    async def claim(
        self, *, agent: str, run: str, skills: str, source: str, lease: float
    ) -> Claim | None:
        """Take the best runnable task of a rung, if there is one.

        Where the caller is cancelled before it has the claim, the task is returned: nobody
        would work on it, and the run's heartbeats would keep it for ever.
        """
        return await self._quickly(
            lambda c: self._claim(c, agent, run, skills, source, lease), self._unclaim
        )

    def _unclaim(self, connection: sqlite3.Connection, claim: Claim | None) -> None:
        if claim is None:
            return
        sql, one = self._sql, claim.attempt
        with transaction(connection) as c:
            ended = c.execute(
                sql["end_attempt"],
                {"task": one.task_id, "fence": one.fence, "run": one.run,
                 "state": AttemptState.RELEASED, "phase": one.phase},
            ).fetchone()  # fmt: skip
            if ended is not None:
                c.execute(sql["return_task"], {"task": one.task_id})
                self._append(
                    c, "attempt.released", one.agent, one.run, one.task_id, one.fence,
                    {"started_at": one.started_at},
                )  # fmt: skip
                c.execute(sql["wake"])

    def _claim(
        self,
        connection: sqlite3.Connection,
        agent: str,
        run: str,
        skills: str,
        source: str,
        lease: float,
    ) -> Claim | None:
        sql = self._sql
        with transaction(connection) as c:
            found = c.execute(
                sql["peek"], {"agent": agent, "skills": skills, "source": source}
            ).fetchone()
            if found is None:
                return None
            task = task_from_row(c.execute(sql["take"], {"task": found[0]}).fetchone())
            last = c.execute(sql["attempt"], {"task": task.id, "fence": task.fence - 1}).fetchone()
            previous = None if last is None else attempt_from_row(last)
            start = heir(previous)
            row = c.execute(
                sql["begin_attempt"],
                {"task": task.id, "fence": task.fence, "run": run, "agent": agent,
                 "lease": lease, **start},
            ).fetchone()  # fmt: skip
            attempt = attempt_from_row(row)
            self._append(
                c, "task.claimed", agent, run, task.id, task.fence,
                {"source": source, "number": attempt.number, "resumes": attempt.resumes},
            )  # fmt: skip
            return Claim(task, attempt, previous)

    async def renew(self, runs: Sequence[str], lease: float) -> set[tuple[int, int]]:
        """One heartbeat for all runs of a process; the attempts they still own."""
        values = {"runs": dumps(list(runs)), "lease": lease}

        def work(connection: sqlite3.Connection) -> set[tuple[int, int]]:
            with transaction(connection) as c:
                c.execute(self._sql["steady"], {"often": STEADY})
                c.execute(self._sql["beat"], values)
                c.execute(self._sql["worked"], values)
                return {(int(t), int(f)) for t, f in c.execute(self._sql["renew"], values)}

        return await self._quickly(work)

    async def complete(self, *, task: int, fence: int, run: str) -> list[int] | None:
        """End an attempt as completed; the ids of the tasks this makes runnable.

        A task that waited for this one's handoff is completed with it.
        None: nothing was done, as a sync point awaits it; see ``complete_within``.

        Raises:
            LeaseLost: the attempt is not the task's owner any more.
        """

        def work(connection: sqlite3.Connection) -> list[int] | None:
            with transaction(connection) as c:
                if c.execute(self._sql["awaited"], {"task": task}).fetchone() is not None:
                    return None
                return self._complete(c, task, fence, run)

        return await self._durably(work)

    def complete_within(
        self,
        connection: Connection,
        *,
        task: int,
        fence: int,
        run: str,
    ) -> list[int]:
        """The same inside an ordinary transaction, whoever awaits it."""
        plain: Any = connection.connection.driver_connection
        return self._complete(plain, task, fence, run)

    def _complete(
        self,
        c: sqlite3.Connection,
        task: int,
        fence: int,
        run: str,
    ) -> list[int]:
        sql = self._sql
        ended = c.execute(
            sql["end_attempt"],
            {"task": task, "fence": fence, "run": run,
             "state": AttemptState.COMPLETED, "phase": Phase.REFLECTED},
        ).fetchone()  # fmt: skip
        if ended is None:
            raise lease_lost(task, fence)
        agent = str(ended["agent"])
        runnable: list[int] = []
        done: int | None = task
        while done is not None:  # up the chain of handoffs: each link is older
            parent = c.execute(sql["complete_task"], {"task": done}).fetchone()[0]
            mine = done == task
            self._append(
                c, "task.completed", agent, run, done, fence if mine else None,
                {"started_at": ended["started_at"]} if mine else {"through": task},
            )  # fmt: skip
            for row in c.execute(sql["unblock_dependants"], {"task": done}).fetchall():
                if row["open_blockers"] == 0 and row["state"] == "pending":
                    runnable.append(int(row["id"]))
                    self._append(c, "task.unblocked", None, None, row["id"], None, {"by": done})
            waits = c.execute(
                sql["waiting_parent"], {"task": parent, "on": f"task:{done}"}
            ).fetchone()
            done = None if waits is None else int(waits[0])
        if runnable:
            c.execute(sql["wake"])
        return runnable

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

    def _append(
        self,
        connection: sqlite3.Connection,
        kind: str,
        agent: str | None,
        run: str | None,
        task: int | None,
        fence: int | None,
        data: dict[str, Any],
    ) -> None:
        connection.execute(
            self._sql["event"],
            {"kind": kind, "agent": agent, "run": run, "task": task, "fence": fence,
             "data": dumps(data)},
        )  # fmt: skip

    async def runnable(self, sources: Sequence[str], limit: int) -> list[Runnable]:
        """What could be claimed now: of each source, in this order, at most so many."""
        sql = self._sql["runnable"]

        def work(connection: sqlite3.Connection) -> list[Runnable]:
            return [
                Runnable(int(row[0]), str(row[1]), row[2], frozenset(json.loads(row[3])))
                for source in sources
                for row in connection.execute(sql, {"source": source, "limit": limit})
            ]

        return await self._quickly(work)

    async def next_due(self) -> float | None:
        """When time alone will next make something runnable."""
        row = await self._quickly(lambda c: c.execute(self._sql["next_due"]).fetchone())
        return None if row[0] is None else float(row[0])

    async def sweep(self, rule: SweepRule) -> list[tuple[int, int]]:
        """Return expired attempts' tasks, and tasks whose wait is over; see ``Sweep``."""
        sweep = Sweep(self._sql, rule, self._append)
        return await self._quickly(sweep.run)

    async def points_due(self) -> tuple[bool, bool]:
        """See ``HotPaths``."""
        row = await self._quickly(lambda c: c.execute(self._sql["points_due"]).fetchone())
        return bool(row[0]), bool(row[1])

    async def stamp(self) -> tuple[float, int, int]:
        """The board's time, its version, and the newest event: what tells of changes."""
        row = await self._quickly(lambda c: c.execute(self._sql["stamp"]).fetchone())
        return float(row[0]), int(row[1]), int(row[2])

    async def glance(self, kinds: Sequence[str]) -> dict[str, Any]:
        """What ``neveridle status`` shows besides; events only of some kinds."""

        def work(connection: sqlite3.Connection) -> dict[str, Any]:
            with snapshot(connection) as c:
                return glance(c, self._sql, kinds)

        return await self._quickly(work)

    async def controls(self) -> list[Control]:
        """What people said of agents, by agent and mode."""
        rows = await self._quickly(lambda c: c.execute(self._sql["controls"]).fetchall())
        return [Control(agent=r[0], mode=r[1], reason=r[2], by=r[3], since=r[4]) for r in rows]

    async def status(self) -> dict[str, Any]:
        """The numbers behind ``neveridle status``."""
        sql = self._sql

        def work(connection: sqlite3.Connection) -> dict[str, Any]:
            with snapshot(connection) as c:
                return read(c)

        def read(c: sqlite3.Connection) -> dict[str, Any]:
            model = c.execute(sql["status_model"]).fetchone()
            outage = c.execute(sql["status_outage"]).fetchone()
            return {
                "now": float(c.execute(sql["now"]).fetchone()[0]),
                "tasks": [
                    {"state": r[0], "source": r[1], "count": r[2]}
                    for r in c.execute(sql["status_tasks"])
                ],
                "agents": [
                    {"name": r[0], "role": r[1], "heartbeat_at": r[2], "task": r[3]}
                    for r in c.execute(sql["status_agents"])
                ],
                "outage": None if outage is None else {
                    "began_at": outage[0], "held_until": outage[1],
                    "silent": json.loads(outage[2]), "agents": outage[3],
                },
                "processes": [
                    {"host": r[0], "pid": r[1], "agents": r[2], "started_at": r[3],
                     "heartbeat_at": r[4]}
                    for r in c.execute(sql["status_processes"])
                ],
                "blocked": [
                    {"id": r[0], "title": r[1], "owner": r[2], "action": r[3]}
                    for r in c.execute(sql["status_blocked"])
                ],
                "stuck": [
                    {"id": r[0], "title": r[1], "on": r[2], "on_state": r[3]}
                    for r in c.execute(sql["status_stuck"])
                ],
                "sync_points": [
                    {"id": r[0], "name": r[1], "deadline": r[2], "agent": r[3], "status": r[4],
                     "reason": r[5]}
                    for r in c.execute(sql["status_points"])
                ],
                "model": {
                    "calls": model[0], "input_tokens": model[1], "output_tokens": model[2],
                    "nanos": model[3], "unpriced": model[4],
                },
            }  # fmt: skip

        return await self._quickly(work)


def heir(previous: Attempt | None) -> dict[str, Any]:
    """What a new attempt takes over from the one before it.

    An attempt that did not fail (it expired, was released, parked or blocked) is resumed:
    same number, phase, branch and findings. After any other end the task is tried anew;
    what the last attempt left can be seen in ``Claim.previous``.
    """
    if previous is None:
        return {"number": 1, "resumes": None, "phase": Phase.CLAIMED, "branch": "", "base": "",
                "commit": "", "outcome": None, "evidence": None}  # fmt: skip
    if previous.state in RESUMABLE:
        return {
            "number": previous.number, "resumes": previous.fence, "phase": previous.phase,
            "branch": previous.branch, "base": previous.base, "commit": previous.commit,
            "outcome": None if previous.outcome is None else dumps(previous.outcome),
            "evidence": None if previous.evidence is None else dumps(previous.evidence),
        }  # fmt: skip
    return {"number": previous.number + 1, "resumes": None, "phase": Phase.CLAIMED, "branch": "",
            "base": "", "commit": "", "outcome": None, "evidence": None}  # fmt: skip
