"""The chat model that answers from a recording."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, NamedTuple

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field

from neveridle.tools.folded import calls_made
from neveridle.tools.recording.chunks import chunks_of
from neveridle.tools.recording.failure import error_from
from neveridle.tools.recording.message import authored_message, message_from
from neveridle.tools.recording.recording import Recording
from neveridle.tools.recording.request import canonical_request
from neveridle.tools.recording.seam import SeamChatModel


class ReplayChatModel(SeamChatModel):
    """Answers from a recording: no network, no key, no cost.

    Attributes:
        recording: what to answer from; shared by the models of a process.
        sampling: sampling parameters that a live recording must have been made with;
            empty (the default) accepts those it was made with.
        wait: takes the seconds that a live call took, as in a run in simulated time; None: the
            answer comes at once. An authored answer took 0 seconds; calls without ``await``
            take none.

    A call raises ``RecordingMismatch`` when the recording holds no answer, and what the provider
    raised where the recorded call failed; see ``ReplayedFailure``. A stream is cut into chunks
    whose sum is the recorded message.
    """

    recording: Recording
    sampling: Mapping[str, Any] = Field(default_factory=dict[str, Any])
    wait: Callable[[float], Awaitable[None]] | None = None

    @property
    def _llm_type(self) -> str:
        return "neveridle-replay"

    @property
    def _identifying_params(self) -> Mapping[str, Any]:
        return {"recording": str(self.recording.path), "scope": self.scope.as_dict()}

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = self._found(messages, stop, kwargs).message()
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        # Answering is a look-up: a thread of its own would cost more than it.
        message = await self._awaited(messages, stop, kwargs)
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield from chunks_of(self._found(messages, stop, kwargs).message())

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for chunk in chunks_of(await self._awaited(messages, stop, kwargs)):
            yield chunk

    async def _awaited(
        self, messages: list[BaseMessage], stop: list[str] | None, options: Mapping[str, Any]
    ) -> AIMessage:
        found = self._found(messages, stop, options)
        if self.wait is not None:
            await self.wait(found.seconds)
        return found.message()

    def _found(
        self, messages: list[BaseMessage], stop: list[str] | None, options: Mapping[str, Any]
    ) -> _Found:
        if self.recording.authored:
            step = 1 + calls_made(messages)[0]
            prompt = "\n".join(
                message.text for message in messages if message.type in ("system", "human")
            )
            entry = self.recording.authored_answer(self.scope, step, prompt)
            made = authored_message(entry, self.recording.provenance.model, messages)
            return _Found(0.0, lambda: made)
        names = self.names()
        request = canonical_request(messages, names=names, stop=stop, options=options)
        found = self.recording.live_answer(self.scope, request, self.sampling)

        def message() -> AIMessage:
            if found.failure is not None:
                raise error_from(found.failure)
            return message_from(found.response, names.unmask)

        return _Found(found.seconds, message)


class _Found(NamedTuple):
    """What the recording holds for a call.

    Attributes:
        seconds: how long it took; 0: that is not known.
        message: the answer, or the recorded failure is raised.
    """

    seconds: float
    message: Callable[[], AIMessage]
