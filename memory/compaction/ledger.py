"""The ledger: identifiers of what was folded, those first that later calls probably need."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, cast

from neveridle.memory.compaction.estimate import estimate_tokens
from neveridle.memory.compaction.identifiers import Found, holds, identifiers, leaves_of
from neveridle.memory.compaction.text import calls_of, content_text

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

MOST: Final = 400
"""Entries a ledger carries along; what falls out is still found by ``recall_history``."""

# Learnt from recorded conversations (see docs/design/compaction.md), then rounded towards what
# holds for any tools: the logarithm of the odds that a later call needs the identifier.
_BY_KIND: Final = {
    "code": 1.4, "path": 1.4, "date": 1.4, "email": 1.0, "number": 0.9, "upper": 0.4,
    "url": 0.3, "quoted": 0.0, "name": -0.5, "time": -0.5, "word": -1.5,
}  # fmt: skip
_ID_LABELS: Final = frozenset(
    {"id", "code", "number", "key", "hash", "sha", "path", "file", "email", "name"}
)
_ID_ENDINGS: Final = tuple(f"_{label}" for label in sorted(_ID_LABELS))


@dataclass(slots=True)
class Entry:
    """An identifier, and what speaks for its being needed.

    Attributes:
        value: letter by letter.
        label: the key it stood beside most recently.
        kind: what it looks like.
        last: the number of the message it was last in.
        seen: in how many messages it was.
        asked: in how many calls of tools it was an argument.
        human: in how many messages of a person it was.
        told: in how many messages of the assistant it was.
    """

    value: str
    label: str
    kind: str
    last: int = 0
    seen: int = 0
    asked: int = 0
    human: int = 0
    told: int = 0

    def as_list(self) -> list[Any]:
        """Its attributes, in their order."""
        known = (self.value, self.label, self.kind)
        return [*known, self.last, self.seen, self.asked, self.human, self.told]


@dataclass(slots=True)
class Ledger:
    """The identifiers of a conversation's folded messages.

    Attributes:
        entries: by value.
        labels: names of arguments that tools were called with, and how often.
    """

    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])
    labels: dict[str, int] = field(default_factory=dict[str, int])

    def add_text(self, text: str, number: int, role: str) -> None:
        """Take the identifiers of what somebody said; see ``add``."""
        for one in _distinct(identifiers(text)):
            self._note(one, number, role)

    def add(self, message: BaseMessage, number: int) -> None:
        """Take the identifiers of a message.

        Args:
            message: the message, its secrets taken out.
            number: its number in the conversation.
        """
        self.add_text(content_text(message.content), number, message.type)
        for call in calls_of(message):
            args = call.get("args")
            if isinstance(args, dict):
                for label in cast("Mapping[str, Any]", args):
                    self.labels[label] = self.labels.get(label, 0) + 1
                for one in _distinct(leaves_of(args)):
                    self._note(one, number, "call")

    def _note(self, one: Found, number: int, by: str) -> None:
        entry = self.entries.setdefault(one.value, Entry(one.value, one.label, one.kind))
        entry.last = max(entry.last, number)
        entry.seen += 1
        entry.asked += by == "call"
        entry.human += by == "human"
        entry.told += by == "ai"
        entry.label = one.label or entry.label

    def ranked(self, boost: Callable[[Entry], float] | None = None) -> list[Entry]:
        """All entries, the most probably needed first.

        Args:
            boost: by what the worth of an entry is multiplied; None: by nothing.
        """
        newest = max((entry.last for entry in self.entries.values()), default=0)

        def key(entry: Entry) -> tuple[float, int, str]:
            worth = self._worth(entry, newest) * (1.0 if boost is None else boost(entry))
            return (-worth, -entry.last, entry.value)

        return sorted(self.entries.values(), key=key)

    def _worth(self, entry: Entry, newest: int) -> float:
        """How probably it is needed, for what it costs to show."""
        label = entry.label.lower()
        age = newest - entry.last
        logit = _BY_KIND.get(entry.kind, -1.5) - 4.5
        logit += 0.6 * math.log1p(self.labels.get(entry.label, 0))
        logit += 1.2 * (label in _ID_LABELS or label.endswith(_ID_ENDINGS))
        logit -= 0.8 * (not label)
        logit += 0.4 * math.sqrt(entry.asked) + 0.3 * (entry.human > 0)
        logit += 0.7 * math.sqrt(entry.told) + 0.1 * math.sqrt(entry.seen)
        logit += 0.5 / (1 + age / 4) + 1.0 / (1 + age / 15)
        logit -= (0.5, 0.5, 1.0)[len(entry.value)] if len(entry.value) < 3 else 0.0
        return 1 / (1 + math.exp(-logit)) / math.sqrt(3 + len(entry.value))

    def lines(
        self, tokens: int, without: str = "", boost: Callable[[Entry], float] | None = None
    ) -> list[str]:
        """The ledger as lines ``label: value, value``, within so many tokens.

        Args:
            tokens: the budget.
            without: text that is shown anyway; what it holds is not said twice.
            boost: see ``ranked``.
        """
        shown: list[Entry] = []
        spent = 0
        labels: set[str] = set()
        for entry in self.ranked(boost):
            if holds(without, entry.value):
                continue
            cost = estimate_tokens(f", {entry.value}")
            if entry.label not in labels:
                cost += 3 + estimate_tokens(entry.label)
            if spent + cost > tokens:
                if tokens - spent < 8:
                    break
                continue
            spent += cost
            labels.add(entry.label)
            shown.append(entry)
        return _by_label(shown)

    def as_dict(self) -> dict[str, Any]:
        """As it is kept between foldings: the best entries only."""
        ranked = self.ranked()[:MOST]
        return {
            "entries": [entry.as_list() for entry in ranked],
            "labels": dict(sorted(self.labels.items(), key=lambda one: -one[1])[:100]),
        }

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> Ledger:
        """What ``as_dict`` gave."""
        entries = [Entry(*values) for values in kept.get("entries", [])]
        return cls({entry.value: entry for entry in entries}, dict(kept.get("labels", {})))


def _distinct(found: Iterable[Found]) -> list[Found]:
    return list({one.value: one for one in found}.values())


def _by_label(entries: Sequence[Entry]) -> list[str]:
    grouped: dict[str, list[Entry]] = {}
    for entry in entries:
        grouped.setdefault(entry.label, []).append(entry)
    plain = sorted(grouped.pop("", []), key=lambda entry: entry.last)
    lines = [
        f"{label}: {', '.join(one.value for one in sorted(group, key=lambda one: one.last))}"
        for label, group in grouped.items()
    ]
    if plain:
        lines.append(", ".join(entry.value for entry in plain))
    return lines
