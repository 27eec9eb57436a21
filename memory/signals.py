"""What recall computes with, made from a memory's text."""

from __future__ import annotations

from collections.abc import Sequence

from neveridle.board.memory_row import Signals
from neveridle.memory.embedding import Embedder, Encoded, encode, model_of


def said(author: str, text: str) -> str:
    """The text as it is embedded: questions ask for what somebody said by the name."""
    return f"{author}: {text}" if author else text


async def signals_of(
    embedder: Embedder, texts: Sequence[str], ats: Sequence[float | None]
) -> list[Signals]:
    """The signals of texts, in their order; one call of the model.

    Args:
        embedder: makes the vectors.
        texts: the texts, see ``said``.
        ats: when each was written, in seconds since 1970: what "yesterday" means in it.
    """
    if not texts:
        return []
    found = await encode(embedder, texts)
    model = await model_of(embedder)
    return [_signals(model, one) for one in found]


def _signals(model: str, one: Encoded) -> Signals:
    return Signals(model=model, dense=one.dense.astype("<f2").tobytes())
