"""Which memories were shown to which attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, func, insert, select

from neveridle.board.attempt import Attempt
from neveridle.board.attempt_rows import own
from neveridle.board.memories.outcomes import Outcomes
from neveridle.board.schema import attempts, memories, memory_uses
from neveridle.board.sql import NOW

How = Literal["prompt", "tool"]
"""Whether a memory stood in the prompt, or the agent asked for it."""


@dataclass(frozen=True, slots=True)
class Use:
    """A memory that was shown to an attempt.

    Attributes:
        memory: its id.
        how: how it came there.
        rank: its place among those found, from 1.
        score: how well it fitted.
    """

    memory: int
    how: How = "prompt"
    rank: int = 1
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one try of a task that ended as completed or failed.

    Attributes:
        task: the task.
        number: the try.
        agent: who made it.
        succeeded: whether it ended as completed.
        memories: which memories it was shown.
    """

    task: int
    number: int
    agent: str
    succeeded: bool
    memories: frozenset[int]


class Uses(Outcomes):
    """``board.memories.uses``."""

    async def record(self, attempt: Attempt, uses: Sequence[Use]) -> int:
        """Note what an attempt is shown; how many were new. Said again, it changes nothing.

        Memories that are gone are left out. The first use counts.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """

        def work(c: Connection) -> int:
            own(c, attempt)
            return record_uses(c, attempt, uses)

        if not uses:
            return 0
        return await self._database.write(work)

    async def carry(self, attempt: Attempt, fences: Sequence[int]) -> int:
        """Take over what the attempts that this one resumes were shown; how many were new.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """
        theirs = (
            select(memory_uses)
            .where(memory_uses.c.task_id == attempt.task_id)
            .where(memory_uses.c.fence_number.in_(list(fences)))
            .order_by(memory_uses.c.id)
        )

        def work(c: Connection) -> int:
            own(c, attempt)
            rows = c.execute(theirs).mappings().all()
            uses = [Use(row["memory_id"], row["how"], row["rank"], row["score"]) for row in rows]
            return record_uses(c, attempt, uses)

        if not await self._database.read(lambda c: c.execute(theirs).first() is not None):
            return 0
        return await self._database.write(work)

    async def shown(self, attempt: Attempt) -> list[int]:
        """The ids of the memories that an attempt was shown, in their order."""
        query = select(memory_uses.c.memory_id).where(_of(attempt)).order_by(memory_uses.c.id)
        return await self._database.read(lambda c: [int(row[0]) for row in c.execute(query)])

    async def counts(self) -> dict[int, int]:
        """How often each memory was shown; those that never were are left out."""
        query = select(memory_uses.c.memory_id, func.count()).group_by(memory_uses.c.memory_id)
        return await self._database.read(lambda c: {int(m): int(n) for m, n in c.execute(query)})

    async def ended(self, *, limit: int = 20_000) -> list[Ended]:
        """The newest tries that ended as completed or failed, with what each was shown.

        Args:
            limit: how many at most; the oldest are left out.
        """
        over = (
            select(attempts.c.task_id, attempts.c.fence, attempts.c.number, attempts.c.agent,
                   attempts.c.state)
            .where(attempts.c.state.in_(("completed", "failed")))
            .order_by(attempts.c.ended_at.desc())
            .limit(limit)
        )  # fmt: skip
        shown = select(memory_uses.c.task_id, memory_uses.c.fence_number, memory_uses.c.memory_id)

        def work(c: Connection) -> list[Ended]:
            by_try: dict[tuple[int, int], set[int]] = {}
            for task, fence, memory in c.execute(shown):
                by_try.setdefault((task, fence), set()).add(int(memory))
            return [
                Ended(task, number, agent, state == "completed",
                      frozenset(by_try.get((task, fence), ())))
                for task, fence, number, agent, state in c.execute(over)
            ]  # fmt: skip

        return await self._database.read(work)


def record_uses(c: Connection, attempt: Attempt, uses: Sequence[Use]) -> int:
    """Note uses inside a transaction of the attempt's owner; how many were new."""
    wanted = {use.memory: use for use in reversed(uses)}
    known = select(memory_uses.c.memory_id).where(_of(attempt))
    there = select(memories.c.id).where(
        memories.c.id.in_(list(wanted)),
        memories.c.id.not_in(known),
        memories.c.state != "forgotten",
    )
    new = [int(row[0]) for row in c.execute(there)]
    rows: list[dict[str, Any]] = [
        {"memory_id": use.memory, "task_id": attempt.task_id, "fence_number": attempt.fence,
         "how": use.how, "rank": use.rank, "score": use.score}
        for use in wanted.values() if use.memory in new
    ]  # fmt: skip
    for row in sorted(rows, key=lambda row: (row["how"], row["rank"])):
        c.execute(insert(memory_uses).values(**row, at=NOW))
    return len(rows)


def _of(attempt: Attempt) -> Any:
    return (memory_uses.c.task_id == attempt.task_id) & (
        memory_uses.c.fence_number == attempt.fence
    )
