"""What the team says in its channels."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

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


def post(c: Connection, channel: str, author: str, content: str) -> None:
    """Say something in a channel, inside a transaction."""
    c.execute(insert(messages).values(channel=channel, author=author, content=content, at=NOW))
