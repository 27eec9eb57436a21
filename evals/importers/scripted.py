"""Tools as LangChain tools that follow a recorded conversation, and see where they differ."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from langchain_core.tools import StructuredTool

from neveridle.errors import NeveridleError, RecordingMismatch, ToolsUnusable
from neveridle.evals.importers.authored import RESPOND, SAID
from neveridle.evals.importers.conversation import Call, Conversation

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

SILENCE: Final = "(No answer was recorded.)"
UNKNOWN: Final = "Unknown action "
"""How tau-bench answers a call of a tool that there is none of."""

Invoke = Callable[[str, dict[str, Any]], str]
"""Calls a tool by name with arguments; what it says."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A tool that says something else than when it was recorded.

    Attributes:
        tool: its name.
        args: what it was called with.
        recorded: what it said then.
        now: what it says now.
    """

    tool: str
    args: dict[str, Any]
    recorded: str
    now: str


@dataclass(slots=True)
class Script:
    """What the tools of one conversation are called with, in the recorded order.

    Calls of one answer reach the tools at once; each waits until it is its turn, so that what
    they write comes in the recorded order.
    """

    calls: deque[Call]
    said: list[str] = field(default_factory=list[str])
    different: list[Difference] = field(default_factory=list[Difference])
    made: int = 0
    trouble: NeveridleError | None = None
    _turn: asyncio.Condition = field(default_factory=asyncio.Condition)

    @classmethod
    def of(cls, conversation: Conversation) -> Script:
        """The script of a conversation: what is said to the user is a call as well."""
        calls: deque[Call] = deque()
        for turn in conversation.turns:
            calls.extend(turn.calls or [Call(RESPOND, {SAID: turn.text}, turn.reply)])
        return cls(calls)

    async def next(self, name: str, args: dict[str, Any], invoke: Invoke, seconds: float) -> str:
        """Make the call when it is its turn; what the tool says.

        Raises:
            RecordingMismatch: it was not recorded.
            ToolsUnusable: the tool did not return.
        """
        mine = _key(name, args)
        async with self._turn:
            if all(_key(one.name, one.args) != mine for one in self.calls):
                msg = f"{name} is called in a way that was not recorded."
                raise RecordingMismatch(msg)
            await self._turn.wait_for(lambda: self._is_turn(mine))
            if self.trouble is not None:
                raise self.trouble
            call = self.calls.popleft()  # its own is in there, so that it is not empty
            try:
                now = await self._made(call, invoke, seconds)
            except NeveridleError as error:
                self.trouble = error
                raise
            finally:
                self._turn.notify_all()
            self.made += 1
            return now

    def _is_turn(self, mine: str) -> bool:
        head = self.calls[0] if self.calls else None
        return self.trouble is not None or head is None or _key(head.name, head.args) == mine

    async def _made(self, call: Call, invoke: Invoke, seconds: float) -> str:
        if call.name == RESPOND:
            self.said.append(str(call.args.get(SAID) or ""))
            return SILENCE if call.result is None else call.result
        now = await in_time(call.name, lambda: invoke(call.name, deepcopy(call.args)), seconds)
        if call.result is not None and now != call.result:
            self.different.append(Difference(call.name, call.args, call.result, now))
        return now


class _Tool(StructuredTool):
    """Takes the arguments as they are: those of the benchmark may have any name and type."""

    def _to_args_and_kwargs(
        self, tool_input: str | dict[str, Any], tool_call_id: str | None
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (dict(tool_input) if isinstance(tool_input, dict) else {},), {}


def langchain_tools(
    functions: Sequence[Mapping[str, Any]], script: Script, invoke: Invoke, seconds: float
) -> list[BaseTool]:
    """The tools of one conversation.

    Args:
        functions: name, description and parameters of each, as OpenAI writes functions;
            ``respond`` is added.
        script: what they follow.
        invoke: makes a call.
        seconds: how long one call may take.
    """
    respond = {
        "name": RESPOND,
        "description": "Say something to the user; the result is what they answer.",
        "parameters": {
            "type": "object",
            "properties": {SAID: {"type": "string", "description": "What you say."}},
            "required": [SAID],
        },
    }
    known = [one for one in functions if one["name"] != RESPOND]
    return [_tool(one, script, invoke, seconds) for one in (*known, respond)]


def _tool(
    function: Mapping[str, Any], script: Script, invoke: Invoke, seconds: float
) -> StructuredTool:
    name = str(function["name"])

    async def call(args: dict[str, Any]) -> str:
        return await script.next(name, args, invoke, seconds)

    schema: Any = function.get("parameters") or {}
    return _Tool(
        name=name,
        description=str(function.get("description") or "") or name,
        args_schema={"type": "object", "properties": {}, **schema, "title": name},
        coroutine=call,
    )


async def in_time(name: str, work: Callable[[], str], seconds: float) -> str:
    """What a tool says, from a thread of its own.

    Raises:
        ToolsUnusable: it did not return in time, or it would end the process. Its thread cannot
            be ended; it is left behind, with the database that nobody looks at any more.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[str] = loop.create_future()

    def tell(result: str | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result or "")

    def run() -> None:
        result, failed = None, None
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - told to whoever waits, whatever it is
            failed = error
            if not isinstance(error, NeveridleError):
                failed = ToolsUnusable(
                    f"The tool {name} raised {type(error).__name__}: {error}.",
                    remedy="Tools raise errors derived from Exception.",
                )
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, result, failed)

    threading.Thread(target=run, name=f"neveridle-{name}", daemon=True).start()
    try:
        async with asyncio.timeout(seconds):
            return await done
    except TimeoutError:
        msg = f"The tool {name} did not return within {seconds:g} seconds."
        raise ToolsUnusable(msg, remedy="--tool-timeout gives it more time.") from None


def _key(name: str, args: Mapping[str, Any]) -> str:
    return f"{name} {json.dumps(args, sort_keys=True, default=str)}"
