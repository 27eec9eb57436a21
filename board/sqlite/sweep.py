"""Sweeping on SQLite: returning what died and what has waited long enough."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping

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
from neveridle.board.sqlite.connection import snapshot, transaction
from neveridle.board.stuck import AUTHOR, stuck_event, stuck_message


class Sweep:
    """One sweep. Writes nothing while there is nothing to return.

    A task whose attempts expired too often is blocked for a person: something about it kills
    its workers. Nothing is taken over while it looks like an outage of ours.

    Args:
        sql: the named statements.
        rule: how what is overdue is treated.
        append: appends an event.
    """

    def __init__(
        self, sql: Mapping[str, str], rule: SweepRule, append: Callable[..., None]
    ) -> None:
        self._sql = sql
        self._rule = rule
        self._append = append

    def run(self, connection: sqlite3.Connection) -> list[tuple[int, int]]:
        """Sweep; task and fence of each attempt that expired."""
        with snapshot(connection) as c:
            over, found = self._look(c)
        if not over and (found is None or found.verdict is Verdict.HOLD):
            return []
        with transaction(connection) as c:
            _, found = self._look(c)  # somebody else may have been faster
            return self._return_overdue(c, found)

    def _look(self, c: sqlite3.Connection) -> tuple[bool, Judgement | None]:
        """Whether a wait is over, and what to do about expired attempts; None: nothing."""
        sql, window = self._sql, {"window": self._rule.window}
        over = c.execute(sql["due"]).fetchone() is not None
        late = c.execute(sql["expired"]).fetchone() is not None
        outage = c.execute(sql["outage"]).fetchone()
        if not (late or outage or self._rule.by_hand):
            return over, None
        census = Census(
            now=float(c.execute(sql["now"]).fetchone()[0]),
            late=late,
            heard={str(agent): float(at) for agent, at in c.execute(sql["heard"], window)},
            waived=frozenset(
                str(one) for row in c.execute(sql["waived"], window) for one in json.loads(row[0])
            ),
            outage=None if outage is None else Outage(*outage),
        )
        return over, judge(census, self._rule)

    def _return_overdue(
        self, c: sqlite3.Connection, found: Judgement | None
    ) -> list[tuple[int, int]]:
        sql, returned, runnable = self._sql, list[tuple[int, int]](), False
        if found is not None:
            self._note_outage(c, found)
        late = c.execute(sql["expired"]).fetchall() if found is not None and found.reclaims else []
        for task, fence, agent, run, started_at in late:
            c.execute(sql["expire_attempt"], {"task": task, "fence": fence})
            count = int(c.execute(sql["count_expiration"], {"task": task}).fetchone()[0])
            data = {"count": count, "started_at": started_at}
            self._append(c, "attempt.expired", agent, run, task, fence, data)
            returned.append((int(task), int(fence)))
            if count < self._rule.expirations:
                runnable |= self._return(c, int(task))
                continue
            action = (
                f"{count} attempts died without a word: look at "
                f"`neveridle tasks show {task}`, then `neveridle tasks retry {task}`"
            )
            c.execute(sql["block_task"], {"task": task, "owner": "human", "action": action})
            self._append(
                c, "task.blocked", agent, run, task, fence,
                {"owner": "human", "action": action},
            )  # fmt: skip
            self._tell_stuck(c, int(task))
        for (task,) in c.execute(sql["due"]).fetchall():
            runnable |= self._return(c, int(task))
            self._append(c, "task.due", None, None, task, None, {})
        if runnable:
            c.execute(sql["wake"])
        return returned

    def _tell_stuck(self, c: sqlite3.Connection, task: int) -> None:
        """Say which tasks cannot go on, as this one was blocked."""
        waiting = [int(one) for (one,) in c.execute(self._sql["stuck"], {"task": task}).fetchall()]
        if waiting:
            data = stuck_event(task, "blocked", waiting)
            self._append(c, "task.stuck", None, None, task, None, data)
            said = stuck_message(task, "blocked", waiting)
            c.execute(self._sql["say"], {"channel": "dev", "author": AUTHOR, "content": said})

    def _note_outage(self, c: sqlite3.Connection, found: Judgement) -> None:
        sql = self._sql
        who = {"silent": json.dumps(found.silent), "agents": found.agents}
        if found.verdict is Verdict.BEGIN:
            c.execute(sql["begin_outage"], {**who, "hold": self._rule.hold})
            data, text = began(found, self._rule)
            self._append(c, "outage.began", None, None, None, None, data)
            c.execute(sql["tell"], {"content": text})
        elif found.verdict is Verdict.END:
            if found.how == BY_HAND and found.silent:
                c.execute(sql["waive"], {**who, "how": found.how})
            outage = c.execute(sql["outage"]).fetchone()
            if outage is not None:
                seconds = c.execute(sql["end_outage"], {"id": outage[0], "how": found.how})
                data, text = ended(found.how, float(seconds.fetchone()[0]))
                self._append(c, "outage.ended", None, None, None, None, data)
                c.execute(sql["tell"], {"content": text})

    def _return(self, connection: sqlite3.Connection, task: int) -> bool:
        """Make a task pending; whether it is runnable now."""
        row = connection.execute(self._sql["return_task"], {"task": task}).fetchone()
        return row is not None and row["open_blockers"] == 0
