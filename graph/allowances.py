"""Allowances: who may not be given work just now, for want of a budget, and until when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neveridle.agents.caps import Caps, allows_nothing, is_closed
from neveridle.board import Board
from neveridle.board.budget import DAY, IMPROVEMENT, TEAM, Cap, agent_scope

if TYPE_CHECKING:
    from neveridle.graph.team import Team


class Allowances:
    """``team.allowances``: the budgets that are used up, as last seen.

    The board is asked before a task is claimed, and while something is known to be used up.
    A tick that finds no work asks nobody, and a team without budgets never asks.

    Args:
        board: where budgets are counted.
        caps: what they allow.
        agents: everybody's name.
    """

    def __init__(self, board: Board, caps: Caps, agents: list[str]) -> None:
        self._board = board
        self._caps = caps
        self._agents = agents
        self._closed: dict[str, float | None] = {}
        self._paused: dict[str, float] = {}
        self._opened = False

    @property
    def any_away(self) -> bool:
        """Whether anything was used up when it was last looked."""
        return bool(self._closed or self._paused)

    @property
    def improvement_closed(self) -> bool:
        """Whether improvements may not be worked on; then they are not looked for either."""
        return IMPROVEMENT in self._closed

    @property
    def closed(self) -> dict[str, float | None]:
        """The budgets used up when it was last looked, and when their windows end."""
        return dict(self._closed)

    def away(self, agent: str) -> bool:
        """Whether an agent may not be given work; no board read."""
        if not self._closed and not self._paused:
            return False
        return agent in self._paused or any(
            scope in self._closed for scope in (DAY, TEAM, agent_scope(agent))
        )

    def pause(self, agent: str, until: float) -> None:
        """Give an agent no work until a moment, by the board's clock."""
        self._paused[agent] = until

    async def look(self, agent: str | None = None) -> None:
        """Ask the board what is used up.

        Args:
            agent: of the agents, only this one is asked for; None: all.
        """
        if not self._caps.any and not self._paused:
            return
        now = await self._board.clock.now()
        before = self._shut
        self._paused = {name: at for name, at in self._paused.items() if at > now}
        asked = [cap for cap in self._all(now, agent) if _limited(cap)]
        counted = [(cap.scope, cap.window) for cap in asked if not allows_nothing(cap)]
        found = await self._board.budgets.standing(counted) if counted else []
        standing = {one.scope: one for one in found}
        for cap in asked:
            self._closed.pop(cap.scope, None)
            if allows_nothing(cap):
                self._closed[cap.scope] = None  # tomorrow, too
            elif cap.scope in standing and is_closed(standing[cap.scope], cap):
                self._closed[cap.scope] = cap.ends_at
        self._opened |= bool(before - self._shut)

    @property
    def _shut(self) -> set[str]:
        return {*self._closed, *(f"paused:{name}" for name in self._paused)}

    def _all(self, now: float, agent: str | None) -> list[Cap]:
        caps, today = self._caps, self._caps.today(now)
        names = self._agents if agent is None else [agent]
        agents = [caps.agent(name, today) for name in names]
        return [caps.day(today), caps.team(), caps.improvement(today), *agents]

    async def opened(self) -> bool:
        """Look again; whether something that was used up is not any more since this was asked.

        Whoever looked in between may have been the first to see it: it was for others, too.
        """
        if self.any_away:
            await self.look()
        opened, self._opened = self._opened, False
        return opened

    @property
    def resumes_at(self) -> float | None:
        """When work goes on; None: nothing is used up, or only a person can help.

        What stops everybody counts alone; else it is when the first of them is over.
        """
        whole = [self._closed[scope] for scope in (DAY, TEAM) if scope in self._closed]
        if whole:
            return None if None in whole else max(at for at in whole if at is not None)
        moments = [at for at in (*self._closed.values(), *self._paused.values()) if at is not None]
        return min(moments, default=None)

    async def next_due(self) -> float | None:
        """When the first of them is over, if there is work at all."""
        if self.resumes_at is None:
            return None
        runnable, _ = await self._board.runnable(limit=1)
        return self.resumes_at if runnable else None

    def notices(self) -> list[str]:
        """What an operator should see of it at start."""
        said: list[str] = []
        for scope, until in sorted(self._closed.items()):
            then = "" if until is None else "; work goes on when its window ends"
            said.append(f"The budget {scope} is used up{then}: see `neveridle budget`.")
        return said


def _limited(cap: Cap) -> bool:
    return cap.tokens is not None or cap.nanos is not None


def unpriced(team: Team) -> list[str]:
    """A notice for the models whose price nobody knows, where money is capped."""
    if team.given_worker is not None or not team.purse.caps.any_of_cost:
        return []
    names = sorted({name for name in team.models.names() if not team.purse.prices.known(name)})
    if not names:
        return []
    return [
        f"The price of {', '.join(names)} is not known: budgets in dollars do not count it, "
        f'those in tokens do. Set it in [prices."{names[0]}"].'
    ]
