"""The board: the team's shared, durable ground truth."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from neveridle.board.database import Database
from neveridle.errors import BoardUnusable

if TYPE_CHECKING:
    from neveridle.board.attempts import Attempts
    from neveridle.board.clock import BoardClock
    from neveridle.board.events import Events
    from neveridle.board.handoffs import Handoffs
    from neveridle.board.memories import Memories
    from neveridle.board.messages import Messages
    from neveridle.board.proposals import Proposals
    from neveridle.board.runs import Runs
    from neveridle.board.syncs import Syncs
    from neveridle.board.tasks import Tasks


class Board:
    """A board in a database. Use as ``async with Board(url) as board``.

    Each kind of thing on it has its own attribute: ``tasks``, ``attempts``, ``handoffs``,
    ``messages``, ``events``, ``proposals``, ``memories``, ``runs``, ``syncs``, ``clock``.

    Args:
        url: ``sqlite:///PATH``.
        create: whether a board that is not there is made.

    Raises:
        BoardUnusable: when opened: the URL is of no known kind, or the database cannot be used.
    """

    tasks: Tasks
    attempts: Attempts
    handoffs: Handoffs
    messages: Messages
    events: Events
    proposals: Proposals
    memories: Memories
    runs: Runs
    syncs: Syncs
    clock: BoardClock

    def __init__(self, url: str, *, create: bool = True) -> None:
        self.url = url
        self._create = create
        self.database: Database = database_for(url)

    async def open(self) -> Board:
        """Connect, and bring the schema up to date."""
        await self.database.open(create=self._create)
        from neveridle.board.attempts import Attempts
        from neveridle.board.clock import BoardClock
        from neveridle.board.events import Events
        from neveridle.board.handoffs import Handoffs
        from neveridle.board.memories import Memories
        from neveridle.board.messages import Messages
        from neveridle.board.proposals import Proposals
        from neveridle.board.runs import Runs
        from neveridle.board.syncs import Syncs
        from neveridle.board.tasks import Tasks

        self.tasks = Tasks(self.database)
        self.attempts = Attempts(self.database)
        self.handoffs = Handoffs(self.database)
        self.messages = Messages(self.database)
        self.events = Events(self.database)
        self.proposals = Proposals(self.database)
        self.memories = Memories(self.database)
        self.runs = Runs(self.database)
        self.syncs = Syncs(self.database)
        self.clock = BoardClock(self.database)
        await self.clock.load()
        return self

    async def close(self) -> None:
        """Disconnect; may be called twice."""
        await self.database.close()

    async def __aenter__(self) -> Board:
        return await self.open()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def version(self) -> int:
        """A number that rises whenever something becomes runnable."""
        return await self.database.hot.version()

    async def next_due(self) -> float | None:
        """When time alone will next make something runnable; None: it will not."""
        return await self.database.hot.next_due()

    async def sweep(self, *, expirations: int = 10) -> list[tuple[int, int]]:
        """Return what expired attempts held, and tasks whose wait is over.

        Args:
            expirations: a task whose attempts expired so often is blocked for a person.

        Returns:
            Task and fence of each attempt that expired.
        """
        return await self.database.hot.sweep(expirations=expirations)

    async def status(self) -> dict[str, Any]:
        """The numbers behind ``neveridle status``."""
        return await self.database.hot.status()


def database_for(url: str) -> Database:
    """The database behind a URL.

    Raises:
        BoardUnusable: the URL is of no known kind.
    """
    kind, _, rest = url.partition("://")
    if kind == "sqlite" and rest.startswith("/") and len(rest) > 1:
        from neveridle.board.sqlite.database import SqliteDatabase

        return SqliteDatabase(Path(rest[1:]))
    msg = f"'{url}' is not a database a board can be on."
    raise BoardUnusable(msg, remedy="Use sqlite:///PATH in team.board of neveridle.toml.")
