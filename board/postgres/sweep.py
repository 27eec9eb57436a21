"""Sweeping on PostgreSQL: returning what died and what has waited long enough."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from neveridle.board.outage import (
    BY_HAND,
    Census,
    Judgement,
    Outage,
    SweepRule,
    Verdict,
    began,
    ended,
    judge,
)
from neveridle.board.postgres.session import Rows
from neveridle.board.stuck import AUTHOR, stuck_event, stuck_message


class Sweep:
    """One sweep. Writes nothing while there is nothing to return.

    A task whose attempts expired too often is blocked for a person: something about it kills
    its workers. Nothing is taken over while it looks like an outage of ours.

    Args:
        sql: the named statements.
        rule: how what is overdue is treated.
        append: appends an event.
        wake: notes that something became runnable.
    """

    def __init__(
        self,
        sql: Mapping[str, bytes],
        rule: SweepRule,
        append: Callable[..., Awaitable[None]],
        wake: Callable[[Rows], Awaitable[None]],
    ) -> None:
        self._sql = sql
        self._rule = rule
        self._append = append
        self._wake = wake

    async def due(self, connection: Rows) -> bool:
        """Whether there is anything to do."""
        over, found = await self._look(connection)
        return over or (found is not None and found.verdict is not Verdict.HOLD)

    async def run(self, c: Rows) -> list[tuple[int, int]]:
        """Sweep, behind the closed gate; task and fence of each attempt that expired."""
        _, found = await self._look(c)  # somebody else may have been faster
        return await self._return_overdue(c, found)

    async def _look(self, c: Rows) -> tuple[bool, Judgement | None]:
        """Whether a wait is over, and what to do about expired attempts; None: nothing."""
        sql, window = self._sql, {"window": self._rule.window}
        row = await (await c.execute(sql["overdue"])).fetchone()
        assert row is not None  # it is one row, whatever there is
        late, over, outage, now = row
        if not (late or outage or self._rule.by_hand):
            return bool(over), None
        heard = await (await c.execute(sql["heard"], window)).fetchall()
        waived = await (await c.execute(sql["waived"], window)).fetchall()
        census = Census(
            now=float(now),
            late=bool(late),
            heard={str(agent): float(at) for agent, at in heard},
            waived=frozenset(str(one) for (silent,) in waived for one in silent),
            outage=None if outage is None else Outage(*outage),
        )
        return bool(over), judge(census, self._rule)

    async def _return_overdue(self, c: Rows, found: Judgement | None) -> list[tuple[int, int]]:
        sql, returned, runnable = self._sql, list[tuple[int, int]](), False
        expired: list[tuple[Any, ...]] = []
        if found is not None:
            await self._note_outage(c, found)
            if found.reclaims:
                expired = await (await c.execute(sql["expired"])).fetchall()
        for task, fence, agent, run, started_at in sorted(expired):
            one = {"task": task}
            counted = await (await c.execute(sql["count_expiration"], one)).fetchone()
            assert counted is not None  # an attempt's task is there
            count = int(counted[0])
            lived = {"count": count, "started_at": started_at}
            await self._append(c, "attempt.expired", agent, run, task, fence, lived)
            returned.append((int(task), int(fence)))
            if count < self._rule.expirations:
                runnable |= await self._return(c, task)
                continue
            action = (
                f"{count} attempts died without a word: look at "
                f"`neveridle tasks show {task}`, then `neveridle tasks retry {task}`"
            )
            await c.execute(sql["block_task"], {**one, "owner": "human", "action": action})
            data = {"owner": "human", "action": action}
            await self._append(c, "task.blocked", agent, run, task, fence, data)
            await self._tell_stuck(c, task)
        for (task,) in await (await c.execute(sql["due"])).fetchall():
            runnable |= await self._return(c, task)
            await self._append(c, "task.due", None, None, task, None, {})
        if runnable:
            await self._wake(c)
        return returned

    async def _tell_stuck(self, c: Rows, task: int) -> None:
        """Say which tasks cannot go on, as this one was blocked."""
        rows = await (await c.execute(self._sql["stuck"], {"task": task})).fetchall()
        waiting = [int(row[0]) for row in rows]
        if waiting:
            data = stuck_event(task, "blocked", waiting)
            await self._append(c, "task.stuck", None, None, task, None, data)
            said = stuck_message(task, "blocked", waiting)
            values = {"channel": "dev", "author": AUTHOR, "content": said}
            await c.execute(self._sql["say"], values)

    async def _note_outage(self, c: Rows, found: Judgement) -> None:
        sql = self._sql
        who = {"silent": json.dumps(found.silent), "agents": found.agents}
        if found.verdict is Verdict.BEGIN:
            await c.execute(sql["begin_outage"], {**who, "hold": self._rule.hold})
            data, text = began(found, self._rule)
            await self._append(c, "outage.began", None, None, None, None, data)
            await c.execute(sql["tell"], {"content": text})
        elif found.verdict is Verdict.END:
            if found.how == BY_HAND and found.silent:
                await c.execute(sql["waive"], {**who, "how": found.how})
            row = await (await c.execute(sql["overdue"])).fetchone()
            if row is not None and row[2] is not None:
                one = {"id": row[2][0], "how": found.how}
                passed = await (await c.execute(sql["end_outage"], one)).fetchone()
                assert passed is not None  # it was there, and the gate is closed
                data, text = ended(found.how, float(passed[0]))
                await self._append(c, "outage.ended", None, None, None, None, data)
                await c.execute(sql["tell"], {"content": text})

    async def _return(self, c: Rows, task: int) -> bool:
        """Make a task pending; whether it is runnable now."""
        row = await (await c.execute(self._sql["return_task"], {"task": task})).fetchone()
        return row is not None and row[0] == 0
