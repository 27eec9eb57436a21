"""What memories are given, the same for all: texts and questions, embedded before."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.memories import words_of
from neveridle.evals.memory import read_locomo
from neveridle.memory import TokenEmbedder
from neveridle.memory.embedding import Encoded
from neveridle.memory.signals import said

BATCH = 64  # texts embedded in one call of the model


@dataclass(frozen=True)
class Said:
    """A text: who said it, in which session of which time; none of it where nobody did."""

    text: str
    author: str = ""
    session: str = ""
    at: float | None = None

    @property
    def whole(self) -> str:
        """What those are given who have no place for an author."""
        return said(self.author, self.text)


@dataclass(frozen=True)
class Case:
    """Texts that are kept together, and what is asked about them.

    Attributes:
        name: says which.
        texts: in their order.
        queries: the questions.
        evidence: for each question the places of the texts that answer it; empty: not known.
    """

    name: str
    texts: Sequence[Said]
    queries: Sequence[str]
    evidence: Sequence[frozenset[int]]

    def recall(self, found: Sequence[Sequence[int]], k: int) -> list[float]:
        """The share of each question's evidence among the first ``k`` found, 0 to 1.

        Equal texts count as one: nobody can tell which of them was found.
        """
        first: dict[str, int] = {}
        same = [first.setdefault(one.whole, at) for at, one in enumerate(self.texts)]
        shares: list[float] = []
        for places, wanted in zip(found, self.evidence, strict=True):
            if wanted:
                asked = {same[at] for at in wanted}
                best = set([same[at] for at in places][:k])
                shares.append(len(asked & best) / len(asked))
        return shares


def made(rows: int, queries: int) -> Case:
    """Rows without meaning, for times alone."""
    texts = [Said(words_of(number)) for number in range(rows)]
    numbers = random.Random(7)
    asked = [" ".join(numbers.choice(texts).text.split()[1:5]) for _ in range(queries)]
    return Case("made", texts, asked, [frozenset[int]()] * queries)


def read(path: Path, *, rows: int = 0, queries: int = 0) -> list[Case]:
    """The conversations of a file in the format of LoCoMo, or of a folder of such files.

    Args:
        path: where they are.
        rows: only the first so many turns of each, and the questions they answer; 0: all.
        queries: only so many questions of each, spread over all of them; 0: all.
    """
    cases: list[Case] = []
    for one in read_locomo(path):
        place = {turn.id: at for at, turn in enumerate(one.turns[: rows or None])}
        texts = [
            Said(turn.text, turn.author, session.name, session.at)
            for session in one.sessions
            for turn in session.turns
        ][: rows or None]
        asked = [q for q in one.questions if all(turn in place for turn in q.evidence)]
        if queries and len(asked) > queries:
            asked = [asked[at * len(asked) // queries] for at in range(queries)]
        if asked:
            evidence = [frozenset(place[turn] for turn in q.evidence) for q in asked]
            cases.append(Case(one.name, texts, [q.text for q in asked], evidence))
    return cases


class Given:
    """An embedder that looks up what was made before: embedding is no part of what is measured.

    A text that memory changed (a secret was taken out of it) is embedded when it comes.

    Args:
        inner: makes it.
    """

    def __init__(self, inner: TokenEmbedder) -> None:
        self._inner = inner
        self._held: dict[str, Encoded] = {}

    @property
    def name(self) -> str:
        """The model's name."""
        return self._inner.name

    @property
    def dimensions(self) -> int:
        """The length of each vector."""
        return self._inner.dimensions

    async def model(self) -> str:
        """Which vectors these are."""
        return await self._inner.model()

    async def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """What is held of each, made where it is not."""
        missing = list(dict.fromkeys(text for text in texts if text not in self._held))
        for first in range(0, len(missing), BATCH):
            part = missing[first : first + BATCH]
            self._held |= zip(part, await self._inner.encode(part), strict=True)
        return [self._held[text] for text in texts]

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """The vectors alone."""
        return [one.dense.tolist() for one in await self.encode(texts)]

    async def prepare(self, case: Case) -> None:
        """Make what a case needs."""
        await self.encode([*(one.whole for one in case.texts), *case.queries])

    async def table(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The vectors as rows, to be given to others."""
        found = await self.encode(texts)
        return np.stack([one.dense for one in found]).astype(np.float32)
