"""Showing how a request differs from the nearest one that was recorded."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

_WIDTH: Final = 120  # characters; longer lines are broken, so that a difference can be seen
_COMPARED: Final = 2_000  # lines of a request that are compared to find the nearest
_CANDIDATES: Final = 50  # requests that are compared to find the nearest
_SHOWN: Final = 80  # lines of the difference that are shown

_Request = TypeVar("_Request")


def difference(recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """A unified diff of two canonical requests, of a bounded length."""
    return difference_of_lines(render(recorded), render(asked))


def difference_of_lines(recorded: Sequence[str], asked: Sequence[str]) -> str:
    """A unified diff of two requests as lines, of a bounded length."""
    lines = list(
        difflib.unified_diff(recorded, asked, fromfile="recorded", tofile="asked", n=2, lineterm="")
    )
    left_out = len(lines) - _SHOWN
    if left_out > 0:
        lines[_SHOWN:] = [f"… {left_out} more lines"]
    return "\n".join(lines)


def nearest(
    asked: Mapping[str, Any], candidates: Iterable[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    """The most similar of several canonical requests; the first of equals, None of none."""
    turns = len(asked["messages"])
    # The number of messages is a cheap first sieve: a conversation grows by every answer.
    closest = sorted(candidates, key=lambda other: abs(len(other["messages"]) - turns))
    return nearest_by_lines(asked, closest, render)


def nearest_by_lines(
    asked: _Request, candidates: Sequence[_Request], shown: Callable[[_Request], Sequence[str]]
) -> _Request | None:
    """The one whose lines are the most alike, among the first candidates; None of none.

    Args:
        asked: what the others are compared with.
        candidates: those that are likely first; only so many are looked at.
        shown: the lines of one.
    """
    wanted = shown(asked)[:_COMPARED]
    matcher = difflib.SequenceMatcher(isjunk=None, b=wanted, autojunk=False)
    best: _Request | None = None
    best_ratio = -1.0
    for other in candidates[:_CANDIDATES]:
        matcher.set_seq1(shown(other)[:_COMPARED])
        ratio = matcher.quick_ratio()
        if ratio > best_ratio:
            best, best_ratio = other, ratio
    return best


def render(request: Mapping[str, Any]) -> list[str]:
    """A canonical request as lines to read and compare."""
    lines: list[str] = []
    for part in ("model", "options"):
        for name, value in sorted(request.get(part, {}).items()):
            lines.extend(broken(f"{part} {name}: {_json(value)}"))
    if request["stop"]:
        lines.append(f"stop: {_json(request['stop'])}")
    for tool in request["tools"]:
        function = tool.get("function", tool)
        lines.extend(broken(f"tool {function.get('name', '?')}: {_json(tool)}"))
    for number, message in enumerate(request["messages"], start=1):
        lines.extend(_message(number, message))
    return lines


def _message(number: int, message: Mapping[str, Any]) -> list[str]:
    marks = [str(message[mark]) for mark in ("name", "tool_call_id", "status") if mark in message]
    lines = [" ".join([f"[{number}] {message['role']}", *marks])]
    content = message["content"]
    text = content if isinstance(content, str) else _json(content)
    lines.extend(f"    {line}" for raw in text.splitlines() for line in broken(raw))
    for call in message.get("tool_calls", ()):
        head = f"    {call['id']} {call['name']} "
        lines.extend(broken(head + _json(call["args"])))
    return lines


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def broken(line: str) -> Sequence[str]:
    """A line in parts that are short enough to be seen beside each other."""
    return [line[at : at + _WIDTH] for at in range(0, max(len(line), 1), _WIDTH)]
