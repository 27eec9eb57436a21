"""What is measured: something that takes conversations in and finds turns again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from neveridle.evals.memory.conversation import Conversation
from neveridle.memory import Embedder, TokenEmbedder
from neveridle.memory.embedding import Encoded, encode, model_of


class Recaller(Protocol):
    """A way to store conversations and to find their turns.

    One recaller is given one conversation, or several that are kept together; each is only
    ever searched by itself.
    """

    @property
    def settings(self) -> dict[str, Any]:
        """What it works with, as plain JSON: names and numbers of the report."""
        ...

    async def ingest(self, conversation: Conversation) -> None:
        """Store a conversation; what comes back by ``search`` afterwards is complete."""
        ...

    async def search(self, conversation: Conversation, query: str, k: int) -> list[str]:
        """The ids of at most ``k`` turns of the conversation, the best first, each once."""
        ...


class Stopwatch:
    """Passes everything on to an embedder, and adds up the seconds it takes.

    Args:
        inner: the embedder.
        clock: gives seconds, rising.
    """

    def __init__(self, inner: Embedder, clock: Any) -> None:
        self.inner = inner
        self.seconds = 0.0
        self._clock = clock

    @property
    def name(self) -> str:
        """The model's name."""
        return self.inner.name

    @property
    def dimensions(self) -> int:
        """The length of each vector; 0 while it is not known yet."""
        return self.inner.dimensions

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """One vector of length 1 for each text, in the same order."""
        begun = self._clock()
        try:
            return await self.inner.embed(texts)
        finally:
            self.seconds += self._clock() - begun

    async def encode(self, texts: Sequence[str]) -> list[Encoded]:
        """One ``Encoded`` for each text, in the same order."""
        begun = self._clock()
        try:
            return await encode(self.inner, texts)
        finally:
            self.seconds += self._clock() - begun

    async def model(self) -> str:
        """Which vectors these are."""
        return await model_of(self.inner)


_: type[TokenEmbedder] = Stopwatch
