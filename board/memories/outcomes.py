"""What became of the attempts that memories were shown to."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, case, func, select

from neveridle.board.attempt import AttemptState
from neveridle.board.database import Database
from neveridle.board.schema import attempts, memories, memory_uses


@dataclass(frozen=True, slots=True)
class Outcome:
    """A memory that was shown to an attempt, and how that attempt stands.

    Attributes:
        outcome: the attempt's state; None: it has aged out, with its task.
    """

    memory: int
    task: int
    fence: int
    how: str
    rank: int
    score: float
    at: float
    outcome: AttemptState | None


@dataclass(frozen=True, slots=True)
class Effect:
    """How attempts ended that a memory was shown to, and those that it was not.

    Attributes:
        memory: its id.
        uses: attempts that it was shown to, also those under way, or ended otherwise.
        completed: of these.
        failed: of these.
        other_completed: attempts since the memory came that it was not shown to.
        other_failed: the same.
        last: when it was last shown.
    """

    memory: int
    uses: int
    completed: int
    failed: int
    other_completed: int
    other_failed: int
    last: float


OUTCOME = memory_uses.outerjoin(
    attempts,
    (attempts.c.task_id == memory_uses.c.task_id)
    & (attempts.c.fence == memory_uses.c.fence_number),
)


class Outcomes:
    """A part of ``board.memories.uses``: reads only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_memory(self, memory: int, *, limit: int = 100) -> list[Outcome]:
        """The latest uses of a memory, latest first."""
        return await self._find(memory_uses.c.memory_id == memory, limit)

    async def of_attempt(self, task: int, fence: int, *, limit: int = 1_000) -> list[Outcome]:
        """What an attempt was shown, latest first."""
        mine = (memory_uses.c.task_id == task) & (memory_uses.c.fence_number == fence)
        return await self._find(mine, limit)

    async def _find(self, which: ColumnElement[bool], limit: int) -> list[Outcome]:
        u = memory_uses.c
        query = (
            select(u.memory_id, u.task_id, u.fence_number, u.how, u.rank, u.score, u.at,
                   attempts.c.state)
            .select_from(OUTCOME).where(which).order_by(u.id.desc()).limit(limit)
        )  # fmt: skip

        def work(c: Connection) -> list[Outcome]:
            return [
                Outcome(*row[:-1], outcome=None if row[-1] is None else AttemptState(row[-1]))
                for row in c.execute(query)
            ]

        return await self._database.read(work)

    async def effects(self, *, agent: str | None = None, limit: int = 1_000) -> list[Effect]:
        """How attempts ended with and without each memory that was shown, most used first.

        Args:
            agent: only memories of this agent; None: of everybody.
            limit: how many at most.
        """
        completed, failed = _ended("completed"), _ended("failed")
        used = (
            select(
                memory_uses.c.memory_id, memories.c.at, func.count().label("uses"),
                func.coalesce(func.sum(completed), 0).label("completed"),
                func.coalesce(func.sum(failed), 0).label("failed"),
                func.max(memory_uses.c.at).label("last"),
            )
            .select_from(OUTCOME.join(memories, memories.c.id == memory_uses.c.memory_id))
            .group_by(memory_uses.c.memory_id, memories.c.at)
            .order_by(func.count().desc(), memory_uses.c.memory_id)
            .limit(limit)
        )  # fmt: skip
        if agent is not None:
            used = used.where(memories.c.agent == agent)
        since = (
            select(attempts.c.started_at, attempts.c.state)
            .where(attempts.c.state.in_(("completed", "failed")))
            .order_by(attempts.c.started_at.desc())
        )

        def work(c: Connection) -> list[Effect]:
            rows = c.execute(used).all()
            found: dict[int, tuple[int, int]] = {}
            # Newest attempts and newest memories first: one walk counts for all of them.
            ended, counts = iter(c.execute(since)), {"completed": 0, "failed": 0}
            one = next(ended, None)
            for row in sorted(rows, key=lambda row: -row.at):
                while one is not None and one[0] >= row.at:
                    counts[one[1]] += 1
                    one = next(ended, None)
                found[row.memory_id] = (counts["completed"], counts["failed"])
            return [
                Effect(
                    memory=r.memory_id, uses=r.uses, completed=int(r.completed),
                    failed=int(r.failed), last=r.last,
                    other_completed=max(0, found[r.memory_id][0] - int(r.completed)),
                    other_failed=max(0, found[r.memory_id][1] - int(r.failed)),
                )
                for r in rows
            ]  # fmt: skip

        return await self._database.read(work)


def _ended(state: str) -> ColumnElement[int]:
    return case((attempts.c.state == state, 1), else_=0)
