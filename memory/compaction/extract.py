"""A summary without a model: what can be taken from the messages as they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from neveridle.memory.compaction.identifiers import kind_of
from neveridle.memory.compaction.summary import Sections, bounded
from neveridle.memory.compaction.text import call_text, calls_of, content_text
from neveridle.tools.redact import redact

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

_SENTENCE: Final = re.compile(r"[^.!?\n]{3,400}[.!?]?")
_DECIDED: Final = re.compile(
    r"\b(?:decided?|will|let's|instead|because|so that|agreed|confirm(?:ed)?|must|cannot|"
    r"chose|choose|prefer|found that|the cause)\b",
    re.IGNORECASE,
)
_LINE: Final = 240


def extract(messages: Sequence[BaseMessage], before: Sections) -> Sections:
    """The sections of a summary, taken from messages and added to those from before."""
    found: Sections = {name: list(lines) for name, lines in before.items()}
    found["steps"] = []  # what comes next is said by the newest message, not by old ones
    for message in messages:
        text = redact(content_text(message.content))
        if message.type == "human":
            _add(found, "goal", _short(text))
        elif message.type == "ai":
            _from_assistant(message, text, found)
        elif message.type == "tool":
            _add(found, "done", f"  {message.name or 'result'} → {_short(text, 100)}")
    return bounded(found)


def _from_assistant(message: BaseMessage, text: str, found: Sections) -> None:
    for match in _SENTENCE.finditer(text):
        sentence = match[0].strip()
        if sentence.endswith("?"):
            _add(found, "questions", _short(sentence))
        elif _DECIDED.search(sentence):
            _add(found, "decisions", _short(sentence))
    if text.strip():
        found["steps"] = [_short(text)]
    for call in calls_of(message):
        _add(found, "done", _short(redact(call_text(call)), 160))
        args = call.get("args")
        if isinstance(args, dict):
            for value in cast("dict[str, Any]", args).values():
                if isinstance(value, str) and len(value) < 200 and kind_of(value) == "path":
                    _add(found, "files", redact(value))


def _add(found: Sections, name: str, line: str) -> None:
    if line.strip():
        found.setdefault(name, []).append(line)


def _short(text: str, limit: int = _LINE) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]} …"
