"""What most do, to compare with: vectors of whole turns alone, or words alone."""

from __future__ import annotations

import importlib
import math
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from neveridle.evals.memory.conversation import Conversation, Turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from neveridle.memory import Embedder

_WORD = re.compile(r"[^\W_]+")
_COMMON: Final = (
    "a about am an and are as at be been but by can could did do does for from had has have he her"
    " him his how i if in into is it its just me my no not of on or our she so that the their them"
    " then there these they this to was we were what when where which who whom whose why will with"
    " would you your"
)
_STOP: Final = frozenset(_COMMON.split())
_K1: Final = 1.2
_B: Final = 0.75


class Dense:
    """The cosine of question and turn, each one vector: what a vector store alone does.

    Args:
        embedder: makes the vectors.
    """

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self._held: dict[str, tuple[list[str], NDArray[np.float32]]] = {}

    @property
    def settings(self) -> dict[str, Any]:
        """The model's name."""
        return {"recall": "dense", "embedder": self._embedder.name}

    async def ingest(self, conversation: Conversation) -> None:
        """One vector for each turn, with its author's name."""
        import numpy as np

        turns = conversation.turns
        vectors = await self._embedder.embed([said(turn) for turn in turns])
        table = np.asarray(vectors, dtype=np.float32).reshape(len(turns), -1)
        self._held[conversation.name] = ([turn.id for turn in turns], table)

    async def search(self, conversation: Conversation, query: str, k: int) -> list[str]:
        """The nearest turns of the conversation."""
        import numpy as np

        ids, table = self._held[conversation.name]
        vector = np.asarray((await self._embedder.embed([query]))[0], dtype=np.float32)
        order = np.argsort(-(table @ vector), kind="stable")[:k]
        return [ids[int(place)] for place in order]


class Bm25:
    """Okapi BM25 over stemmed words, without stop words, of single turns."""

    def __init__(self) -> None:
        stemming: Any = importlib.import_module("Stemmer")  # a compiled module without types
        self._stem: Any = stemming.Stemmer("english").stemWords
        self._held: dict[str, _Words] = {}

    @property
    def settings(self) -> dict[str, Any]:
        """Its constants."""
        return {"recall": "bm25", "k1": _K1, "b": _B}

    async def ingest(self, conversation: Conversation) -> None:
        """Count the words of each turn, its author's name among them."""
        turns = conversation.turns
        counts = [Counter(self._terms(said(turn))) for turn in turns]
        self._held[conversation.name] = _Words([turn.id for turn in turns], counts)

    async def search(self, conversation: Conversation, query: str, k: int) -> list[str]:
        """The turns that share words with the question; none that shares no word."""
        return self._held[conversation.name].best(self._terms(query), k)

    def _terms(self, text: str) -> list[str]:
        words = (word.casefold() for word in _WORD.findall(text))
        stems: list[str] = self._stem([word for word in words if word not in _STOP])
        return stems


class _Words:
    """How often each word is in each turn."""

    def __init__(self, ids: list[str], counts: list[Counter[str]]) -> None:
        self._ids = ids
        self._lengths = [sum(count.values()) for count in counts]
        self._mean = sum(self._lengths) / max(1, len(ids)) or 1.0
        self._places: dict[str, list[tuple[int, int]]] = {}
        for place, count in enumerate(counts):
            for word, times in count.items():
                self._places.setdefault(word, []).append((place, times))

    def best(self, words: list[str], k: int) -> list[str]:
        scores: defaultdict[int, float] = defaultdict(float)
        for word in dict.fromkeys(words):
            places = self._places.get(word, [])
            weight = math.log(1 + (len(self._ids) - len(places) + 0.5) / (len(places) + 0.5))
            for place, times in places:
                damp = _K1 * (1 - _B + _B * self._lengths[place] / self._mean)
                scores[place] += weight * times * (_K1 + 1) / (times + damp)
        order = sorted(scores, key=lambda place: (-scores[place], place))[:k]
        return [self._ids[place] for place in order]


def said(turn: Turn) -> str:
    """A turn as one text, with its author's name where there is one."""
    return f"{turn.author}: {turn.text}" if turn.author else turn.text
