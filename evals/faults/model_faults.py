"""Faults of models: a chat model in front of the one that answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.exceptions import ContextOverflowError
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from neveridle.errors import StateConflict
from neveridle.evals.faults.diary import Diary
from neveridle.evals.faults.plan import KillFault, ModelFault
from neveridle.evals.faults.trigger import fits
from neveridle.tools.folded import calls_made
from neveridle.tools.recording.scope import Scope
from neveridle.tools.recording.seam import SeamChatModel


class ProviderFault(Exception):
    """What a provider's client raises for an answer that is an error.

    Attributes:
        status_code: the answer's status.
        response: the answer.
    """

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        super().__init__(f"planned: {status}")
        self.status_code = status
        self.response = httpx.Response(status, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFaults:
    """The faults of models in a plan.

    Attributes:
        faults: with the key of each.
        kills: with the key of each.
        diary: where is noted what happened.
        elapsed: seconds since the start.
        title: the title of the task of a key; empty: it is not known.
        kill: kills the process.
        armed: whether it may be killed yet: only once another one can go on.
    """

    faults: Sequence[tuple[str, ModelFault]]
    kills: Sequence[tuple[str, KillFault]]
    diary: Diary
    elapsed: Callable[[], float]
    title: Callable[[str], str]
    kill: Callable[[str], NoReturn]
    armed: Callable[[], bool]

    def wrap(self, inner: BaseChatModel, scope: Scope) -> BaseChatModel:
        """The model with what goes wrong in front of it."""
        return FaultyChatModel(scope=scope, inner=inner, faults=self, profile=inner.profile)

    def of(self, scope: Scope, step: int) -> ModelFault | None:
        """What goes wrong with a call; noted."""
        for key, fault in self.faults:
            if not (
                fits(fault.task, scope.task, self.title(scope.task))
                and fits(fault.purpose, scope.purpose)
                and fits(fault.agent, scope.agent)
                and fault.step in (None, step)
                and fault.attempt in (None, scope.attempt)
            ):
                continue
            if self.diary.strikes(key, fault, now=self.elapsed()):
                where = f"{scope.task} {scope.purpose} step {step}"
                self.diary.note(f"model {where}: {fault.answer}", now=self.elapsed())
                return fault
        return None

    def killing(self, when: str, scope: Scope, step: int) -> None:
        """Kill the process, if that is planned for a call."""
        for key, fault in self.kills if self.armed() else ():
            if (
                scope.purpose == "work"
                and (fault.step, fault.when) == (step, when)
                and fits(fault.task, scope.task, self.title(scope.task))
                and fits(fault.agent, scope.agent)
                and self.diary.strikes(key, fault, now=self.elapsed())
            ):
                self.kill(f"kill {when} {fault.node} of {scope.task}")


class FaultyChatModel(SeamChatModel):
    """Asks the inner model, unless the plan says that something else is answered.

    Attributes:
        inner: who answers.
        faults: the plan's.
    """

    inner: BaseChatModel
    faults: ModelFaults

    @property
    def _llm_type(self) -> str:
        return "neveridle-faults"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        msg = "A model with planned faults is asked on an event loop only."
        raise StateConflict(msg)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        step = 1 + calls_made(messages)[0]
        self.faults.killing("before", self.scope, step)
        fault = self.faults.of(self.scope, step)
        said = None if fault is None else await _instead(fault, step)
        if said is not None:
            return ChatResult(generations=[ChatGeneration(message=said)])
        model, options = self._bound(kwargs)
        # Below `invoke`, which would report the call a second time to callbacks and traces.
        found = await model._agenerate(messages, stop=stop, run_manager=run_manager, **options)
        self.faults.killing("after", self.scope, step)
        return found

    def _bound(self, options: dict[str, Any]) -> tuple[BaseChatModel, dict[str, Any]]:
        """The model and the options as it takes them: a live one has tools of its own form."""
        tools = options.get("tools")
        if isinstance(self.inner, SeamChatModel) or not tools:
            return self.inner, options
        rest = {name: one for name, one in options.items() if name not in ("tools", "tool_choice")}
        bound: Any = self.inner.bind_tools(tools, tool_choice=options.get("tool_choice"), **rest)
        return bound.bound, dict(bound.kwargs)


async def _instead(fault: ModelFault, step: int) -> AIMessage | None:
    """What is answered in place of the right answer; None: that, only late."""
    match fault.answer:
        case "slow":
            await asyncio.sleep(fault.seconds)
            return None
        case "timeout":
            await asyncio.sleep(fault.seconds)
            msg = f"No answer within {fault.seconds:g} s."
            raise httpx.ReadTimeout(msg)
        case "429":
            raise ProviderFault(429, _headers(fault))
        case "5xx":
            raise ProviderFault(fault.status or 503, _headers(fault))
        case "exceeds-context":
            msg = "The request is longer than the model's context."
            raise ContextOverflowError(msg)
        case "refuses":
            return _message(fault.text)
        case "empty":
            return _message("")
        case "loops":
            return _message("", tool_calls=[_call(fault.tool, fault.args, step)])
        case "broken-tool-call":
            return _broken(fault, step)


def _broken(fault: ModelFault, step: int) -> AIMessage:
    if fault.broken == "json":
        call = {
            "name": fault.tool, "args": '{"path": "READ', "id": f"fault-{step}",
            "error": None, "type": "invalid_tool_call",
        }  # fmt: skip
        return _message("", invalid_tool_calls=[call])
    if fault.broken == "unknown-tool":
        return _message("", tool_calls=[_call(f"{fault.tool}_of_nobody", fault.args, step)])
    return _message("", tool_calls=[_call(fault.tool, {"wrong": True, **fault.args}, step)])


def _call(name: str, args: Any, step: int) -> dict[str, Any]:
    return {"name": name, "args": dict(args), "id": f"fault-{step}", "type": "tool_call"}


def _message(text: str, **more: Any) -> AIMessage:
    usage = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}
    return AIMessage(content=text, usage_metadata=usage, **more)


def _headers(fault: ModelFault) -> dict[str, str]:
    return {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
