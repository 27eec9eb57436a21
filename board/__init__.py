"""The board: the team's shared, durable ground truth in SQL."""

from __future__ import annotations

from neveridle.board.attempt import Attempt, AttemptState, Claim, Phase
from neveridle.board.board import Board
from neveridle.board.effect import Asked, Effect, EffectState, Performed, Safety
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
    "Asked",
    "Attempt",
    "AttemptState",
    "Board",
    "CheckedIn",
    "Claim",
    "Effect",
    "EffectState",
    "Event",
    "Handoff",
    "HandoffDocument",
    "Message",
    "NewTask",
    "NextPhase",
    "Performed",
    "Phase",
    "Place",
    "PointState",
    "Policy",
    "Priority",
    "Safety",
    "Source",
    "Standing",
    "SyncPoint",
    "Task",
    "TaskState",
]
