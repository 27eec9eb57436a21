"""Working memory: what is known and decided in one task, and notes taken meanwhile."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, select, update

from neveridle.board.attempt import Attempt
from neveridle.board.attempt_rows import own
from neveridle.board.database import Database
from neveridle.board.memories.writing import insert_memories, next_revision
from neveridle.board.memory_row import NewMemory
from neveridle.board.schema import memories, memory_signals, memory_tokens
from neveridle.board.sql import NOW

WORKING = "working"
"""The kind of the one row that a task's working memory is."""


class Working:
    """``board.memories.working``: one text per task, written by the attempt that owns it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, task: int) -> str:
        """The working memory of a task; empty: there is none."""
        return await self._database.read(lambda c: _text(c, task))

    async def save(self, attempt: Attempt, text: str) -> bool:
        """Replace the working memory of an attempt's task; whether that changed anything.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """

        def work(c: Connection) -> bool:
            own(c, attempt)
            return _save(c, attempt, text)

        return await self._database.write(work)

    async def take_over(self, attempt: Attempt, task: int) -> str:
        """The working memory of an attempt's task, which begins as that of another task.

        Args:
            attempt: the attempt.
            task: whose working memory it takes over, where it has none of its own.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """

        def work(c: Connection) -> str:
            own(c, attempt)
            mine = _text(c, attempt.task_id)
            if mine:
                return mine
            theirs = _text(c, task)
            if theirs:
                _save(c, attempt, theirs)
            return theirs

        return await self._database.write(work)


def add_note(c: Connection, attempt: Attempt, new: NewMemory) -> int:
    """Store what an attempt wants remembered, inside a transaction; its id.

    The same words once more, as after a crash, are the note that there is.

    Raises:
        LeaseLost: the attempt does not own its task any more.
    """
    own(c, attempt)
    same = select(memories.c.id).where(
        memories.c.task_id == attempt.task_id,
        memories.c.agent == new.agent,
        memories.c.kind == new.kind,
        memories.c.text == new.text,
        memories.c.state != "forgotten",
    )
    known = c.execute(same.order_by(memories.c.id)).scalar()
    return int(known) if known is not None else insert_memories(c, [new])[0]


def _row(task: int) -> ColumnElement[bool]:
    return (
        (memories.c.task_id == task) & (memories.c.kind == WORKING) & (memories.c.state == "live")
    )


def _text(c: Connection, task: int) -> str:
    query = select(memories.c.text).where(_row(task)).order_by(memories.c.id.desc()).limit(1)
    return str(c.execute(query).scalar() or "")


def _save(c: Connection, attempt: Attempt, text: str) -> bool:
    mine = _row(attempt.task_id)
    row = c.execute(select(memories.c.id, memories.c.text).where(mine)).first()
    if row is None:
        if not text:
            return False
        new = NewMemory(
            agent=attempt.agent, text=text, kind=WORKING, source=f"task:{attempt.task_id}",
            task=attempt.task_id, fence=attempt.fence, visibility="team",
        )  # fmt: skip
        insert_memories(c, [new])
        return True
    if row[1] == text:
        return False
    for table in (memory_signals, memory_tokens):  # they are of the words that were there
        c.execute(delete(table).where(table.c.memory_id == row[0]))
    c.execute(
        update(memories)
        .where(memories.c.id == row[0])
        .values(text=text, agent=attempt.agent, fence_number=attempt.fence, at=NOW,
                revision=next_revision(c))
    )  # fmt: skip
    return True
