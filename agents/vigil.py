"""Notices an attempt that goes round in circles: it is told once, and then stopped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final, NotRequired, cast

from langchain.agents import AgentState
from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.middleware.types import ExtendedModelResponse, PrivateStateAttr
from langchain_core.messages import SystemMessage
from langgraph.types import Command

from neveridle.agents.repetition import LONGEST, Finding, Trail, Why
from neveridle.agents.rounds import Done, rounds_of
from neveridle.board import Attempt, Board
from neveridle.errors import Stuck
from neveridle.memory.compaction.text import content_text, is_head
from neveridle.tools.folded import MARK, calls_made

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

NEAR: Final = 0.8
"""The share of a limit at which an agent is told that it is near."""

_STUCK: Final = {
    Why.REPEATS: "The last {times} times you did the same with the same results ({tools}). "
    "Once more, and the result is the same again.",
    Why.NO_NEWS: "Nothing new has come of your last {times} rounds ({tools}): all of their "
    "results you had before, and no file was changed.",
}
_WHAT_NOW: Final = """\
Do something else now: look elsewhere, change what you assumed, or take a smaller step. Where
you wait for something, or cannot go on, end with the TaskOutcome tool: blocked with who must do
what, handed_off to who can do it, or failed with what you found out. If it goes on like this,
you are stopped and the attempt has failed."""
_NEAR: Final = """\
# Little is left of this attempt

{used} of its {limit} {what} are used. Come to an end: finish what you have begun, and end with
the TaskOutcome tool; where it cannot be finished, hand it over or say what is missing. At
{limit} the attempt is stopped, whatever it has come to."""


class VigilState(AgentState[Any]):
    """The conversation's state with what the vigil keeps of it."""

    vigil: NotRequired[Annotated[dict[str, Any], PrivateStateAttr]]


_Base = AgentMiddleware[Any, Any, Any]


class Vigil(_Base):
    """Middleware that tells an agent once that it goes round in circles, then stops it.

    Each call of the model is preceded by a look at the last round only. What is kept of the
    earlier ones are digests beside the conversation, in its checkpoint, written in the step
    of the model's answer: a resumed attempt goes on counting, and folding the conversation
    takes nothing away. What the agent is told stands at the end of the system message, the
    one place whose instructions it follows; results of tools are data to it.

    Args:
        board: where nudges are logged.
        attempt: whose conversation it is.
        repeats: how often the same with the same result is a circle; 0: never.
        quiet: how many rounds without news are too many; 0: never.
        model_calls, tool_calls: the attempt's limits; near one, the agent is told.
    """

    state_schema = VigilState

    def __init__(
        self,
        board: Board,
        attempt: Attempt,
        *,
        repeats: int,
        quiet: int,
        model_calls: int,
        tool_calls: int,
    ) -> None:
        super().__init__()
        self._board = board
        self._attempt = attempt
        self._repeats = repeats
        self._quiet = quiet
        self._limits = {"model calls": model_calls, "tool calls": tool_calls}
        self._system: tuple[object, str, SystemMessage] | None = None

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        """Look at the last round; then make the call, or refuse it.

        Raises:
            Stuck: the agent was told, and goes on as before.
        """
        kept = cast("dict[str, Any]", request.state.get("vigil") or {})
        notes = dict(cast("dict[str, str]", kept.get("notes") or {}))
        trail, folded = Trail.from_dict(kept), _folded(request.messages)
        if folded != kept.get("folded", 0):
            trail.forget()
        events: list[dict[str, Any]] = []
        last = rounds_of(request.messages, 1)
        if last:
            trail.add([one.act for one in last[0]], keep=LONGEST * self._repeats)
        if trail.told is None:
            notes.pop("stuck", None)
        found = trail.look(repeats=self._repeats, quiet=self._quiet)
        if found is not None:
            shown = _shown(found, request.messages)
            if trail.told is not None:
                raise _stuck(found, trail.told, shown)
            trail.tell(found)
            notes["stuck"] = _told(found, shown)
            events.append({"why": str(found.why), **_evidence(found, shown)})
        events += self._near(request.messages, notes)
        response = await handler(self._with(request, notes))
        for event in events:  # only now the agent was told
            await self._board.events.append(
                "attempt.nudged", event, agent=self._attempt.agent, run=self._attempt.run,
                task=self._attempt.task_id, fence=self._attempt.fence,
            )  # fmt: skip
        state = {**trail.as_dict(), "folded": folded, "notes": notes}
        return ExtendedModelResponse(response, Command(update={"vigil": state}))

    def _near(self, messages: Sequence[BaseMessage], notes: dict[str, str]) -> list[dict[str, Any]]:
        """Note, once for each limit, that it is near; what is to be logged of it."""
        near: list[dict[str, Any]] = []
        used = dict(zip(self._limits, calls_made(messages), strict=True))
        for what, limit in self._limits.items():
            if what not in notes and NEAR * limit <= used[what] < limit:
                notes[what] = _NEAR.format(used=used[what], limit=limit, what=what)
                near.append({"why": "limit", "what": what, "used": used[what], "limit": limit})
        return near

    def _with(self, request: ModelRequest[Any], notes: dict[str, str]) -> ModelRequest[Any]:
        """The request with what the agent is told."""
        if not notes:
            return request
        before, text = request.system_message, "\n\n".join(notes.values())
        if self._system is None or self._system[0] is not before or self._system[1] != text:
            said = "" if before is None else content_text(before.content)
            self._system = (before, text, SystemMessage(f"{said}\n\n{text}".strip()))
        return request.override(system_message=self._system[2])


def _folded(messages: Sequence[BaseMessage]) -> int:
    """How many messages of a conversation are folded."""
    if not messages or not is_head(messages[0]):
        return 0
    return int(messages[0].additional_kwargs[MARK].get("folded", 0))


def _shown(found: Finding, messages: Sequence[BaseMessage]) -> list[Done]:
    """The calls that show it, as far as the conversation still has them."""
    rounds = rounds_of(messages, found.period or LONGEST)
    return [done for one in rounds for done in one]


def _told(found: Finding, shown: Sequence[Done]) -> str:
    tools = ", ".join(f"`{name}`" for name in dict.fromkeys(one.tool for one in shown) if name)
    said = _STUCK[found.why].format(times=found.times, tools=tools or "text")
    return f"# You go round in circles\n\n{said}\n{_WHAT_NOW}"


def _evidence(found: Finding, shown: Sequence[Done]) -> dict[str, Any]:
    actions = [one.as_evidence() for one in shown[: 2 * LONGEST]]
    return {"period": found.period, "times": found.times, "actions": actions}


def _stuck(found: Finding, told: Finding, shown: Sequence[Done]) -> Stuck:
    evidence: dict[str, Any] = {
        "why": str(found.why),
        **_evidence(found, shown),
        "told_after": told.times,
        "times": found.times + (told.times if told.why is found.why else 0),
    }
    nothing = {"tool": "", "arguments": "", "result": ""}
    first: dict[str, Any] = next(iter(evidence["actions"]), nothing)
    what = f"{first['tool']}({first['arguments']})"
    if found.why is Why.REPEATS:
        msg = (
            f"The agent did the same with the same result again and again, {evidence['times']} "
            f"times in all, also after it was told: {what} gave {first['result']!r}."
        )
    else:
        msg = (
            f"Nothing new came of {evidence['times']} rounds, also after the agent was told; "
            f"among the last was {what}."
        )
    return Stuck(msg, remedy="Take another way.", evidence=evidence)
