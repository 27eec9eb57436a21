"""Which memories are meant: by what they are, not by what they say."""

from __future__ import annotations

from dataclasses import dataclass

from neveridle.board.memory_row import MemoryRow


@dataclass(frozen=True, slots=True)
class Selection:
    """Memories that fulfil all that is said here; nothing said: all.

    Attributes:
        ids: one of these; None: any.
        agent: of this agent.
        source: from this source, or from one whose name goes on with a colon or a slash.
        tags: with all of these tags.
        kinds: of one of these kinds; empty: of any.
        before: which happened before this time, in seconds since 1970.
        since: which happened then or later.
        states: in one of these states.
        shared: only what is not private.
    """

    ids: frozenset[int] | None = None
    agent: str | None = None
    source: str | None = None
    tags: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    before: float | None = None
    since: float | None = None
    states: frozenset[str] = frozenset({"live"})
    shared: bool = False

    @property
    def narrow(self) -> bool:
        """Whether anything is said that leaves memories out."""
        said = (self.ids, self.agent, self.source, self.before, self.since)
        return bool(self.tags or self.kinds) or any(one is not None for one in said)

    def has(self, row: MemoryRow) -> bool:
        """What the database cannot tell alone: whether a row of the rest is meant."""
        if self.source is not None and row.source != self.source:
            return row.source.startswith((f"{self.source}:", f"{self.source}/")) and (
                self.tags <= set(row.tags)
            )
        return self.tags <= set(row.tags)
