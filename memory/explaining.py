"""Why a memory was found, or was not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from neveridle.board.memory_row import MemoryRow
from neveridle.errors import NotFound
from neveridle.memory.hit import ordinal, why_of
from neveridle.memory.library import Found, Library, Mode
from neveridle.memory.privacy import View
from neveridle.memory.recaller import Recaller, tidy_query
from neveridle.memory.scope import LAYERS, Scope
from neveridle.memory.store import MemoryStore

LOOKED: Final = 1_000
"""Ranks are told up to this one."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a memory was found for a query in a scope, or was not.

    Attributes:
        row: the memory.
        layer: the layer it is in now.
        excluded: what keeps it out of the scope, in words; empty: it is in it.
        rank: its place among the scope's memories, all signals together, from 1; were it in the
            scope, where it is not. None: it is not among those looked at.
        score: 0 to 1, with that place.
        ranks: its place by each signal alone: ``dense`` (meaning), ``lexical`` (words), ``late``
            (word by word, in meaning); None: the signal does not find it, or finds a thousand
            others before it.
        reasons: what the ranking saw; see ``neveridle.memory.hit.Hit``.
        said: all of it in a sentence or two.
    """

    row: MemoryRow
    layer: str
    excluded: tuple[str, ...]
    rank: int | None
    score: float
    ranks: Mapping[str, int | None]
    reasons: Mapping[str, float]
    said: str

    def as_dict(self) -> dict[str, Any]:
        """The explanation as JSON has it, without the row."""
        return {
            "id": self.row.id,
            "layer": self.layer,
            "excluded": list(self.excluded),
            "rank": self.rank,
            "score": self.score,
            "ranks": dict(self.ranks),
            "reasons": dict(self.reasons),
            "said": self.said,
        }


class Explainer:
    """Asks each signal alone and all together where a memory stands."""

    def __init__(self, store: MemoryStore, library: Library, recaller: Recaller) -> None:
        self._store = store
        self._library = library
        self._recaller = recaller

    async def explain(self, query: str, memory: int, scope: Scope, *, k: int) -> Explanation:
        """See ``Memory.explain``."""
        rows = await View(self._store, scope.agent).get([memory])
        if not rows:
            msg = f"There is no memory #{memory}."
            if scope.agent is not None:
                msg = f"There is no memory #{memory} that {scope.agent} sees."
            raise NotFound(msg, remedy="`neveridle memory list` shows those there are.")
        row = rows[0]
        words = tidy_query(query)
        asked = await self._recaller.asked(words, "hybrid")
        await self._library.refresh()
        layer = self._library.layer_of(row, asked.at or 0.0)
        excluded = tuple(scope.against(row, layer))
        # Out of the scope, it is compared with all that the asker may see.
        where = replace(Scope(scope.agent), layers=frozenset(LAYERS)) if excluded else scope
        found: dict[Mode, tuple[int, Found] | None] = {}
        for mode in ("hybrid", "dense", "lexical"):
            ranked: Sequence[Found] = (
                await self._library.search(asked, where, k=LOOKED, mode=mode, exact=True)
                if words and row.state == "live"
                else []
            )
            found[mode] = _place(ranked, memory)
        best = found["hybrid"]
        reasons = dict(best[1].reasons) if best else {}
        if (dense := found["dense"]) is not None:
            reasons |= dense[1].reasons
        lexical = found["lexical"]
        words_alone = dict(lexical[1].reasons) if lexical else {}
        ranks = {
            "dense": found["dense"] and found["dense"][0],
            **{
                signal: next((int(r[name]) for r in (reasons, words_alone) if name in r), None)
                for signal, name in (("lexical", "lexical_rank"), ("late", "late_rank"))
            },
        }
        rank = best[0] if best else None
        score = best[1].score if best else 0.0
        said = _said(rank, k, excluded, why_of(reasons))
        return Explanation(row, layer, excluded, rank, score, ranks, reasons, said)


def _place(ranked: Sequence[Found], memory: int) -> tuple[int, Found] | None:
    return next(((n, one) for n, one in enumerate(ranked, start=1) if one.id == memory), None)


def _said(rank: int | None, k: int, excluded: Sequence[str], why: str) -> str:
    if excluded:
        said = f"Not found, for {' and '.join(excluded)}."
        return f"{said} Without that, it would be {ordinal(rank)}: {why}." if rank else said
    if rank is None:
        return "Not found: it is not among the memories that any signal brought up."
    if rank > k:
        return f"Not among the first {k}: it is {ordinal(rank)} ({why})."
    return f"Found as {ordinal(rank)}: {why}."
