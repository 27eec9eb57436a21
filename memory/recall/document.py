"""What recall takes in and gives out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Document:
    """One row as recall needs it.

    Attributes:
        id: the row's id on the board; put again, it replaces what was there.
        terms: ``analysis.terms_blob`` of its text and time.
        vector: its dense vector of length 1, or float32 bytes (little-endian); None: words only.
        agent: whose it is.
        visibility: "private", "team" or "public".
        kind: of memory.
        layer: "short", "long", "working".
        tags: as on the row.
        at: seconds since 1970 (UTC).
        importance: 0 to 1; 0.5 says nothing.
        trusted: False for what is in quarantine.
        episode: id of the conversation it belongs to; None: stands alone.
        position: its place in the episode.
        author: who said it.
    """

    id: int
    terms: bytes
    vector: Vector | bytes | None = None
    agent: str = ""
    visibility: str = "private"
    kind: str = ""
    layer: str = "long"
    tags: Collection[str] = ()
    at: float = 0.0
    importance: float = 0.5
    trusted: bool = True
    episode: str | int | None = None
    position: int = 0
    author: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """A question as recall needs it.

    Attributes:
        text: as asked.
        vector: its dense vector, shape (dimensions,), length 1; None: lexical only.
        tokens: its token vectors, shape (t, dimensions), length 1 each; None: no late interaction.
        at: when it is asked, in seconds since 1970; what "yesterday" in it means, and how old a row
            is. None: neither is considered.
    """

    text: str
    vector: Vector | None = None
    tokens: Vector | None = None
    at: float | None = None
    model: str = "all-MiniLM-L6-v2"


@dataclass(frozen=True, slots=True)
class Scored:
    """A row that answers.

    Attributes:
        id: the row's id.
        score: 0 to 1, comparable between rows of one answer and roughly between questions.
        why: what found it: ``dense_rank``, ``lexical_rank``, ``late_rank`` (1 is best; absent where
            that signal did not find it), ``neighbour`` (id of the row beside it that led here),
            ``recency``, ``importance``, ``trust`` (the factors applied), and the signals' values.
    """

    id: int
    score: float
    why: Mapping[str, float] = field(default_factory=dict[str, float])
