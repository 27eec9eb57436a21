"""A row of memory, and what is stored with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Visibility = Literal["private", "team", "public"]
"""Who sees a memory: its agent alone, the team, or whoever is shown the team's memory."""
State = Literal["live", "superseded", "retired", "forgotten"]
"""``superseded`` and ``retired`` can be undone; of what is ``forgotten`` only the row is left."""
Origin = Literal["person", "agent", "tool", "tracker"]
"""Whose words they are. What a tool or a tracker said is data, and never becomes trusted."""


@dataclass(frozen=True, slots=True)
class MemoryRow:
    """One memory, as it stands on the board.

    Attributes:
        id: the board's number for it; rises with each row, never used twice.
        agent: whose memory it is.
        kind: what it is, such as ``learning``.
        text: what is remembered, secrets already taken out.
        tags: a few words to find it by.
        source: where it came from, such as ``task:12``; empty when unknown.
        importance: 0 to 1.
        at: when it happened, in seconds since 1970, by the board's clock if nobody said.
        trusted: whether a second, independent attempt bore it out, or a person said so.
        visibility: who sees it.
        state: whether it is recalled: only what is ``live`` is.
        origin: whose words they are.
        strength: how often it was learnt, at least 1.
        superseded_by: the memory that stands for this one since.
        episode: the stretch of work or talk it is a part of.
        position: its place there, from 0.
        author: who said it, in an episode; empty: the agent.
        task: the task that it was learnt in.
        fence: the attempt at that task.
        revision: the number of its last change on this board.
    """

    id: int
    agent: str
    kind: str
    text: str
    tags: tuple[str, ...]
    source: str
    importance: float
    at: float
    trusted: bool
    visibility: Visibility = "private"
    state: State = "live"
    origin: Origin = "agent"
    strength: int = 1
    superseded_by: int | None = None
    episode: int | None = None
    position: int | None = None
    author: str = ""
    task: int | None = None
    fence: int | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Signals:
    """What recall computes with, made from a memory's text.

    Attributes:
        model: what made the vectors, with their version; empty: there are none.
        terms: the analysed words, see ``neveridle.memory.recall.analysis``.
        dense: the vector of the whole text: float16, little-endian, of length 1.
        tokens: the quantized vectors of its tokens, see ``neveridle.memory.recall.late``.
    """

    model: str = ""
    terms: bytes | None = None
    dense: bytes | None = None
    tokens: bytes | None = None


@dataclass(frozen=True, slots=True)
class NewMemory:
    """A memory to be stored; see ``MemoryRow``.

    Attributes:
        at: None: now, by the board's clock.
        digest: names the text, so that the same one is found again; empty: it is not asked for.
        signals: None: they are made later.
    """

    agent: str
    text: str
    kind: str = "note"
    tags: tuple[str, ...] = ()
    source: str = ""
    importance: float = 0.5
    at: float | None = None
    trusted: bool = False
    visibility: Visibility = "private"
    origin: Origin = "agent"
    episode: int | None = None
    position: int | None = None
    author: str = ""
    task: int | None = None
    fence: int | None = None
    digest: str = ""
    signals: Signals | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A memory as it is since a revision, with what recall computes with.

    Attributes:
        row: its ``text`` is left out (empty): nobody who follows all changes needs all texts.
        signals: without ``tokens``, for the same reason.
    """

    row: MemoryRow
    signals: Signals


@dataclass(frozen=True, slots=True)
class Columns:
    """Changes of many memories column by column, for who follows all: see ``Change``.

    All columns are of one length, in the order of ``revision``, which is that of the changes.
    """

    id: Sequence[int]
    agent: Sequence[str]
    kind: Sequence[str]
    tags: Sequence[tuple[str, ...]]
    source: Sequence[str]
    importance: Sequence[float]
    at: Sequence[float]
    trusted: Sequence[bool]
    visibility: Sequence[Visibility]
    state: Sequence[State]
    origin: Sequence[Origin]
    strength: Sequence[int]
    superseded_by: Sequence[int | None]
    episode: Sequence[int | None]
    position: Sequence[int | None]
    author: Sequence[str]
    task: Sequence[int | None]
    fence: Sequence[int | None]
    revision: Sequence[int]
    model: Sequence[str]
    terms: Sequence[bytes | None]
    dense: Sequence[bytes | None]
