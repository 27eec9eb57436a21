"""The canonical request: all that a model is asked, and the key made from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from neveridle.tools.recording.canonical import Names
from neveridle.tools.redact import redact

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

# How a client reaches its provider is no part of what it asks, and may hold credentials.
_NOT_ASKED: Final = frozenset(
    {
        "api_key",
        "extra_headers",
        "http_async_client",
        "http_client",
        "stream",
        "stream_options",
        "stream_usage",
    }
)


def canonical_request(
    messages: Sequence[BaseMessage],
    *,
    names: Names,
    stop: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What is asked, with ``names`` for what differs between runs and without secrets.

    Args:
        messages: the conversation; ids of messages are dropped, ids of tool calls numbered.
        names: learns what it replaces; see ``Names``.
        stop: stop words.
        options: what is bound to the call: ``tools``, ``tool_choice``, ``response_format``,
            sampling parameters of this call. Options that are None count as absent.
    """
    calls = _call_ids(messages)

    def text(value: str) -> str:
        return calls.get(value) or names.text(redact(value))

    given = {
        name: value
        for name, value in (options or {}).items()
        if value is not None and name not in _NOT_ASKED and not name.startswith("ls_")
    }
    tools: Sequence[Any] = given.pop("tools", None) or ()
    return {
        "messages": [_message(message, text) for message in messages],
        "tools": walk(plain(tools), text),
        "options": walk(plain(given), text),
        "stop": [text(word) for word in stop or ()],
    }


def with_model(request: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """The whole request: also which model is asked, with which sampling parameters."""
    return {"model": dict(model), **request}


def without_model(request: Mapping[str, Any]) -> dict[str, Any]:
    """The request that a replay can make, which is not told the model."""
    return {name: value for name, value in request.items() if name != "model"}


def key_of(request: Mapping[str, Any]) -> str:
    """The SHA-256 of a request, in hexadecimal; the order of keys does not count."""
    text = json.dumps(request, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def walk(value: Any, text: Callable[[str], str]) -> Any:
    """A copy of plain JSON data with ``text`` applied to every string that is no key."""
    if isinstance(value, str):
        return text(value)
    if is_sequence(value):
        return [walk(item, text) for item in value]
    if is_mapping(value):
        return {name: walk(item, text) for name, item in value.items()}
    return value


def plain(value: Any) -> Any:
    """``value`` as plain JSON data; a class that describes a schema becomes the schema."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if is_mapping(value):
        return {str(name): plain(item) for name, item in value.items()}
    if is_sequence(value):
        return [plain(item) for item in value]
    if _is_set(value):
        return sorted((plain(item) for item in value), key=repr)
    make = getattr(value, "model_json_schema" if isinstance(value, type) else "model_dump", None)
    if callable(make):
        return plain(make())
    return getattr(value, "__qualname__", None) or str(value)


# isinstance alone tells a type checker nothing about what is inside.
def is_sequence(value: object) -> TypeGuard[list[Any] | tuple[Any, ...]]:
    """Whether it is a list or a tuple."""
    return isinstance(value, list | tuple)


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether it is an object."""
    return isinstance(value, Mapping)


def _is_set(value: object) -> TypeGuard[set[Any] | frozenset[Any]]:
    return isinstance(value, set | frozenset)


def _call_ids(messages: Sequence[BaseMessage]) -> dict[str, str]:
    ids: dict[str, str] = {}
    for message in messages:
        for call in _tool_calls(message):
            if call.get("id"):
                ids.setdefault(call["id"], f"⟦call:{len(ids) + 1}⟧")
    return ids


def _tool_calls(message: BaseMessage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name in ("tool_calls", "invalid_tool_calls"):
        found.extend(getattr(message, name, None) or [])
    return found


def _message(message: BaseMessage, text: Callable[[str], str]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "role": message.type,
        "content": walk(_blocks(plain(message.content)), text),
    }
    if message.name:
        made["name"] = message.name
    calls = _tool_calls(message)
    if calls:
        made["tool_calls"] = [
            {
                "id": text(call.get("id") or ""),
                "name": call["name"],
                "args": walk(plain(call["args"]), text),
            }
            for call in calls
        ]
    if message.type == "tool":
        made["tool_call_id"] = text(getattr(message, "tool_call_id", ""))
        made["status"] = getattr(message, "status", "success")
    return made


def _blocks(content: Any) -> Any:
    """Content blocks without the ids that a provider made up; those of calls are numbered."""
    if not is_sequence(content):
        return content
    return [_without_id(block) if is_mapping(block) else block for block in content]


def _without_id(block: Mapping[str, Any]) -> Mapping[str, Any]:
    if str(block.get("type", "")).endswith(("tool_use", "tool_call")):
        return block
    return {name: value for name, value in block.items() if name != "id"}
