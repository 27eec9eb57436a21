"""The state of one tick: small, typed, and gone when the tick is over."""

from __future__ import annotations

import operator
from typing import Annotated, Any, Literal, NotRequired, TypedDict

Ending = Literal["completed", "failed", "blocked", "handed_off", "parked", "released", "lost"]
"""How the attempt of a tick ended; ``lost``: somebody else owns the task now."""


class Problem(TypedDict):
    """An error on its way to ``recover``; exceptions themselves do not go into state.

    Attributes:
        service: whose failure it is, where waiting for that service helps.
        evidence: what shows that the work goes in circles.
        scope: the budget that was reached.
        until: when its window ends; None: not by itself.
    """

    code: str
    category: str
    message: str
    remedy: str
    service: NotRequired[str]
    evidence: NotRequired[dict[str, Any]]
    scope: NotRequired[str]
    until: NotRequired[float | None]


class TickState(TypedDict, total=False):
    """What the nodes of one tick tell each other.

    Attributes:
        agent: who ticks; the only thing a caller has to give.
        path: the nodes passed so far: the decision path.
        rung: the rung that found work, or was looked at last.
        candidate: the task that rung saw; it may be gone when it is claimed.
        lost: claims lost at this rung in this tick.
        task: the task claimed.
        fence: the fence of its attempt.
        title: its title.
        phase: how far the attempt has durably come.
        status: the outcome's status, once there is one.
        problem: what went wrong, on the way to ``recover``.
        ending: how the attempt ended.
        wait: with no work: what to wait for.
    """

    agent: str
    path: Annotated[list[str], operator.add]
    rung: str
    candidate: int | None
    lost: int
    task: int
    fence: int
    title: str
    phase: str
    status: str
    problem: Problem | None
    ending: Ending
    wait: dict[str, Any]
