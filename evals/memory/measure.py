"""Stores conversations, asks their questions, and reports what was found and how quickly."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from neveridle.errors import DatasetInvalid
from neveridle.evals.memory.conversation import Conversation
from neveridle.evals.memory.recaller import Recaller, Stopwatch
from neveridle.evals.memory.scoring import (
    Asked,
    by_category,
    by_conversation,
    milliseconds,
    scores,
)

Opening = Callable[[], AbstractAsyncContextManager[Recaller]]
"""Opens an empty store; it is gone when the context ends."""
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What was measured.

    Attributes:
        conversations: those that were read.
        asked: each question with what was found.
        k: how many turns were asked for.
        together: whether all conversations were in one store.
        settings: what the recaller said of itself.
        stored: seconds for storing all turns, embedding included.
        storing: seconds of it that the embedder took.
    """

    conversations: Sequence[Conversation]
    asked: Sequence[Asked]
    k: int
    together: bool
    settings: dict[str, Any]
    stored: float
    storing: float
    versions: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def facts(self) -> dict[str, Any]:
        """The report as plain JSON; see ``docs/evals.md``."""
        turns = sum(len(one.turns) for one in self.conversations)
        skipped = [skip for one in self.conversations for skip in one.skipped]
        reasons: dict[str, int] = {}
        for skip in skipped:
            reasons[skip.why] = reasons.get(skip.why, 0) + 1
        return {
            "settings": {**self.settings, "k": self.k, "together": self.together},
            "versions": self.versions,
            "conversations": len(self.conversations),
            "sessions": sum(len(one.sessions) for one in self.conversations),
            "turns": turns,
            "overall": scores(self.asked, k=self.k),
            "categories": by_category(self.asked, k=self.k),
            "by_conversation": by_conversation(self.asked, k=self.k),
            "query_ms": milliseconds([one.seconds for one in self.asked]),
            "query_ms_without_embedding": milliseconds(
                [max(0.0, one.seconds - one.embedding) for one in self.asked]
            ),
            "ingest_ms_per_turn": _per(self.stored, turns),
            "ingest_ms_per_turn_without_embedding": _per(self.stored - self.storing, turns),
            "skipped": reasons,
            "skipped_items": [
                {
                    "conversation": skip.conversation,
                    "what": skip.what,
                    "why": skip.why,
                    "detail": skip.detail,
                }
                for skip in skipped
            ],
        }


async def measure(
    conversations: Sequence[Conversation],
    opening: Opening,
    *,
    k: int = 20,
    together: bool = False,
    watch: Stopwatch | None = None,
    progress: Progress = lambda line: None,
    versions: dict[str, str] | None = None,
) -> Report:
    """Store the conversations, ask all their questions, one at a time.

    Args:
        opening: opens the store: one for each conversation, or one for all of them.
        k: how many turns are asked for.
        together: whether all conversations go into one store before the first question.
        watch: the embedder's stopwatch, so that its time can be told apart.
        progress: is told a line after each conversation.

    Raises:
        DatasetInvalid: no question has evidence.
    """
    if not any(one.questions for one in conversations):
        msg = "No question in these conversations has evidence that can be looked for."
        raise DatasetInvalid(msg, remedy="Each question names the ids of turns as its evidence.")
    asked: list[Asked] = []
    stored = storing = 0.0
    settings: dict[str, Any] = {}
    embedded = watch if watch is not None else _NoWatch()
    batches = [list(conversations)] if together else [[one] for one in conversations]
    for batch in batches:
        async with AsyncExitStack() as stack:
            recaller = await stack.enter_async_context(opening())
            for one in batch:
                begun, before = time.perf_counter(), embedded.seconds
                await recaller.ingest(one)
                stored += time.perf_counter() - begun
                storing += embedded.seconds - before
                progress(f"{one.name}: {len(one.turns)} turns stored")
            for one in batch:
                for question in one.questions:
                    begun, before = time.perf_counter(), embedded.seconds
                    found = await recaller.search(one, question.text, k)
                    asked.append(
                        Asked(
                            one.name,
                            question,
                            tuple(found[:k]),
                            time.perf_counter() - begun,
                            embedded.seconds - before,
                        )
                    )
                progress(f"{one.name}: {len(one.questions)} questions asked")
            settings = recaller.settings
    return Report(
        tuple(conversations), tuple(asked), k, together, settings, stored, storing, versions or {}
    )


class _NoWatch:
    seconds = 0.0


def _per(seconds: float, turns: int) -> float:
    return round(max(0.0, seconds) * 1000 / max(1, turns), 3)
