"""One sync per team: who refreshes what comes from outside, and when it last was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from neveridle.board.database import Database
from neveridle.board.rows import decoded, task_from_row
from neveridle.board.schema import board_clock, mirror, syncs, tasks
from neveridle.board.sql import NOW, log
from neveridle.board.task import NewTask, Task, TaskState
from neveridle.board.tasks import add_edge, insert_task


@dataclass(frozen=True, slots=True)
class MirrorEntry:
    """What an outside source says of one item, and the task it is while it is open.

    Attributes:
        ref: the source reference.
        open: whether it is unstarted work, so that it becomes a task.
        data: what the source says, for looking it up.
        task: the task it becomes.
        after: refs of the items it depends on.
    """

    ref: str
    open: bool
    data: dict[str, object]
    task: NewTask
    after: tuple[str, ...] = ()


class Syncs:
    """``board.syncs``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def token(self, source: str) -> str:
        """What the source looked like when it was last read (a commit, an ETag); empty: never."""
        query = select(syncs.c.token).where(syncs.c.source == source)
        return await self._database.read(lambda c: str(c.execute(query).scalar() or ""))

    async def hold(self, source: str, holder: str, *, seconds: float) -> bool:
        """Become the one who syncs a source; False: somebody else is at it."""

        def work(c: Connection) -> bool:
            row = c.execute(
                select(syncs.c.holder, syncs.c.held_until, board_clock.c.now)
                .select_from(syncs.join(board_clock, syncs.c.source == source))
            ).first()  # fmt: skip
            until = NOW + seconds
            if row is None:
                c.execute(insert(syncs).values(source=source, holder=holder, held_until=until))
                return True
            if row[0] not in (None, holder) and row[1] is not None and row[1] > row[2]:
                return False
            mine = update(syncs).where(syncs.c.source == source)
            c.execute(mine.values(holder=holder, held_until=until))
            return True

        return await self._database.write(work)

    async def release(self, source: str, holder: str, *, token: str | None = None) -> None:
        """Stop being the one who syncs; ``token`` given: the source was read up to there."""

        def work(c: Connection) -> None:
            values: dict[str, object] = {"holder": None, "held_until": None}
            if token is not None:
                values |= {"token": token, "synced_at": NOW}
            c.execute(
                update(syncs)
                .where(syncs.c.source == source, syncs.c.holder == holder)
                .values(**values)
            )

        await self._database.write(work)

    async def mirror(self, source: str, entries: Sequence[MirrorEntry]) -> list[Task]:
        """Take over what a source says; the tasks that are new.

        Open items become tasks, once. A pending task whose item is not open any more is
        cancelled: somebody else did it. Nothing at work is touched.
        """

        def work(c: Connection) -> list[Task]:
            c.execute(delete(mirror).where(mirror.c.source == source))
            new: list[Task] = []
            ids: dict[str, int] = {}
            for entry in entries:
                c.execute(
                    insert(mirror).values(
                        source=source, ref=entry.ref, synced_at=NOW,
                        data={**entry.data, "open": entry.open},
                    )
                )  # fmt: skip
                if entry.open:
                    task, is_new = insert_task(c, entry.task)
                    ids[entry.ref] = task.id
                    if is_new:
                        new.append(task)
            fresh = {task.id for task in new}
            for entry in entries:
                for blocker in entry.after:
                    if ids.get(entry.ref) in fresh and blocker in ids:
                        add_edge(c, ids[entry.ref], ids[blocker])
            self._close(c, source, entries)
            return new

        return await self._database.write(work)

    @staticmethod
    def _close(c: Connection, source: str, entries: Sequence[MirrorEntry]) -> None:
        still = {entry.ref for entry in entries if entry.open}
        pending = select(tasks).where(
            tasks.c.source == source, tasks.c.state == str(TaskState.PENDING), tasks.c.fence == 0
        )
        for row in c.execute(pending).mappings().all():
            task = task_from_row(row)
            if task.ref is not None and task.ref not in still:
                gone = update(tasks).where(tasks.c.id == task.id)
                c.execute(gone.values(state="cancelled", completed_at=NOW, updated_at=NOW))
                log(c, "task.cancelled", {"reason": f"no longer open in {source}"}, task=task.id)

    async def entries(self, source: str) -> dict[str, dict[str, object]]:
        """What the source said at the last sync, by ref."""
        query = select(mirror.c.ref, mirror.c.data).where(mirror.c.source == source)
        return await self._database.read(
            lambda c: {str(ref): decoded(data) for ref, data in c.execute(query)}
        )
