"""Which identifiers a recorded call of a tool needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from neveridle.memory.compaction.identifiers import Found, identifiers, leaves_of
from neveridle.memory.compaction.text import calls_of

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

# What is no identifier: words and keys, which a model writes by itself.
_KINDS: Final = frozenset({"code", "date", "time", "number", "path", "email", "url", "upper"})


@dataclass(frozen=True, slots=True)
class Need:
    """An identifier in the arguments of a call.

    Attributes:
        value: letter by letter.
        label: the argument it stands in.
        kind: what it looks like.
        tool: the tool that is called.
    """

    value: str
    label: str
    kind: str
    tool: str


def needs_of(message: BaseMessage) -> list[Need]:
    """The identifiers in the arguments of a message's calls, each once."""
    found: dict[tuple[str, str], Need] = {}
    for call in calls_of(message):
        tool, args = str(call.get("name", "")), call.get("args")
        if not isinstance(args, dict):
            continue
        for label, value in cast("Mapping[str, Any]", args).items():
            for one in _whole_or_parts(leaves_of(value, label)):
                if one.kind in _KINDS and one.value.strip():
                    need = Need(one.value, one.label or label, one.kind, tool)
                    found.setdefault((need.label, need.value), need)
    return list(found.values())


def _whole_or_parts(found: Iterable[Found]) -> Iterable[Found]:
    """Identifiers as they are; of what only holds some, such as a sum, those it holds."""
    for one in found:
        if re.fullmatch(r"[\w.@/:+#-]+", one.value):
            yield one
        else:
            yield from (Found(part.value, one.label, part.kind) for part in identifiers(one.value))
