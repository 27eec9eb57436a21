"""Reading recorded conversations: runs of an assistant with tools, as OpenAI writes messages."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from neveridle.errors import RecordingInvalid

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

LARGEST: Final = 500_000_000
"""Bytes of a file that are read."""
_FORMAT: Final = (
    'A list of runs is expected, each with its messages as OpenAI writes them: [{"traj": '
    '[{"role": "system", "content": "…"}, …]}, …]; also under "messages", or as a bare list.'
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded conversation.

    Attributes:
        name: the file's name and the run's place in it.
        system: its system messages, in order.
        messages: all others.
    """

    name: str
    system: list[BaseMessage]
    messages: list[BaseMessage]


def load_recorded(path: Path) -> list[Recorded]:
    """The conversations in a file, or in all ``.json`` files of a folder.

    Raises:
        RecordingInvalid: it cannot be read, or holds no conversation; says where and why.
    """
    if path.is_dir():
        files = sorted(path.glob("*.json"))
        if not files:
            msg = f"There is no .json file in {path}."
            raise RecordingInvalid(msg, remedy=_FORMAT)
        return [one for file in files for one in load_recorded(file)]
    runs = _runs(path)
    found: list[Recorded] = []
    for number, run in enumerate(runs, start=1):
        where = f"{path.name}, run {number}"
        messages = _messages_of(run, where)
        found.append(_recorded(where, messages))
    if not found:
        msg = f"{path} holds no runs."
        raise RecordingInvalid(msg, remedy=_FORMAT)
    return found


def _runs(path: Path) -> list[Any]:
    try:
        if path.stat().st_size > LARGEST:
            msg = f"{path} has more than {LARGEST:,} bytes."
            raise RecordingInvalid(msg, remedy="Split it into several files in one folder.")
        data: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}."
        raise RecordingInvalid(msg, remedy="Name a file of recorded runs, or a folder.") from error
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        msg = f"{path} is no JSON: {error}."
        raise RecordingInvalid(msg, remedy=_FORMAT) from error
    if isinstance(data, dict):
        data = [cast("Mapping[str, Any]", data)]
    if not isinstance(data, list):
        msg = f"{path} holds {type(data).__name__}, not a list of runs."
        raise RecordingInvalid(msg, remedy=_FORMAT)
    runs = cast("Sequence[Any]", data)
    if runs and all(isinstance(one, dict) and "role" in one for one in runs):
        return [list(runs)]  # one conversation by itself
    return list(runs)


def _messages_of(run: Any, where: str) -> Sequence[Any]:
    if isinstance(run, dict):
        known = cast("Mapping[str, Any]", run)
        run = next((known[key] for key in ("traj", "messages") if key in known), None)
    if not isinstance(run, list):
        msg = f"{where} has no list of messages."
        raise RecordingInvalid(msg, remedy=_FORMAT)
    return cast("Sequence[Any]", run)


def _recorded(where: str, raw: Sequence[Any]) -> Recorded:
    system: list[BaseMessage] = []
    messages: list[BaseMessage] = []
    for number, one in enumerate(raw, start=1):
        message = _message(one, f"{where}, message {number}", number)
        (system if message.type == "system" else messages).append(message)
    return Recorded(where, system, messages)


def _message(raw: Any, where: str, number: int) -> BaseMessage:
    from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage

    if not isinstance(raw, dict):
        msg = f"{where} is {type(raw).__name__}, not a message."
        raise RecordingInvalid(msg, remedy=_FORMAT)
    said = cast("Mapping[str, Any]", raw)
    role, content, id = said.get("role"), _content(said.get("content"), where), f"recorded-{number}"
    if role in {"system", "developer"}:
        return SystemMessage(content, id=id)
    if role == "user":
        return HumanMessage(content, id=id)
    if role == "tool":
        call = said.get("tool_call_id")
        if not isinstance(call, str) or not call:
            msg = f"{where} is a tool's result without tool_call_id."
            raise RecordingInvalid(msg, remedy=_FORMAT)
        name = said.get("name")
        return ToolMessage(
            content, tool_call_id=call, name=name if isinstance(name, str) else None, id=id
        )
    if role == "assistant":
        good, bad = _calls(said.get("tool_calls"), where)
        return AIMessage(content, tool_calls=good, invalid_tool_calls=bad, id=id)
    msg = f"{where} has the role {role!r}."
    raise RecordingInvalid(msg, remedy="The roles are system, user, assistant and tool.")


def _content(content: Any, where: str) -> Any:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = cast("Sequence[Any]", content)
        if all(isinstance(part, (str, dict)) for part in parts):
            return list(parts)
    msg = f"{where} has a content that is neither text nor a list of parts."
    raise RecordingInvalid(msg, remedy=_FORMAT)


def _calls(raw: Any, where: str) -> tuple[list[Any], list[Any]]:
    good: list[Any] = []
    bad: list[Any] = []
    if raw is None:
        return good, bad
    if not isinstance(raw, list):
        msg = f"{where} has tool_calls that are no list."
        raise RecordingInvalid(msg, remedy=_FORMAT)
    for one in cast("Sequence[Any]", raw):
        known: dict[str, Any] = {}
        call = cast("Mapping[str, Any]", one) if isinstance(one, dict) else known
        function: Any = call.get("function")
        if not isinstance(function, dict) or not isinstance(call.get("id"), str):
            msg = f"{where} has a tool call without id or function."
            raise RecordingInvalid(msg, remedy=_FORMAT)
        said = cast("Mapping[str, Any]", function)
        name, arguments = str(said.get("name", "")), said.get("arguments")
        try:
            args = json.loads(arguments) if isinstance(arguments, str) else arguments
        except (ValueError, RecursionError):
            args = None
        if isinstance(args, dict):
            good.append({"name": name, "args": args, "id": call["id"], "type": "tool_call"})
        else:
            bad.append(
                {
                    "name": name,
                    "args": str(arguments),
                    "id": call["id"],
                    "error": "no JSON object",
                    "type": "invalid_tool_call",
                }
            )
    return good, bad
