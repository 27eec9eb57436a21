"""The chat model that records another one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatResult
from langchain_core.runnables import RunnableBinding

from neveridle.errors import ModelNotConfigured
from neveridle.tools.recording.canonical import Names
from neveridle.tools.recording.message import response_from
from neveridle.tools.recording.request import canonical_request, plain, with_model
from neveridle.tools.recording.seam import SeamChatModel
from neveridle.tools.recording.writer import RecordingWriter
from neveridle.tools.redact import redact

# What providers call the parameters that change an answer. Addresses, time limits and
# credentials are none of them.
_SAMPLING: Final = (
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "repeat_penalty",
    "logit_bias",
    "reasoning",
    "reasoning_effort",
    "thinking",
    "effort",
    "verbosity",
    "num_ctx",
    "format",
)


class RecordingChatModel(SeamChatModel):
    """Asks a live model and writes each answered call to a recording.

    A call that fails or is cancelled is not recorded; its error is raised unchanged.

    Attributes:
        inner: the live model.
        writer: where calls are written; shared by the models of a process.
    """

    inner: BaseChatModel
    writer: RecordingWriter

    @property
    def _llm_type(self) -> str:
        return "neveridle-recording"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"inner": self.model_parameters(), "scope": self.scope.as_dict()}

    def _get_ls_params(self, stop: list[str] | None = None, **kwargs: Any) -> LangSmithParams:
        # Traces and cost tables must see the model that is paid for.
        return self.inner._get_ls_params(stop, **_without_tools(kwargs))

    def model_parameters(self) -> dict[str, Any]:
        """The model's name and the sampling parameters it was made with."""
        params = self.inner._get_ls_params()
        made: dict[str, Any] = {
            "name": f"{params.get('ls_provider', '')}:{params.get('ls_model_name', '')}",
            "temperature": params.get("ls_temperature"),
            "max_tokens": params.get("ls_max_tokens"),
        }
        for name in _SAMPLING:
            made[name] = plain(getattr(self.inner, name, None))
        return {name: value for name, value in made.items() if value is not None}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        names, request = self._request(messages, stop, kwargs)
        model, options = self._bound(kwargs)
        begun = time.perf_counter()
        # Below `invoke`, which would report the call a second time to callbacks and traces.
        result = model._generate(messages, stop=stop, run_manager=run_manager, **options)
        self._record(request, result, names, time.perf_counter() - begun)
        return result

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        names, request = self._request(messages, stop, kwargs)
        model, options = self._bound(kwargs)
        begun = time.perf_counter()
        result = await model._agenerate(messages, stop=stop, run_manager=run_manager, **options)
        self._record(request, result, names, time.perf_counter() - begun)
        return result

    def _request(
        self, messages: list[BaseMessage], stop: list[str] | None, options: Mapping[str, Any]
    ) -> tuple[Names, dict[str, Any]]:
        """The canonical request; made before the call, which may change its arguments."""
        names = self.names()
        request = canonical_request(messages, names=names, stop=stop, options=options)
        return names, with_model(request, self.model_parameters())

    def _bound(self, options: Mapping[str, Any]) -> tuple[BaseChatModel, dict[str, Any]]:
        """The live model and the options in its own dialect (not every provider's tools look
        like OpenAI's)."""
        tools = options.get("tools")
        rest = _without_tools(options)
        if not tools:
            return self.inner, rest
        bound = self.inner.bind_tools(tools, tool_choice=options.get("tool_choice"), **rest)
        if not isinstance(bound, RunnableBinding) or not isinstance(bound.bound, BaseChatModel):
            kind = type(self.inner).__name__
            msg = f"{kind} binds tools in a way that cannot be recorded."
            raise ModelNotConfigured(msg, remedy="Empty `record` in [model], or use another model.")
        return bound.bound, dict(bound.kwargs)

    def _record(
        self, request: Mapping[str, Any], result: ChatResult, names: Names, seconds: float
    ) -> None:
        generation = result.generations[0]
        message = generation.message
        if isinstance(message, AIMessage):
            # LangChain merges the two the same way, but only after this model has returned.
            metadata = {**(generation.generation_info or {}), **message.response_metadata}
            response = response_from(message, metadata, lambda text: names.mask(redact(text)))
            self.writer.write(self.scope, request, response, seconds)


def _without_tools(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in ("tools", "tool_choice")}
