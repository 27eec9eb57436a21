"""Between a model's message and its record in a recording."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from neveridle.tools.recording.format import Tokens
from neveridle.tools.recording.request import plain, walk

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, BaseMessage

    from neveridle.tools.recording.format import AuthoredEntry

# What the rest of the program may look at; ids, fingerprints, log probabilities are left out.
_METADATA: Final = (
    "model_name",
    "model",
    "model_provider",
    "finish_reason",
    "stop_reason",
    "done_reason",
    "service_tier",
)


COST: Final = "cost_nanos"
"""What a call cost when it was recorded, in nano-dollars: in a response, and in the response
metadata of the message that is replayed. It is missing where no price was known."""


def response_from(
    message: AIMessage,
    metadata: Mapping[str, Any],
    text: Callable[[str], str],
    *,
    cost: int | None = None,
) -> dict[str, Any]:
    """The record of an answer, with ``text`` applied to everything the model wrote."""
    response: dict[str, Any] = {
        "content": walk(plain(message.content), text),
        "tool_calls": [
            {"id": call.get("id"), "name": call["name"], "args": walk(plain(call["args"]), text)}
            for call in message.tool_calls
        ],
        "invalid_tool_calls": [
            {
                "id": call.get("id"),
                "name": call.get("name"),
                "args": walk(plain(call.get("args")), text),
                "error": walk(plain(call.get("error")), text),
            }
            for call in message.invalid_tool_calls
        ],
        "usage": plain(message.usage_metadata),
        "metadata": {name: plain(metadata[name]) for name in _METADATA if name in metadata},
        "additional": walk(plain(message.additional_kwargs), text),
    }
    kept = {name: value for name, value in response.items() if value or name == "content"}
    return kept if cost is None else {**kept, COST: cost}


def message_from(response: Mapping[str, Any], text: Callable[[str], str]) -> AIMessage:
    """The answer that was recorded, with ``text`` applied to what the model wrote."""
    from langchain_core.messages import AIMessage

    return AIMessage(
        content=walk(response.get("content", ""), text),
        tool_calls=[
            {**call, "type": "tool_call", "args": walk(call["args"], text)}
            for call in response.get("tool_calls", ())
        ],
        invalid_tool_calls=[
            {**walk(call, text), "type": "invalid_tool_call"}
            for call in response.get("invalid_tool_calls", ())
        ],
        usage_metadata=response.get("usage"),
        response_metadata={
            **response.get("metadata", {}),
            **({COST: response[COST]} if COST in response else {}),
        },
        additional_kwargs=walk(response.get("additional", {}), text),
    )


def authored_message(
    entry: AuthoredEntry, model: str, asked: Sequence[BaseMessage] = ()
) -> AIMessage:
    """The answer that somebody wrote.

    Where its entry does not say what it used, that is estimated from the request and the
    answer, and marked ``usage_estimated`` in the response metadata.

    The id of a tool call is made from where it stands, so that the same step of the same
    attempt has the same ids in every run, and no other step has them.
    """
    from langchain_core.messages import AIMessage
    from langchain_core.messages.utils import count_tokens_approximately

    place = repr((entry.task, entry.attempt, entry.purpose, entry.step))
    stem = hashlib.sha256(place.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    message = AIMessage(
        content=entry.content,
        tool_calls=[
            {
                "type": "tool_call",
                "id": f"call_{stem}_{i}",
                "name": call.name,
                "args": dict(call.args),
            }
            for i, call in enumerate(entry.tool_calls, start=1)
        ],
        response_metadata={"model_name": model} if model else {},
    )
    used = entry.usage
    if used is None:
        used = Tokens(
            input_tokens=count_tokens_approximately(asked),
            output_tokens=count_tokens_approximately([message]),
        )
        message.response_metadata["usage_estimated"] = True
    message.usage_metadata = {
        "input_tokens": used.input_tokens,
        "output_tokens": used.output_tokens,
        "total_tokens": used.input_tokens + used.output_tokens,
    }
    return message
