"""One sync per team: who refreshes what comes from outside, and when it last was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from neveridle.board.database import Database
from neveridle.board.mirroring import take_over
from neveridle.board.rows import decoded
from neveridle.board.schema import board_clock, mirror, syncs
from neveridle.board.sql import NOW
from neveridle.board.task import NewTask, Task

NUDGE = "nudge:"
"""Before a source's name: the row that says when somebody told of a change."""


@dataclass(frozen=True, slots=True)
class MirrorEntry:
    """What an outside source says of one item, and the task it is while it is open.

    Attributes:
        ref: the source reference.
        open: whether it is unstarted work, so that it becomes a task.
        data: what the source says, for looking it up.
        task: the task it becomes.
        after: refs of the items it depends on.
        over: whether an item that is not open is done or dropped; False: somebody outside
            is at it, and what comes after it has to wait.
    """

    ref: str
    open: bool
    data: dict[str, object]
    task: NewTask
    after: tuple[str, ...] = ()
    over: bool = True


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

    async def nudge(self, source: str) -> None:
        """Say that something changed at a source, so that whoever syncs next looks at once."""

        def work(c: Connection) -> None:
            mine = syncs.c.source == f"{NUDGE}{source}"
            if not c.execute(update(syncs).where(mine).values(synced_at=NOW)).rowcount:
                c.execute(insert(syncs).values(source=f"{NUDGE}{source}", synced_at=NOW))

        await self._database.write(work)

    async def nudged_at(self, source: str) -> float | None:
        """When that was last said, by the board's clock; None: never."""
        query = select(syncs.c.synced_at).where(syncs.c.source == f"{NUDGE}{source}")
        return await self._database.read(lambda c: c.execute(query).scalar())

    async def mirror(self, source: str, entries: Sequence[MirrorEntry]) -> list[Task]:
        """Take over what a source says; the tasks that are new.

        Open items become tasks, once; of two entries with one ref the first counts. A task
        that nobody works on, and no attempt has brought to verified work, is cancelled when
        its item is not open any more: somebody else did it. What waited for it goes on. It
        comes back when the item is open again. Nothing at work is touched.

        An item that comes after one at which somebody outside is (not open, and not over)
        becomes a task when that one is over. A dependency that would close a circle is left
        out, with an event ``sync.cycle``.
        """
        return await self._database.write(lambda c: take_over(c, source, entries))

    async def entries(self, source: str) -> dict[str, dict[str, object]]:
        """What the source said at the last sync, by ref."""
        query = select(mirror.c.ref, mirror.c.data).where(mirror.c.source == source)
        return await self._database.read(
            lambda c: {str(ref): decoded(data) for ref, data in c.execute(query)}
        )
