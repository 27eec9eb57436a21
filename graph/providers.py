"""Providers: which agents have a model that cannot be called just now."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from neveridle.board import Board
from neveridle.board.breaker import Breaker, BreakerState, Verdict
from neveridle.errors import ModelNotConfigured

if TYPE_CHECKING:
    from neveridle.graph.team import Team


class Providers:
    """``team.providers``: the breakers of the models' providers, as last seen.

    The board is asked before a task is claimed, and while a provider is known to be away.
    A tick that finds no work asks nobody.

    Args:
        board: where the breakers are.
        agents: everybody's provider by agent; empty: one that has no breaker.
        credentials: fingerprints of this process's keys by provider: one that is held for
            other keys is tried with ours.
    """

    def __init__(
        self, board: Board, agents: dict[str, str], credentials: Mapping[str, str]
    ) -> None:
        self._board = board
        self._agents = agents
        self._credentials = credentials
        self._names = sorted({name for name in agents.values() if name})
        self._away: dict[str, float | None] = {}
        self._held: list[Breaker] = []

    def knows(self, service: str) -> bool:
        """Whether a service is the provider of somebody's model."""
        return service in self._names

    @property
    def any_away(self) -> bool:
        """Whether a provider could not be called when it was last looked."""
        return bool(self._away)

    def away(self, agent: str) -> bool:
        """Whether an agent's model could not be called when it was last looked; no board read."""
        return bool(self._away) and self._agents.get(agent, "") in self._away

    async def look(self) -> None:
        """Ask the board which providers cannot be called now."""
        if not self._names:
            return
        found = [await self._board.breakers.get(name) for name in self._names]
        broken = [one for one in found if one.state is not BreakerState.CLOSED]
        now = await self._board.clock.now() if broken else 0.0
        self._away = {one.service: one.retry_at for one in broken if self._shut(one, now)}
        self._held = [one for one in broken if one.state is BreakerState.HELD]

    def notices(self) -> list[str]:
        """What an operator should see at start: who is not asked, as it rejected our key."""
        return [
            f"{one.service} is held: {one.reason} Start with another key, or, where this one "
            f"is accepted again, `neveridle services reset {one.service}`."
            for one in self._held
            if one.service in self._away
        ]

    def _shut(self, one: Breaker, now: float) -> bool:
        if one.state is BreakerState.HELD:
            return one.verdict(now, self._credentials.get(one.service, "")) is Verdict.REFUSED
        return one.retry_at is None or one.retry_at > now

    async def next_due(self) -> float | None:
        """When the first provider that is away can be called again, if there is work at all."""
        await self.look()
        moments = [at for at in self._away.values() if at is not None]
        if not moments:
            return None
        runnable, _ = await self._board.runnable(limit=1)
        return min(moments) if runnable else None


def sharing_model(team: Team, agent: str) -> list[str]:
    """The other agents at work with an agent's model, so with the same credentials."""
    if team.given_worker is not None:
        return []

    def model_of(one: str) -> str:
        with suppress(ModelNotConfigured):
            return team.models.name_for("work", one)
        return ""

    name = model_of(agent)
    others = (one for one in team.roster.names if one != agent and one not in team.stopped)
    return [one for one in others if name and model_of(one) == name]
