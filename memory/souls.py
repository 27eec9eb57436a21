"""The souls of the agents as something that can be recalled: read only, paragraph by paragraph."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from neveridle.board.memory_row import MemoryRow
from neveridle.memory.embedding import Embedder
from neveridle.memory.library import Found, Mode
from neveridle.memory.scope import Scope
from neveridle.memory.signals import signals_of_rows
from neveridle.memory.tidy import tidy

if TYPE_CHECKING:
    from neveridle.memory.recall.corpus import Corpus
    from neveridle.memory.recall.document import Query

_BETWEEN = re.compile(r"\n\s*\n")
_HEADING = re.compile(r"#{1,6}\s")


def soul_rows(souls: Mapping[str, str]) -> list[MemoryRow]:
    """A row for each paragraph, under the heading it stands below; ids count down from -1.

    Args:
        souls: the text of each agent's soul, by its name.
    """
    rows: list[MemoryRow] = []
    for agent, text in sorted(souls.items()):
        heading = ""
        for part in _BETWEEN.split(text):
            paragraph = tidy(part)
            if not paragraph:
                continue
            if _HEADING.match(paragraph) and "\n" not in paragraph:
                heading = paragraph
                continue
            rows.append(
                MemoryRow(
                    id=-1 - len(rows),
                    agent=agent,
                    kind="soul",
                    text=f"{heading}\n{paragraph}" if heading else paragraph,
                    tags=(),
                    source=f"agents/{agent}.md",
                    importance=0.5,
                    at=0.0,
                    trusted=True,
                    origin="person",
                )
            )
    return rows


class Souls:
    """The paragraphs of all souls, searched as rows are; their vectors are made when first asked.

    Args:
        texts: the text of each agent's soul, by its name.
        embedder: makes the vectors.
    """

    def __init__(self, texts: Mapping[str, str], embedder: Embedder) -> None:
        self._rows = {row.id: row for row in soul_rows(texts)}
        self._embedder = embedder
        self._corpus: Corpus | None = None

    def get(self, row: int) -> MemoryRow | None:
        """The paragraph of this id."""
        return self._rows.get(row)

    async def search(self, query: Query, scope: Scope, *, k: int, mode: Mode) -> list[Found]:
        """The ``k`` best paragraphs, best first; an agent finds those of its own soul only."""
        if not self._rows or scope.tags or (scope.kinds and "soul" not in scope.kinds):
            return []
        from neveridle.memory.recall.search import search

        corpus = self._corpus = self._corpus or await self._read()
        mask = corpus.scope(agent=scope.agent)
        if not mask.any() or scope.since is not None:
            return []
        if mode == "lexical":
            query = replace(query, vector=None, tokens=None)
        found = search(corpus, query, k=k, mask=mask)
        return [Found(one.id, one.score, one.why) for one in found]

    async def _read(self) -> Corpus:
        import numpy as np

        from neveridle.memory.recall.corpus import Corpus
        from neveridle.memory.recall.document import Document

        rows = list(self._rows.values())
        made = await signals_of_rows(self._embedder, rows)
        tokens = {row.id: one.tokens for row, one in zip(rows, made, strict=True)}
        corpus = Corpus(lambda ids: [tokens.get(one) for one in ids])
        corpus.put(
            Document(
                id=row.id,
                terms=one.terms or b"",
                vector=np.frombuffer(one.dense or b"", "<f2").astype(np.float32),
                agent=row.agent,
                visibility=row.visibility,
                at=row.at,
            )
            for row, one in zip(rows, made, strict=True)
        )
        return corpus
