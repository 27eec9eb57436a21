"""Trackers: where the backlog comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from neveridle.board import Board, NewTask, Priority, Source, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A tracker's own record of some work.

    Attributes:
        ref: what the tracker calls it, such as ``AGT-275``.
        open: whether it is unstarted work that an agent may take.
        after: refs of the tickets it depends on.
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
    data: dict[str, object] = field(default_factory=dict[str, object])


class Tracker(Protocol):
    """A tracker, as the backlog rung and delivery see it."""

    name: str

    async def changed(self, token: str) -> str | None:
        """A token for the tracker's present state; None: as it was at ``token``."""
        ...

    async def tickets(self) -> Sequence[Ticket]:
        """All tickets that the team's roles concern."""
        ...

    async def create(self, ticket: Ticket) -> str:
        """Make a ticket; its ref."""
        ...

    async def set_state(self, task: Task, state: str) -> None:
        """Tell the tracker that a task is ``started`` or ``done``; saying it twice is harmless."""
        ...

    async def comment(self, task: Task, text: str) -> None:
        """Say something on a task's ticket."""
        ...


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


def ticket_task(ticket: Ticket, tracker: str) -> NewTask:
    """The task that a ticket becomes."""
    return NewTask(
        source=Source.BACKLOG,
        ref=f"{tracker}:{ticket.ref}",
        ticket=ticket.ref,
        title=ticket.title,
        description=ticket.description,
        priority=ticket.priority,
        assignee=ticket.assignee,
        skills=ticket.skills,
        services=ticket.services,
        acceptance=ticket.acceptance,
    )
