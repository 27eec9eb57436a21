"""The board: the team's shared, durable ground truth."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from neveridle.board.address import shown
from neveridle.board.clock import BoardClock
from neveridle.board.database import Changes, Database
from neveridle.board.outage import SweepRule
from neveridle.errors import BoardUnusable, ExtraMissing

if TYPE_CHECKING:
    from neveridle.board.alerts import Alerts
    from neveridle.board.answering import Answering
    from neveridle.board.attempts import Attempts
    from neveridle.board.beads.beads import Beads
    from neveridle.board.breakers import Breakers
    from neveridle.board.budgets import Budgets
    from neveridle.board.controls import Controls
    from neveridle.board.deferred import Deferred
    from neveridle.board.effects import Effects
    from neveridle.board.events import Events
    from neveridle.board.handoffs import Handoffs
    from neveridle.board.inbox import Inbox
    from neveridle.board.links import Links
    from neveridle.board.memories import Memories
    from neveridle.board.messages import Messages
    from neveridle.board.metrics import Metrics
    from neveridle.board.permits import Permits
    from neveridle.board.proposals import Proposals
    from neveridle.board.readiness import Readiness
    from neveridle.board.repairs import Repairs
    from neveridle.board.retention import Retention
    from neveridle.board.runnable import Runnable
    from neveridle.board.runs import Runs
    from neveridle.board.sync_points import SyncPoints
    from neveridle.board.syncs import Syncs
    from neveridle.board.tasks import Tasks
    from neveridle.board.tickets import Tickets


class Board:
    """A board in a database. Use as ``async with Board(url) as board``.

    Each kind of thing on it has its own attribute: ``tasks``, ``links``, ``readiness``,
    ``beads``, ``attempts``, ``effects``, ``handoffs``, ``sync_points``, ``messages``,
    ``events``, ``proposals``, ``memories``, ``runs``, ``syncs``, ``retention``, ``breakers``,
    ``tickets``, ``deferred``, ``budgets``, ``permits``, ``inbox``, ``alerts``, ``controls``,
    ``metrics``, ``clock``.
    They are loaded when first used: what only asks for ``status`` or ``version`` of a board
    that is up to date never imports SQLAlchemy.

    Args:
        url: ``sqlite:///PATH``, or ``postgresql://USER:PASSWORD@HOST/DATABASE``.
        create: whether a board that is not there is made.

    Raises:
        BoardUnusable: the URL is of no known kind; and when opened, the database cannot be
            used, is no board, or was made by a newer version.
        DiskFull: when opened, there is no space left.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        self.url = url
        self._create = create
        self.database: Database = database_for(url)
        self.clock = BoardClock(self.database)

    async def open(self) -> Board:
        """Connect, and bring the schema up to date; nothing happens where it is open already."""
        await self.database.open(create=self._create)
        try:
            await self.clock.load()
        except BaseException:  # closed again, then raised on
            await self.close()
            raise
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

    @cached_property
    def tasks(self) -> Tasks:
        """The tasks, and what waits for what."""
        from neveridle.board.tasks import Tasks

        return Tasks(self.database)

    @cached_property
    def attempts(self) -> Attempts:
        """The attempts at them: claims, phases, ends."""
        from neveridle.board.attempts import Attempts

        return Attempts(self.database)

    @cached_property
    def readiness(self) -> Readiness:
        """What can be worked on now, what cannot, and why."""
        from neveridle.board.readiness import Readiness

        return Readiness(self.database)

    @cached_property
    def beads(self) -> Beads:
        """Moving over from Beads, and back."""
        from neveridle.board.beads.beads import Beads

        return Beads(self.database)

    @cached_property
    def links(self) -> Links:
        """What is part of what, and other ties between tasks."""
        from neveridle.board.links import Links

        return Links(self.database)

    @cached_property
    def handoffs(self) -> Handoffs:
        """What agents gave to each other."""
        from neveridle.board.handoffs import Handoffs

        return Handoffs(self.database)

    @cached_property
    def sync_points(self) -> SyncPoints:
        """Where agents who work in parallel meet."""
        from neveridle.board.sync_points import SyncPoints

        return SyncPoints(self.database)

    @cached_property
    def messages(self) -> Messages:
        """What the team says in its channels."""
        from neveridle.board.messages import Messages

        return Messages(self.database)

    @cached_property
    def events(self) -> Events:
        """The append-only log."""
        from neveridle.board.events import Events

        return Events(self.database)

    @cached_property
    def proposals(self) -> Proposals:
        """Proposals for improvement."""
        from neveridle.board.proposals import Proposals

        return Proposals(self.database)

    @cached_property
    def memories(self) -> Memories:
        """The rows of memory."""
        from neveridle.board.memories import Memories

        return Memories(self.database)

    @cached_property
    def runs(self) -> Runs:
        """The lives of agents."""
        from neveridle.board.runs import Runs

        return Runs(self.database)

    @cached_property
    def syncs(self) -> Syncs:
        """What comes from outside, and who refreshes it."""
        from neveridle.board.syncs import Syncs

        return Syncs(self.database)

    @cached_property
    def tickets(self) -> Tickets:
        """What the tracker said of single tickets."""
        from neveridle.board.tickets import Tickets

        return Tickets(self.database)

    @cached_property
    def retention(self) -> Retention:
        """What is over, and ages out."""
        from neveridle.board.retention import Retention

        return Retention(self.database)

    @cached_property
    def effects(self) -> Effects:
        """What was written to services, each thing once."""
        from neveridle.board.effects import Effects

        return Effects(self.database, self.clock)

    @cached_property
    def deferred(self) -> Deferred:
        """What is written to services once they can be used again."""
        from neveridle.board.deferred import Deferred

        return Deferred(self.database, self.clock)

    @cached_property
    def breakers(self) -> Breakers:
        """Which services can be called now."""
        from neveridle.board.breakers import Breakers

        return Breakers(self.database, self.clock)

    @cached_property
    def budgets(self) -> Budgets:
        """What models have cost, and may still cost."""
        from neveridle.board.budgets import Budgets

        return Budgets(self.database)

    @cached_property
    def permits(self) -> Permits:
        """Who may call what is capped in how many calls it takes at once."""
        from neveridle.board.permits import Permits

        return Permits(self.database)

    @cached_property
    def inbox(self) -> Inbox:
        """What waits for a person."""
        from neveridle.board.inbox import Inbox

        return Inbox(self.database)

    @cached_property
    def repairs(self) -> Repairs:
        """Setting aside what cannot be read any more."""
        from neveridle.board.repairs import Repairs

        return Repairs(self.database)

    @cached_property
    def answering(self) -> Answering:
        """Asking people and peers, and going on with what they say."""
        from neveridle.board.answering import Answering

        return Answering(self.database)

    @cached_property
    def controls(self) -> Controls:
        """Who takes no task because a person said so."""
        from neveridle.board.controls import Controls

        return Controls(self.database)

    @cached_property
    def alerts(self) -> Alerts:
        """What people are called for, and how they are told."""
        from neveridle.board.alerts import Alerts

        return Alerts(self.database)

    @cached_property
    def metrics(self) -> Metrics:
        """What the team did, and what it cost."""
        from neveridle.board.metrics import Metrics

        return Metrics(self.database, self.url)

    async def version(self) -> int:
        """A number that rises whenever something becomes runnable."""
        return await self.database.hot.version()

    def changes(self) -> Changes:
        """How to wait, without asking again and again, until something became runnable."""
        return self.database.changes()

    async def runnable(self, *, limit: int) -> tuple[list[Runnable], bool]:
        """What could be claimed now, in the order in which agents look for it.

        Args:
            limit: at most so many tasks of each source.

        Returns:
            The tasks, and whether these are all there are.
        """
        from neveridle.board.task import Source

        found = await self.database.hot.runnable([str(one) for one in Source], limit + 1)
        by_source: dict[str, list[Runnable]] = {}
        for task in found:
            by_source.setdefault(task.source, []).append(task)
        listed = [task for tasks in by_source.values() for task in tasks[:limit]]
        return listed, len(listed) == len(found)

    async def next_due(self) -> float | None:
        """When time alone will next make something runnable; None: it will not."""
        return await self.database.hot.next_due()

    async def sweep(
        self,
        *,
        expirations: int = 10,
        lease: float = 120.0,
        outage_hold: float = 600.0,
        reclaim: bool = True,
    ) -> list[tuple[int, int]]:
        """Return what expired attempts held, and tasks whose wait is over; meet deadlines.

        Calls of models that nobody settled in time are booked at their worst case.

        More than half of at least five agents silent at once is an outage of ours: it is
        said once, and nothing is taken over until they are back or it has lasted too long.

        Args:
            expirations: a task whose attempts expired so often is blocked for a person.
            lease: seconds without a heartbeat after which an agent counts as silent.
            outage_hold: seconds for which an outage is believed in at most; 0: never.
            reclaim: whether expired attempts are taken back; waits end in any case.

        Returns:
            Task and fence of each attempt that expired.
        """
        returned = await self.database.hot.sweep(
            SweepRule(expirations=expirations, lease=lease, hold=outage_hold, reclaim=reclaim)
        )
        points, lost = await self.database.hot.points_due()
        if points:
            from neveridle.board.deadlines import meet_deadlines

            await self.database.write(meet_deadlines)
        if lost:
            await self.budgets.book_lost()
        return returned

    async def breakers_due(self) -> list[str]:
        """Wake those who rest because a breaker's time is over; the services of which it is."""
        from neveridle.board.needs import any_due, tell_due

        if not await self.database.read(any_due):
            return []
        return await self.database.write(tell_due)

    async def recover(
        self, *, expirations: int = 10, lease: float = 120.0, outage_hold: float = 600.0
    ) -> list[tuple[int, int]]:
        """Sweep as a person who knows better: nobody who is silent now is waited for.

        Ends an outage, and lets those silent not be one for as long as they stay silent.
        Leases that are not over stay. See ``sweep`` for arguments and result.
        """
        return await self.database.hot.sweep(
            SweepRule(expirations=expirations, lease=lease, hold=outage_hold, by_hand=True)
        )

    async def status(self) -> dict[str, Any]:
        """The numbers behind ``neveridle status``."""
        return await self.database.hot.status()


def database_for(url: str) -> Database:
    """The database behind a URL.

    Raises:
        BoardUnusable: the URL is of no known kind.
        ExtraMissing: it is PostgreSQL's, and psycopg is not installed.
    """
    kind, _, rest = url.partition("://")
    path = rest[1:]
    if kind == "sqlite" and rest.startswith("/") and path.strip():
        if path == ":memory:":
            msg = "A board in memory cannot be shared, and is lost with its process."
            raise BoardUnusable(msg, remedy="Name a file: sqlite:///PATH.")
        from neveridle.board.sqlite.database import SqliteDatabase

        return SqliteDatabase(Path(path))
    if kind == "postgresql" and rest:
        try:
            from neveridle.board.postgres.database import PostgresDatabase
        except ImportError as error:
            msg = f"A board on PostgreSQL needs psycopg: {error}."
            raise ExtraMissing(msg, remedy="pip install 'neveridle[postgres]'") from error
        return PostgresDatabase(url)
    msg = f"'{shown(url)}' is not a database a board can be on."
    remedy = (
        "Use sqlite:///PATH or postgresql://USER@HOST/DATABASE in team.board of neveridle.toml."
    )
    raise BoardUnusable(msg, remedy=remedy)
