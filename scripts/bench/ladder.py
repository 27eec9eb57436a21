"""What one tick costs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypedDict


class Step(TypedDict, total=False):
    """The state of the bare graph: the last node that ran."""

    at: int


def bare_ladder(nodes: int = 5) -> Any:
    """The floor of a tick: no-op nodes, a conditional edge after each, no checkpointer.

    Every edge leads to the next node, and the last one to the end, as in a tick that finds
    nothing to do. Returns a compiled LangGraph graph.
    """
    from langgraph.graph import END, START, StateGraph

    # LangGraph's types do not tell how a graph made in a loop is typed.
    graph: Any = StateGraph(Step)
    names = [f"rung_{number}" for number in range(nodes)]
    for number, name in enumerate(names):
        following = names[number + 1] if number + 1 < nodes else END
        graph.add_node(name, _rung(number))
        graph.add_conditional_edges(name, _always(following), [following, END])
    graph.add_edge(START, names[0])
    return graph.compile()


def _rung(number: int) -> Callable[[Step], Awaitable[Step]]:
    async def rung(_state: Step) -> Step:
        return {"at": number}

    return rung


def _always(following: str) -> Callable[[Step], str]:
    def choose(_state: Step) -> str:
        return following

    return choose
