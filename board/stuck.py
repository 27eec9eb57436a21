"""What is said when a task ends, or stops, and others wait for it. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

AUTHOR = "board"
"""Who says it in the channel ``dev``."""
NAMED = 20
"""So many of those that wait are named; the others are counted."""


def stuck_event(task: int, state: str, waiting: Sequence[int]) -> dict[str, Any]:
    """The data of the event ``task.stuck``: one for each task that stops with others behind it."""
    return {"by": task, "state": state, "count": len(waiting), "tasks": list(waiting[:NAMED])}


def stuck_message(task: int, state: str, waiting: Sequence[int]) -> str:
    """The same in words, with what a person can do.

    Args:
        task: the task that stopped.
        state: ``failed``, ``cancelled`` or ``blocked``.
        waiting: the tasks that cannot go on, directly behind it or further away.
    """
    shown = ", ".join(f"#{one}" for one in waiting[:NAMED])
    more = f" and {len(waiting) - NAMED:,} more" if len(waiting) > NAMED else ""
    do = f"`neveridle tasks retry {task}` takes it up again"
    if state != "blocked":
        do += f"; `neveridle tasks release ID --on {task}` goes on without it"
    return f"Task #{task} is {state}, so {shown}{more} cannot be worked on: {do}."
