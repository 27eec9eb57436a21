"""Putting the decision tree together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neveridle.board import Phase
from neveridle.graph.around import passed
from neveridle.graph.nodes.claim import claim
from neveridle.graph.nodes.deliver import deliver
from neveridle.graph.nodes.guard import guarded, named, passed_over
from neveridle.graph.nodes.hand_off import hand_off
from neveridle.graph.nodes.park import park
from neveridle.graph.nodes.recover import recover
from neveridle.graph.nodes.reflect import reflect
from neveridle.graph.nodes.rest import rest
from neveridle.graph.nodes.rungs import (
    LADDER,
    check_backlog,
    check_dispatch,
    check_improvement,
    check_roadmap,
    heartbeat,
)
from neveridle.graph.nodes.verify import verify
from neveridle.graph.nodes.work import work
from neveridle.graph.state import TickState

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph

    from neveridle.graph.team import Team

RUNGS = [f"check_{source}" for source in LADDER]
NODES = {
    "heartbeat": heartbeat,
    "check_dispatch": check_dispatch,
    "check_backlog": check_backlog,
    "check_roadmap": check_roadmap,
    "check_improvement": check_improvement,
    "claim": claim,
    "work": work,
    "verify": verify,
    "deliver": deliver,
    "reflect": reflect,
    "hand_off": hand_off,
    "park": park,
    "recover": recover,
    "rest": rest,
}


def build_graph(team: Team) -> CompiledStateGraph[TickState, None, TickState, TickState]:
    """The compiled decision tree of a team: one pass is one tick of one agent.

    It has no checkpointer of its own: an attempt's durable phase lies on the board, and
    ``claim`` routes a resumed attempt to where it was. Give it ``{"agent": name}``.
    """
    from langgraph.graph import END, START, StateGraph

    graph: Any = StateGraph(TickState)
    for name, node in NODES.items():
        wrap = named if name in ("heartbeat", "rest") else guarded
        made = (passed_over if name in RUNGS else wrap)(team, name, node)
        graph.add_node(name, passed(team.around.passing, name, made))
    limit = team.settings.limits.claim_retries
    following = dict(zip(RUNGS, [*RUNGS[1:], "rest"], strict=True))

    def after_heartbeat(state: TickState) -> str:
        return "rest" if state.get("rung") == "rest" else RUNGS[0]

    def after_claim(state: TickState) -> str:
        if state.get("ending") == "lost":
            return END
        if state.get("problem"):
            return "recover" if state.get("task") else "rest"
        if state.get("rung") == "rest":  # the agent's model cannot be called
            return "rest"
        if state.get("candidate") is None:  # somebody was faster
            rung = f"check_{state.get('rung', '')}"
            return rung if state.get("lost", 0) < limit else following[rung]
        phase = state.get("phase")
        if phase == Phase.CLAIMED:
            return "work"
        if phase == Phase.WORKED:
            return after_work(state)
        if phase == Phase.VERIFIED:
            return after_verify(state)
        return "reflect"

    def after_work(state: TickState) -> str:
        if state.get("ending") == "lost":
            return END
        if state.get("problem"):
            return "recover"
        if state.get("status") == "interrupted":
            return "park"
        return "verify" if state.get("status") in ("completed", "handed_off") else "recover"

    def after_verify(state: TickState) -> str:
        if state.get("ending") == "lost":
            return END
        if state.get("problem"):
            return "recover"
        return "hand_off" if state.get("status") == "handed_off" else "deliver"

    def after_deliver(state: TickState) -> str:
        if state.get("ending"):  # a pull request is waited for, or goes back to an agent
            return END
        return "recover" if state.get("problem") else "reflect"

    def onward(then: str) -> Any:
        def route(state: TickState) -> str:
            if state.get("ending") == "lost":
                return END
            return "recover" if state.get("problem") else then

        return route

    def after_recover(state: TickState) -> str:
        return END if state.get("ending") or state.get("problem") else "reflect"

    graph.add_edge(START, "heartbeat")
    graph.add_conditional_edges("heartbeat", after_heartbeat, [RUNGS[0], "rest"])
    for rung in RUNGS:
        graph.add_conditional_edges(rung, _rung_route(following[rung]), ["claim", following[rung]])
    graph.add_conditional_edges(
        "claim", after_claim, ["work", "verify", "deliver", "hand_off", "reflect", "recover",
                               *RUNGS, "rest", END],
    )  # fmt: skip
    graph.add_conditional_edges("work", after_work, ["verify", "recover", "park", END])
    graph.add_conditional_edges("verify", after_verify, ["deliver", "hand_off", "recover", END])
    graph.add_conditional_edges("deliver", after_deliver, ["reflect", "recover", END])
    graph.add_conditional_edges("hand_off", onward(END), ["recover", END])
    graph.add_conditional_edges("park", onward(END), ["recover", END])
    graph.add_conditional_edges("recover", after_recover, ["reflect", END])
    graph.add_conditional_edges("reflect", onward(END), ["recover", END])
    graph.add_edge("rest", END)
    compiled: CompiledStateGraph[TickState, None, TickState, TickState]
    compiled = graph.compile(name="neveridle")
    return compiled


def _rung_route(following: str) -> Any:
    def route(state: TickState) -> str:
        return "claim" if state.get("candidate") is not None else following

    return route
