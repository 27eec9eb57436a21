"""What stands around a team that is tried out, as in a recorded task: nothing otherwise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from neveridle.graph.state import TickState

if TYPE_CHECKING:
    from neveridle.tools.models.models import ModelSeam

When: TypeAlias = Literal["before", "after"]
Passing: TypeAlias = Callable[[When, str, TickState], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What is done at the seams of a team.

    Attributes:
        models: what stands around its models.
        passing: told before and after each node of the tree, with its name and the state.
        due: when something is expected to happen outside of the team, in seconds since 1970
            by the board's clock: a run ``until="idle"`` waits for it. None: nothing is.
    """

    models: ModelSeam | None = None
    passing: Passing | None = None
    due: Callable[[], Awaitable[float | None]] | None = None


def passed(
    passing: Passing | None, name: str, node: Callable[[TickState], Awaitable[TickState]]
) -> Callable[[TickState], Awaitable[TickState]]:
    """The node, with ``passing`` told before and after it."""
    if passing is None:
        return node
    tell = passing

    async def run(state: TickState) -> TickState:
        await tell("before", name, state)
        found = await node(state)
        await tell("after", name, {**state, **found})
        return found

    run.__name__ = name
    return run
