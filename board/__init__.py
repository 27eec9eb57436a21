"""The board: the team's shared, durable ground truth in SQL."""

from __future__ import annotations

from neveridle.board.attempt import Attempt, AttemptState, Claim, Phase
from neveridle.board.board import Board
from neveridle.board.effect import Asked, Effect, EffectState, Performed, Safety
from neveridle.board.event import Event
from neveridle.board.handoff import Handoff, HandoffDocument
from neveridle.board.message import Message
from neveridle.board.task import NewTask, Priority, Source, Task, TaskState

__all__ = [
    "Asked",
    "Attempt",
    "AttemptState",
    "Board",
    "Claim",
    "Effect",
    "EffectState",
    "Event",
    "Handoff",
    "HandoffDocument",
    "Message",
    "NewTask",
    "Performed",
    "Phase",
    "Priority",
    "Safety",
    "Source",
    "Task",
    "TaskState",
]
