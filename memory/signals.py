"""What recall computes with, made from a memory's text."""

from __future__ import annotations

from collections.abc import Sequence

from neveridle.board.memory_row import MemoryRow, Signals
from neveridle.memory.embedding import Embedder, Encoded, encode, model_of


def said(author: str, text: str) -> str:
    """The text as it is embedded: questions ask for what somebody said by the name."""
    return f"{author}: {text}" if author else text


async def signals_of(
    embedder: Embedder,
    texts: Sequence[str],
    ats: Sequence[float | None],
    authors: Sequence[str] = (),
) -> list[Signals]:
    """The signals of texts, in their order; one call of the model.

    Args:
        embedder: makes the vectors.
        texts: the texts.
        ats: when each was written, in seconds since 1970: what "yesterday" means in it.
        authors: who said each; without any, nobody is named.
    """
    if not texts:
        return []
    names = authors or [""] * len(texts)
    found = await encode(embedder, [said(*one) for one in zip(names, texts, strict=True)])
    model = await model_of(embedder)
    return [_signals(model, one, text, at) for one, text, at in zip(found, texts, ats, strict=True)]


async def signals_of_rows(embedder: Embedder, rows: Sequence[MemoryRow]) -> list[Signals]:
    """The same of rows that stand on the board."""
    return await signals_of(
        embedder, [r.text for r in rows], [r.at for r in rows], [r.author for r in rows]
    )


def _signals(model: str, one: Encoded, text: str, at: float | None) -> Signals:
    from neveridle.memory.recall import late
    from neveridle.memory.recall.analysis import terms_blob
    from neveridle.memory.recall.weights import shipped

    # Of a text with too many tokens those are left out that say least.
    name = model.partition("@")[0]
    says = None if one.tokens is None else shipped().says(one.tokens, name)

    return Signals(
        model=model,
        terms=terms_blob(text, at),
        dense=one.dense.astype("<f2").tobytes(),
        tokens=None if one.tokens is None else late.encode(one.tokens, says),
    )
