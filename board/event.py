"""Events: the append-only log from which metrics, dashboard and cost come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the log.

    Attributes:
        kind: what happened, as ``noun.verb``: ``task.claimed``, ``model.call``.
        data: details that can be printed: never a secret, never a transcript.
    """

    id: int
    at: float
    kind: str
    agent: str | None
    run: str | None
    task_id: int | None
    fence: int | None
    data: dict[str, Any]
