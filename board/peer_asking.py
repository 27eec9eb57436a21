"""Asking a peer, and giving up what a peer cannot answer; inside a transaction."""

from __future__ import annotations

from sqlalchemy import Connection

from neveridle.board.dependencies import add_edge
from neveridle.board.endings import cancel_task
from neveridle.board.links import add_link
from neveridle.board.lookup import find_task
from neveridle.board.question_rows import asked_of_peers, asker_of
from neveridle.board.questions import ASKED, Ask
from neveridle.board.storable import one_line, storable
from neveridle.board.task import OPEN_STATES, NewTask, Source, Task
from neveridle.board.tasks import insert_task

TITLE = 120
"""Characters of a question in the title of the dispatch that it becomes."""


def ask_agent(c: Connection, asker: Task, sender: str, ask: Ask) -> int:
    """Dispatch a question to a peer; the asker, which has ended its attempt, waits for it."""
    known = asked_of_peers(c, asker.id).get(ask.interrupt)
    if known is None:
        new = NewTask(
            source=Source.DISPATCH,
            title=one_line(f"Answer {sender}: {ask.title}", TITLE),
            description=storable(ask.body),
            priority=asker.priority,
            assignee=ask.peer,
            needs_change=False,
        )
        known = insert_task(c, new)[0].id
        add_link(c, known, asker.id, f"{ASKED}{ask.interrupt}")
    if find_task(c, known).state in OPEN_STATES:
        add_edge(c, asker.id, known)
    return known


def give_up(c: Connection, task: int, why: str) -> bool:
    """Cancel a peer's task that cannot be done, so that who asked goes on; False: it is none."""
    found = find_task(c, task)
    while found.continues is not None:
        found = find_task(c, found.continues)
    if asker_of(c, found.id) is None:
        return False
    cancel_task(c, found, why)
    return True
