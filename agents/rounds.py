"""What an agent did in a round and what came of it, read from the conversation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from neveridle.agents.repetition import Act, digest
from neveridle.memory.compaction.text import calls_of, content_text, is_bridge, is_head
from neveridle.tools.recording.canonical import timeless
from neveridle.tools.redact import redact

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

LOOKING: Final = frozenset(
    {"list_files", "read_file", "search", "diff", "recall_history", "recall_memory"}
)
"""Tools that change nothing; of any other it is taken that it may."""
ENDING: Final = "TaskOutcome"
"""The tool that ends an attempt; who sees a result of it has not ended it."""
SHOWN: Final = 300
"""Characters of arguments, and of a result, that evidence shows."""


@dataclass(frozen=True, slots=True)
class Done:
    """One call with its result, as the conversation has it.

    Attributes:
        tool: the tool's name; empty: the model answered with text alone.
        arguments: what it was called with.
        result: what it said.
        failed: whether the tool says that it refused.
    """

    tool: str
    arguments: Any
    result: str
    failed: bool = False

    @property
    def act(self) -> Act:
        """The same as digests; neither times nor durations count."""
        return Act(
            action=digest((self.tool, _canonical(self.arguments))),
            result=digest(timeless(self.result)),
            changes=self.tool not in LOOKING and self.tool not in ("", ENDING) and not self.failed,
            counts=self.tool != ENDING,
        )

    def as_evidence(self) -> dict[str, str]:
        """Shortened, and without secrets."""
        return {
            "tool": self.tool or "(text)",
            "arguments": _short(_canonical(self.arguments)),
            "result": _short(self.result),
        }


def rounds_of(messages: Sequence[BaseMessage], most: int) -> list[list[Done]]:
    """The last rounds of a conversation, oldest first, at most ``most``.

    A round is an answer of the model with all that came back for it. What compaction has
    folded is not there; what is still to be answered is none.
    """
    found: list[list[Done]] = []
    back: list[BaseMessage] = []
    for message in reversed(messages):
        if len(found) >= most or is_head(message):
            break
        if message.type != "ai":
            back.append(message)
            continue
        if not is_bridge(message) and back:
            found.append(_round(message, back[::-1]))
        back = []
    return found[::-1]


def _round(answer: BaseMessage, back: Sequence[BaseMessage]) -> list[Done]:
    results = {str(getattr(m, "tool_call_id", "")): m for m in back if m.type == "tool"}
    said = "\n".join(content_text(m.content) for m in back if m.type != "tool")
    done: list[Done] = []
    for call in calls_of(answer):
        result = results.get(str(call.get("id")))
        text = "" if result is None else content_text(result.content)
        failed = getattr(result, "status", "") == "error"
        done.append(Done(str(call.get("name", "")), call.get("args"), text, failed))
    if not done or said:
        done.append(Done("", content_text(answer.content), said))
    return done


def _canonical(arguments: Any) -> str:
    """Arguments as text: the same whatever their order."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            return str(arguments)
    return json.dumps(arguments, sort_keys=True, ensure_ascii=False, default=str)


def _short(text: str) -> str:
    clean = redact(text[: 10 * SHOWN])
    return clean if len(clean) <= SHOWN else f"{clean[:SHOWN]}…"
