"""The chat model that records another one."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LangSmithParams
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from langchain_core.runnables import RunnableBinding

from neveridle.errors import ModelNotConfigured
from neveridle.tools.models.failures import status_of
from neveridle.tools.models.waits import wait_of_model
from neveridle.tools.recording.canonical import Names
from neveridle.tools.recording.chunks import chunks_of, result_of
from neveridle.tools.recording.failure import failure_from
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

LIMITED: Final = 429
REST: Final = 30.0
"""Real seconds that a provider is left alone at most, where time is simulated."""


class RecordingChatModel(SeamChatModel):
    """Asks a live model and writes each answered call to a recording.

    A stream is recorded as the whole message once it was read to its end. A call that the
    provider fails is recorded as such; one that is cancelled, or that an error of ours ends, is
    not. Errors are raised unchanged.

    Attributes:
        inner: the live model.
        writer: where calls are written; shared by the models of a process.
        cost: what an answer cost, in nano-dollars, or None where that is not known; None: it is
            not recorded.
        wait: in simulated time, takes the seconds that a call took: the live model is called
            without ``await`` then, so that no time passes meanwhile. None: time is real.
    """

    inner: BaseChatModel
    writer: RecordingWriter
    cost: Callable[[AIMessage], int | None] | None = None
    wait: Callable[[float], Awaitable[None]] | None = None

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
        try:
            # Below `invoke`, which would report the call a second time to callbacks and traces.
            result = model._generate(messages, stop=stop, run_manager=run_manager, **options)
        except Exception as error:  # whatever a provider raises: written down, raised on
            self._failed(request, error, time.perf_counter() - begun)
            raise
        self._record(request, result, names, time.perf_counter() - begun)
        return result

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        if self.wait is not None:
            return await self._in_simulated_time(messages, stop, kwargs)
        names, request = self._request(messages, stop, kwargs)
        model, options = self._bound(kwargs)
        begun = time.perf_counter()
        try:
            result = await model._agenerate(messages, stop=stop, run_manager=run_manager, **options)
        except Exception as error:  # as above
            self._failed(request, error, time.perf_counter() - begun)
            raise
        self._record(request, result, names, time.perf_counter() - begun)
        return result

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        if not _streams(self.inner, also_async=False):
            result = self._generate(messages, stop, run_manager, **kwargs)
            yield from _chunks(result)
            return
        names, request = self._request(messages, stop, kwargs)
        model, options = self._bound(kwargs)
        chunks: list[ChatGenerationChunk] = []
        begun = time.perf_counter()
        try:
            for chunk in model._stream(messages, stop=stop, run_manager=run_manager, **options):
                chunks.append(chunk.model_copy(deep=True))  # whoever reads it may change it
                yield chunk
        except Exception as error:  # as above
            self._failed(request, error, time.perf_counter() - begun)
            raise
        self._streamed(request, chunks, names, time.perf_counter() - begun)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        if self.wait is not None or not _streams(self.inner, also_async=True):
            result = await self._agenerate(messages, stop, run_manager, **kwargs)
            for chunk in _chunks(result):
                yield chunk
            return
        names, request = self._request(messages, stop, kwargs)
        model, options = self._bound(kwargs)
        chunks: list[ChatGenerationChunk] = []
        begun = time.perf_counter()
        try:
            async for chunk in model._astream(
                messages, stop=stop, run_manager=run_manager, **options
            ):
                chunks.append(chunk.model_copy(deep=True))
                yield chunk
        except Exception as error:  # as above
            self._failed(request, error, time.perf_counter() - begun)
            raise
        self._streamed(request, chunks, names, time.perf_counter() - begun)

    async def _in_simulated_time(
        self, messages: list[BaseMessage], stop: list[str] | None, options: dict[str, Any]
    ) -> ChatResult:
        assert self.wait is not None
        names, request = self._request(messages, stop, options)
        model, given = self._bound(options)
        begun = time.perf_counter()
        try:
            result = model._generate(messages, stop=stop, **given)
        except Exception as error:  # as above
            seconds = _seconds_since(begun)
            self._failed(request, error, seconds)
            _let_rest(error)
            await self.wait(seconds)
            raise
        seconds = _seconds_since(begun)
        self._record(request, result, names, seconds)
        await self.wait(seconds)
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
            metadata = _metadata(result)
            cost = self.cost(message) if self.cost is not None else None
            response = response_from(
                message, metadata, lambda text: names.mask(redact(text)), cost=cost
            )
            self.writer.write(self.scope, request, response, seconds)

    def _streamed(
        self,
        request: Mapping[str, Any],
        chunks: list[ChatGenerationChunk],
        names: Names,
        seconds: float,
    ) -> None:
        """Record the whole of what was streamed; what was not read to its end is not recorded."""
        result = result_of(chunks)
        if result is not None:
            self._record(request, result, names, seconds)

    def _failed(self, request: Mapping[str, Any], error: Exception, seconds: float) -> None:
        failure = failure_from(error)
        if failure is not None:
            self.writer.write(self.scope, request, {}, seconds, failure=failure)


def _seconds_since(begun: float) -> float:
    """As it is recorded, and more than 0, which would be an authored call."""
    return max(round(time.perf_counter() - begun, 3), 0.001)


def _let_rest(error: Exception) -> None:
    """Give a provider the real time it asks for: what waits for it in simulated time does not."""
    status = status_of(error)
    if status is not None and status >= LIMITED:
        wait = wait_of_model(error, limited=status == LIMITED)
        time.sleep(min(1.0 if wait is None else wait, REST))


def _streams(model: BaseChatModel, *, also_async: bool) -> bool:
    """Whether a model has a way of streaming, as LangChain decides it."""
    names = ("_stream", "_astream") if also_async else ("_stream",)
    return any(getattr(type(model), name) is not getattr(BaseChatModel, name) for name in names)


def _chunks(result: ChatResult) -> list[ChatGenerationChunk]:
    """A whole answer in the shape of a stream, from a model that has no stream."""
    generation = result.generations[0]
    message = generation.message
    assert isinstance(message, AIMessage)
    return chunks_of(message.model_copy(update={"response_metadata": _metadata(result)}))


def _metadata(result: ChatResult) -> dict[str, Any]:
    """What LangChain makes the message's metadata of, but only after this model has returned."""
    generation = result.generations[0]
    own = generation.message.response_metadata
    return {**(result.llm_output or {}), **(generation.generation_info or {}), **own}


def _without_tools(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in ("tools", "tool_choice")}
