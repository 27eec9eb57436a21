"""The board: the team's shared, durable ground truth in SQL."""

from __future__ import annotations

from neveridle.board.attempt import Attempt, AttemptState, Claim, Phase
from neveridle.board.board import Board
from neveridle.board.event import Event
from neveridle.board.handoff import Handoff, HandoffDocument
from neveridle.board.message import Message
from neveridle.board.sync_point import (
    CheckedIn,
    NextPhase,
    Place,
    PointState,
    Policy,
    Standing,
    SyncPoint,
)
from neveridle.board.task import NewTask, Priority, Source, Task, TaskState

__all__ = [
    "Attempt",
    "AttemptState",
    "Board",
    "CheckedIn",
    "Claim",
    "Event",
    "Handoff",
    "HandoffDocument",
    "Message",
    "NewTask",
    "NextPhase",
    "Phase",
    "Place",
    "PointState",
    "Policy",
    "Priority",
    "Source",
    "Standing",
    "SyncPoint",
    "Task",
    "TaskState",
]
