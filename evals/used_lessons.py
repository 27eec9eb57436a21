"""Lessons of one task that stood in the prompt of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neveridle.board import Board
from neveridle.board.memory_row import MemoryRow


@dataclass(frozen=True, slots=True)
class UsedLesson:
    """A lesson that was shown to a try which ended as completed or failed.

    Attributes:
        lesson: the lesson.
        learnt_by: who learnt it.
        learnt_in: the title of the task it was drawn from.
        used_by: to whom it was shown.
        used_in: the title of that task.
        calls: model calls that were made on that task, without those that drew lessons.
    """

    lesson: str
    learnt_by: str
    learnt_in: str
    used_by: str
    used_in: str
    calls: int


async def used_lessons(
    board: Board, rows: Sequence[MemoryRow], titles: Mapping[int, str]
) -> list[UsedLesson]:
    """The lessons among ``rows`` that were shown in another task than their own.

    Args:
        board: the board.
        rows: memories.
        titles: the titles of the tasks.
    """
    from neveridle.memory.learning import core

    known = {row.id: row for row in rows if row.kind == "learning" and row.task is not None}
    calls: dict[int, int] = {}
    for event in await board.events.find(kind="model.call", limit=100_000):
        if event.task_id is not None and event.data.get("purpose") == "work":
            calls[event.task_id] = calls.get(event.task_id, 0) + 1
    return [
        UsedLesson(
            core(known[memory].text),
            known[memory].agent,
            titles.get(known[memory].task or 0, ""),
            one.agent,
            titles.get(one.task, ""),
            calls.get(one.task, 0),
        )
        for one in sorted(await board.memories.uses.ended(), key=lambda one: one.task)
        for memory in sorted(one.memories)
        if memory in known and known[memory].task != one.task
    ]
