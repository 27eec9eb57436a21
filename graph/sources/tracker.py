"""Trackers: where the backlog comes from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from neveridle.board import Board, NewTask, Priority, Source, Task

if TYPE_CHECKING:
    from neveridle.tools.effects import Verb


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A tracker's own record of some work.

    Attributes:
        ref: what the tracker calls it, such as ``AGT-275``.
        open: whether it is work that an agent may take, or is at already.
        after: refs of the tickets it depends on and that are not over.
        over: whether nothing is left to be done for it.
        ours: whether it is assigned to us: to an agent, or whoever the token belongs to.
        taken_by: whom else it is assigned to, by name; empty: nobody.
        started: whether it is said to be worked on, or to be in review.
        overtook: the id of the person from whom our own assignment took it just now; empty:
            it was nobody's. Known only of a ticket that was looked at by itself.
        id: the tracker's own id of it, where it has one besides ``ref``.
        changed: when it last changed, in the tracker's own words.
        read_at: when the look began that saw it so, by the board's clock.
    """

    ref: str
    title: str
    description: str = ""
    priority: Priority = Priority.NORMAL
    assignee: str | None = None
    skills: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    acceptance: tuple[str, ...] = ()
    open: bool = True
    over: bool = False
    ours: bool = False
    taken_by: str = ""
    started: bool = False
    overtook: str = ""
    id: str = ""
    changed: str = ""
    read_at: float = 0.0
    data: dict[str, object] = field(default_factory=dict[str, object])

    @property
    def lost(self) -> str:
        """Why nobody of us is to work on it, in words; empty: no reason."""
        if self.over:
            return f"{self.ref} was closed"
        return f"{self.ref} was taken by {self.taken_by}" if self.taken_by else ""

    def stored(self) -> dict[str, Any]:
        """As the mirror keeps it."""
        return {**asdict(self), "priority": int(self.priority)}

    @classmethod
    def restored(cls, data: Mapping[str, Any]) -> Ticket:
        """From what the mirror keeps."""
        known = {one.name for one in fields(cls)}
        given = {name: value for name, value in data.items() if name in known}
        whole: dict[str, Any] = {**given, "priority": Priority(given["priority"])}
        for name, value in given.items():
            if isinstance(value, list):
                items: list[Any] = [*value]
                whole[name] = tuple(items)
        return cls(**whole)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a look at an outside tracker gave.

    Attributes:
        cursor: from where the next look may go on.
        tickets: those that changed, the ones that are over among them; or all open ones.
        whole: whether these are all: what is not among them is over.
    """

    cursor: str
    tickets: tuple[Ticket, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Write:
    """A write to a tracker, to be made as an effect."""

    verb: Verb
    target: str
    request: dict[str, Any]


class Tracker(Protocol):
    """A tracker that is read as a whole and never written to; see ``OutsideTracker``."""

    name: str

    async def changed(self, token: str) -> str | None:
        """A token for the tracker's present state; None: as it was at ``token``."""
        ...

    async def tickets(self) -> Sequence[Ticket]:
        """All tickets that the team's roles concern."""
        ...


class OutsideTracker(ABC):
    """A tracker that is a service: looked at by one process at a time, written to by effects.

    Attributes:
        name: its name, which is its service's, too.
        verbs: the ways of writing that ``take`` and the others use.
    """

    name: str
    verbs: tuple[Verb, ...]

    @abstractmethod
    def interval(self) -> float:
        """Seconds until it is looked at again; more where little is left of its limits."""

    @abstractmethod
    async def read(self, cursor: str, *, whole: bool) -> Reading:
        """What changed since ``cursor``; all that is open where ``whole``, or it is empty.

        Raises:
            ServiceError: it cannot be asked.
        """

    @abstractmethod
    async def look(self, ref: str) -> Ticket | None:
        """One ticket as it is now; None: there is none.

        Raises:
            ServiceError: it cannot be asked.
        """

    @abstractmethod
    async def take(self, ref: str, agent: str) -> Write:
        """Assign it to an agent, unless it is over or somebody else's."""

    @abstractmethod
    async def give_back(self, ref: str, to: str) -> Write:
        """Undo our assignment.

        Args:
            ref: the ticket.
            to: the id of who had it before; empty: nobody.
        """

    @abstractmethod
    def move(self, ref: str, state: str) -> Write | None:
        """Set its state: ``started``, ``review``, ``done`` or ``reopened``; None: it has none."""

    @abstractmethod
    def make(self, title: str, description: str, fingerprint: str) -> Write:
        """Make a ticket, once for each fingerprint."""

    @abstractmethod
    def made(self, result: Any) -> str:
        """The ref of a ticket, from the result of ``make``."""


AnyTracker: TypeAlias = "Tracker | OutsideTracker"


class BoardTracker:
    """The built-in tracker: its tickets are the board's own tasks, so there is nothing to sync.

    Args:
        board: the board.
    """

    name = "board"

    def __init__(self, board: Board) -> None:
        self._board = board

    async def changed(self, token: str) -> str | None:
        """Never: what is on the board is already there."""
        return None

    async def tickets(self) -> Sequence[Ticket]:
        """None beyond the tasks themselves."""
        return []

    async def create(self, ticket: Ticket) -> str:
        """Put a backlog task on the board."""
        task = await self._board.tasks.add(ticket_task(ticket, self.name))
        return str(task.id)

    async def set_state(self, task: Task, state: str) -> None:
        """Nothing to do: the task's state is the ticket's."""

    async def comment(self, task: Task, text: str) -> None:
        """Say it in the channel ``dev``."""
        await self._board.messages.post("dev", "team", f"Task {task.id}: {text}")


def ticket_task(ticket: Ticket, tracker: str, *, needs: str = "") -> NewTask:
    """The task that a ticket becomes.

    Args:
        ticket: the ticket.
        tracker: its tracker's name.
        needs: a service it needs besides those the ticket names; empty: none.
    """
    return NewTask(
        source=Source.BACKLOG,
        ref=f"{tracker}:{ticket.ref}",
        ticket=ticket.ref,
        title=ticket.title,
        description=ticket.description,
        priority=ticket.priority,
        assignee=ticket.assignee,
        skills=ticket.skills,
        services=(*ticket.services, needs) if needs else ticket.services,
        acceptance=ticket.acceptance,
    )
