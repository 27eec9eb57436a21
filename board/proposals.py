"""Proposals for improvement, remembered by fingerprint so that none is made twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select

from neveridle.board.database import Database
from neveridle.board.schema import board_clock, proposals
from neveridle.board.sql import NOW
from neveridle.board.task import NewTask, Task
from neveridle.board.tasks import insert_task


@dataclass(frozen=True, slots=True)
class NewProposal:
    """A proposal and the task it becomes."""

    fingerprint: str
    finder: str
    value: float
    reason: str
    task: NewTask


class Proposals:
    """``board.proposals``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def known(self) -> set[str]:
        """The fingerprints of everything proposed so far, done, rejected or still open."""
        query = select(proposals.c.fingerprint)
        return await self._database.read(lambda c: set(c.scalars(query)))

    async def made_today(self) -> int:
        """How many proposals became tasks in the last 24 hours of the board's time."""
        return await self._database.read(_made_today)

    async def add_all(self, new: Sequence[NewProposal], *, daily_cap: int) -> list[Task]:
        """Make tasks of proposals, best first, as far as the day's cap allows.

        A fingerprint that is known already is passed over.
        """

        def work(c: Connection) -> list[Task]:
            made: list[Task] = []
            left = daily_cap - _made_today(c)
            for one in sorted(new, key=lambda p: (-p.value, p.fingerprint)):
                if left <= 0:
                    break
                same = proposals.c.fingerprint == one.fingerprint
                if c.execute(select(proposals.c.fingerprint).where(same)).first() is not None:
                    continue
                task, _ = insert_task(c, one.task)
                c.execute(
                    insert(proposals).values(
                        fingerprint=one.fingerprint, finder=one.finder, title=one.task.title,
                        reason=one.reason, value=one.value, task_id=task.id, created_at=NOW,
                    )
                )  # fmt: skip
                made.append(task)
                left -= 1
            return made

        return await self._database.write(work)


def _made_today(c: Connection) -> int:
    day = select(board_clock.c.now - 86400.0).scalar_subquery()
    query = select(func.count()).select_from(proposals).where(proposals.c.created_at > day)
    return int(c.execute(query).scalar_one())
