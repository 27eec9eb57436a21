"""A control: what a person said of an agent, or of everybody."""

from __future__ import annotations

from dataclasses import dataclass

EVERYBODY = "*"
"""The name under which a control holds for all agents."""
PAUSED = "paused"
DRAINING = "draining"


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What a person said of an agent, or of everybody.

    Attributes:
        agent: its name; ``*``: everybody.
        mode: ``paused``: takes no task until resumed; ``draining``: whoever ran when it was
            said ends once what is at work has ended.
        reason, by, since: why, who said so, and when, by the board's clock.
    """

    agent: str
    mode: str
    reason: str
    by: str
    since: float

    def holds_for(self, agent: str) -> bool:
        """Whether it was said of this agent."""
        return self.agent in (agent, EVERYBODY)
