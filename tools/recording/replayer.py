"""The chat model that answers from a recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

from neveridle.tools.folded import calls_made
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

    A call raises ``RecordingMismatch`` when the recording holds no answer.
    """

    recording: Recording
    sampling: Mapping[str, Any] = Field(default_factory=dict[str, Any])

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
        message = self._answer(messages, stop, kwargs)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        # Answering is a look-up: a thread of its own would cost more than it.
        return self._generate(messages, stop, None, **kwargs)

    def _answer(
        self, messages: list[BaseMessage], stop: list[str] | None, options: Mapping[str, Any]
    ) -> AIMessage:
        if self.recording.authored:
            step = 1 + calls_made(messages)[0]
            prompt = "\n".join(
                message.text for message in messages if message.type in ("system", "human")
            )
            entry = self.recording.authored_answer(self.scope, step, prompt)
            return authored_message(entry, self.recording.provenance.model, messages)
        names = self.names()
        request = canonical_request(messages, names=names, stop=stop, options=options)
        found = self.recording.live_answer(self.scope, request, self.sampling)
        return message_from(found.response, names.unmask)
