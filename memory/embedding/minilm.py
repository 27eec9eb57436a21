"""The embedder of a team: the shipped model, or any other by its name."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence

from neveridle.memory.embedding.embedder import Encoded
from neveridle.memory.embedding.engine import Engine, Stats
from neveridle.memory.embedding.model import Model
from neveridle.memory.embedding.shipped import (
    ALIASES,
    DIMENSIONS,
    SHIPPED,
    load_shipped,
    shipped_fingerprint,
)
from neveridle.memory.lane import Lane

_engines: weakref.WeakValueDictionary[str, Engine] = weakref.WeakValueDictionary()
_guard = threading.Lock()


class MiniLM:
    """Normalised sentence embeddings; the model is loaded once, in a thread, on first use.

    A text longer than the model's window (256 tokens for MiniLM) is read in as many windows as
    it takes, to its end. What was read lately is not read again, and callers who wait at the
    same time are answered by one batch.

    All embedders of the shipped model in a process share its weights and what it has read.

    Args:
        name: ``all-MiniLM-L6-v2`` comes from an installed package, runs on onnxruntime and
            never touches the network. Any other name or folder is given to
            sentence-transformers, which may download it, and takes seconds to import.
    """

    def __init__(self, name: str = SHIPPED) -> None:
        self._shipped = name in ALIASES
        self._name = SHIPPED if self._shipped else name
        self._engine = _shared() if self._shipped else Engine(self._other)
        self._digest = ""

    @property
    def name(self) -> str:
        """The model's name; the shipped one has the same under either spelling."""
        return self._name

    @property
    def dimensions(self) -> int:
        """The length of each vector; 0 for another model that is not loaded yet."""
        return DIMENSIONS if self._shipped else self._engine.dimensions

    @property
    def stats(self) -> Stats:
        """How often a text was known already, and in how many batches the others were read."""
        return self._engine.stats

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of length 1 for each text.

        Raises:
            ExtraMissing: the package with the shipped weights is not installed, or damaged.
            SettingsInvalid: sentence-transformers cannot load a model of this name.
        """
        return [found.dense.tolist() for found in await self._engine.encode(texts, tokens=False)]

    async def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """Vector, windows and tokens of each text; raises what ``embed`` does.

        The tokens of a text take 1.5 KB each, so thousands of texts are better encoded in parts.
        """
        return await self._engine.encode(texts, tokens=True)

    async def model(self) -> str:
        """``name@fingerprint``; raises what ``embed`` does. Another model has to be loaded."""
        if not self._digest:
            if self._shipped:  # without waiting for the model, or making it wait
                lane = Lane("neveridle-fingerprint")
                self._digest = await lane.run(shipped_fingerprint)
                lane.close()
            else:
                self._digest = await self._engine.fingerprint()
        return f"{self._name}@{self._digest}"

    def _other(self) -> Model:
        from neveridle.memory.embedding.sentence_model import SentenceModel

        return SentenceModel(self._name)


def _shared() -> Engine:
    with _guard:
        engine = _engines.get(SHIPPED)
        if engine is None:
            engine = _engines[SHIPPED] = Engine(load_shipped)
        return engine
