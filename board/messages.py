"""What the team says in its channels."""

from __future__ import annotations

from sqlalchemy import Connection, func, insert, select

from neveridle.board.database import Database
from neveridle.board.message import Message
from neveridle.board.schema import messages
from neveridle.board.sql import NOW


class Messages:
    """``board.messages``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def post(self, channel: str, author: str, content: str) -> None:
        """Say something in a channel such as ``dev``."""
        await self._database.write(lambda c: post(c, channel, author, content))

    async def latest(self, channel: str, *, limit: int = 100) -> list[Message]:
        """The newest messages of a channel, oldest of them first."""
        query = (
            select(messages)
            .where(messages.c.channel == channel)
            .order_by(messages.c.id.desc())
            .limit(limit)
        )
        return await self._database.read(
            lambda c: [Message(**dict(row)) for row in c.execute(query).mappings()][::-1]
        )

    async def newest(self, channel: str) -> int:
        """The id of a channel's newest message; 0: there is none."""
        query = select(func.max(messages.c.id)).where(messages.c.channel == channel)
        return await self._database.read(lambda c: int(c.execute(query).scalar() or 0))

    async def since(
        self, channel: str, after: int, *, limit: int = 100
    ) -> tuple[list[Message], int]:
        """The newest messages of a channel after one, oldest first, and how many more there are.

        Args:
            channel: the channel.
            after: the id of the last one that is known.
            limit: at most so many.
        """
        there = (messages.c.channel == channel) & (messages.c.id > after)
        count = select(func.count()).select_from(messages).where(there)
        query = select(messages).where(there).order_by(messages.c.id.desc()).limit(limit)

        def work(c: Connection) -> tuple[list[Message], int]:
            found = [Message(**dict(row)) for row in c.execute(query).mappings()][::-1]
            return found, int(c.execute(count).scalar_one()) - len(found)

        return await self._database.read(work)


def post(c: Connection, channel: str, author: str, content: str) -> None:
    """Say something in a channel, inside a transaction."""
    c.execute(insert(messages).values(channel=channel, author=author, content=content, at=NOW))
