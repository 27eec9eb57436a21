"""Between a message and the chunks in which it is streamed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from langchain_core.messages import AIMessage, AIMessageChunk
    from langchain_core.outputs import ChatGenerationChunk, ChatResult

_SMALLEST: Final = 12  # characters of a chunk
_MOST: Final = 64  # chunks of one text


def chunks_of(message: AIMessage) -> list[ChatGenerationChunk]:
    """A message as chunks whose sum is the message: its words, its calls, then what it used.

    A message with calls that could not be read is one chunk: adding it up would read them again,
    and mend some.
    """
    from langchain_core.messages import AIMessageChunk
    from langchain_core.messages.tool import tool_call_chunk
    from langchain_core.outputs import ChatGenerationChunk

    end: dict[str, Any] = {
        "additional_kwargs": message.additional_kwargs,
        "response_metadata": message.response_metadata,
        "usage_metadata": message.usage_metadata,
        "chunk_position": "last",
    }
    parts: list[AIMessageChunk] = []
    if message.invalid_tool_calls:
        whole = AIMessageChunk(
            content=message.content, tool_calls=message.tool_calls,
            invalid_tool_calls=message.invalid_tool_calls, **end,
        )  # fmt: skip
        return [ChatGenerationChunk(message=whole)]
    if isinstance(message.content, str):
        parts += [AIMessageChunk(content=piece) for piece in _pieces(message.content)]
    else:  # blocks have places of their own in it: cut, they would be put together otherwise
        parts.append(AIMessageChunk(content=message.content))
    for index, call in enumerate(message.tool_calls):
        first = tool_call_chunk(name=call["name"], args="", id=call["id"], index=index)
        parts.append(AIMessageChunk(content="", tool_call_chunks=[first]))
        for piece in _pieces(json.dumps(call["args"])):
            more = tool_call_chunk(name=None, args=piece, id=None, index=index)
            parts.append(AIMessageChunk(content="", tool_call_chunks=[more]))
    parts.append(AIMessageChunk(content="", **end))
    return [ChatGenerationChunk(message=part) for part in parts]


def result_of(chunks: list[ChatGenerationChunk]) -> ChatResult | None:
    """What chunks add up to, as a call without streaming answers it; None: there are none."""
    from langchain_core.messages import message_chunk_to_message
    from langchain_core.outputs import ChatGeneration, ChatResult
    from langchain_core.outputs.chat_generation import merge_chat_generation_chunks

    merged = merge_chat_generation_chunks(chunks)
    if merged is None:
        return None
    message = message_chunk_to_message(merged.message)
    made = ChatGeneration(message=message, generation_info=merged.generation_info)
    return ChatResult(generations=[made])


def _pieces(text: str) -> list[str]:
    size = max(_SMALLEST, -(-len(text) // _MOST))
    return [text[at : at + size] for at in range(0, len(text), size)]
