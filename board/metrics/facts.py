"""What is known of a window of time: read from the board, or made by hand in a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from neveridle.board.metrics.window import Window


@dataclass(frozen=True, slots=True)
class Life:
    """How long one run of an agent is known to have lived.

    Attributes:
        until: its end; where it died or still lives, its last heartbeat.
    """

    run: str
    agent: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Spell:
    """One attempt: from its claim to its end, or to now."""

    run: str
    agent: str
    task: int | None
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Done:
    """A task that an agent completed.

    Attributes:
        since: when it was first claimed, by whoever handed it over first; None: not known.
    """

    agent: str
    at: float
    since: float | None


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A task that an agent's attempt left blocked."""

    agent: str
    at: float


@dataclass(frozen=True, slots=True)
class Escalation:
    """An escalation, and to which level."""

    agent: str
    at: float
    level: str


@dataclass(frozen=True, slots=True)
class Spent:
    """Model calls of one kind in the window, added up.

    Attributes:
        agent, rung, purpose, model: empty where nothing is said.
        idle: whether they were made without a task.
        calls: how many were answered, or booked at their worst.
        requests: how many requests that took.
        retries: how many of these repeated one that had failed.
        nanos: nano-dollars, of those whose price is known.
        priced: how many those are.
    """

    agent: str
    rung: str
    purpose: str
    model: str
    idle: bool
    calls: int
    requests: int
    retries: int
    input_tokens: int
    output_tokens: int
    nanos: int
    priced: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the formulas ask for.

    Lives and spells may reach beyond the window; all else lies in it.

    Attributes:
        service_calls: requests to services other than models.
        service_retries: how many of them repeated one that had failed.
    """

    window: Window
    lives: Sequence[Life] = ()
    spells: Sequence[Spell] = ()
    done: Sequence[Done] = ()
    given_up: Sequence[GivenUp] = ()
    escalations: Sequence[Escalation] = ()
    spent: Sequence[Spent] = ()
    service_calls: int = 0
    service_retries: int = 0

    def by_agent(self) -> dict[str, Facts]:
        """What is known of each agent, by name; calls of services are nobody's."""
        parts: dict[str, dict[str, list[Any]]] = {}
        for name in _OWNED:
            for one in getattr(self, name):
                part = parts.get(one.agent)
                if part is None:
                    part = parts[one.agent] = {owned: [] for owned in _OWNED}
                part[name].append(one)
        return {
            agent: Facts(
                self.window, part["lives"], part["spells"], part["done"], part["given_up"],
                part["escalations"], part["spent"],
            )
            for agent, part in sorted(parts.items()) if agent
        }  # fmt: skip


_OWNED = ("lives", "spells", "done", "given_up", "escalations", "spent")
