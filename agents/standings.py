"""How all budgets stand: for people who ask, and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from neveridle.agents.caps import Caps, allows_nothing, is_closed
from neveridle.board.budget import NANOS, Cap, Standing

if TYPE_CHECKING:
    from neveridle.board import Board, Task
    from neveridle.settings import Settings

LISTED = 100
"""Tasks that are shown at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One budget as it stands; money is in US dollars.

    Attributes:
        scope: see ``neveridle.board.budget``.
        window: the day; empty: in all.
        tokens, cost, calls: spent.
        held_tokens, held_cost: the worst of the calls that are on their way.
        cap_tokens, cap_cost: None: no cap.
        share: of the cap that is nearer, from 0 on, what was spent; None: no cap.
        closed: whether there is no room for anything more.
        closed_at: since when; None: it is not, or a cap of 0 is why.
        resumes_at: when its window ends, where it is closed; None: not by itself.
    """

    scope: str
    window: str
    tokens: int
    cost: float
    calls: int
    held_tokens: int
    held_cost: float
    cap_tokens: int | None
    cap_cost: float | None
    share: float | None
    closed: bool
    closed_at: float | None
    resumes_at: float | None

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        return asdict(self)


async def standings(board: Board, settings: Settings, agents: Sequence[str]) -> list[Line]:
    """The team's budgets, each agent's, and those of tasks at work or out of budget.

    Args:
        board: the board.
        settings: what is capped.
        agents: everybody's name.
    """
    caps = Caps(settings)
    today = caps.today(await board.clock.now())
    asked = [caps.day(today), caps.team(), caps.improvement(today)]
    asked += [caps.agent(name, today) for name in agents]
    for task in await _tasks(board):
        first = task
        while first.continues is not None:
            first = await board.tasks.get(first.continues)
        cap = caps.task(first, task)
        if cap.scope not in {one.scope for one in asked}:
            asked.append(cap)
    found = await board.budgets.standing([(cap.scope, cap.window) for cap in asked])
    standing = {one.scope: one for one in found}
    return [_line(cap, standing.get(cap.scope)) for cap in asked]


async def _tasks(board: Board) -> list[Task]:
    numbers = [attempt.task_id for attempt in await board.attempts.active()]
    for one in await board.budgets.now_closed():
        kind, _, number = one.scope.partition(":")
        if kind == "task":
            numbers.append(int(number))
    return [await board.tasks.get(one) for one in dict.fromkeys(numbers[:LISTED])]


def _line(cap: Cap, one: Standing | None) -> Line:
    one = one or Standing(cap.scope, cap.window, cap.ends_at)
    nothing = allows_nothing(cap)
    closed = nothing or is_closed(one, cap)
    pairs = ((one.tokens, cap.tokens), (one.nanos, cap.nanos))
    shares = [spent / limit if limit else 1.0 for spent, limit in pairs if limit is not None]
    return Line(
        scope=cap.scope,
        window=cap.window,
        tokens=one.tokens,
        cost=one.nanos / NANOS,
        calls=one.calls,
        held_tokens=one.held_tokens,
        held_cost=one.held_nanos / NANOS,
        cap_tokens=cap.tokens,
        cap_cost=None if cap.nanos is None else cap.nanos / NANOS,
        share=max(shares, default=None),
        closed=closed,
        closed_at=one.closed_at if closed else None,
        resumes_at=cap.ends_at if closed and not nothing else None,
    )
