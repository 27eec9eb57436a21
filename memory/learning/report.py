"""What a team's memory is like: its size, its growth, its use, and what it is worth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from neveridle.board import Board
from neveridle.board.memory_row import MemoryRow
from neveridle.memory.embedding import Embedder
from neveridle.memory.learning.consolidation import Consolidator
from neveridle.memory.learning.effect import Effect, effects_of
from neveridle.memory.learning.junk import boilerplate, junk
from neveridle.memory.learning.planning import KINDS

LIMIT: Final = 20_000
"""Live memories that are read, the newest."""
_PAGE: Final = 1_000
_SHOWN: Final = 10
_DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class MemoryReport:
    """What a team's memory is like. Shares are of the memories read, 0 to 1; 0 of none.

    Attributes:
        read: live memories looked at: all, or the newest 20,000.
        states: memories by state.
        layers: live memories by layer: working, short (of the last days), long.
        kinds: live memories by kind.
        learnt: memories of the last seven days, and of the seven before.
        agents: the agents with most live memories.
        shown: how many memories were ever shown to an attempt, and how often in all.
        never_shown: live lessons and notes that never were.
        quarantined: live lessons that are not proven.
        trusted: live memories that are.
        untrusted_origin: live memories in the words of a tool or a tracker.
        junk: live memories that say nothing, by why.
        junk_share: their share.
        duplicates: memories that a consolidation would merge into others.
        duplicates_share: their share.
        tries: tries of tasks from which the effects are taken.
        helpful: the memories with the best effect on success, those with few tries left out.
        harmful: those with which success is clearly rarer.
        unsure: how many were shown too rarely to say anything.
        consolidations: the latest.
    """

    read: int
    states: dict[str, int]
    layers: dict[str, int]
    kinds: dict[str, int]
    learnt: tuple[int, int]
    agents: list[tuple[str, int]]
    shown: tuple[int, int]
    never_shown: int
    quarantined: int
    trusted: int
    untrusted_origin: int
    junk: dict[str, int]
    junk_share: float
    duplicates: int
    duplicates_share: float
    tries: int
    helpful: list[Effect]
    harmful: list[Effect]
    unsure: int
    consolidations: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return asdict(self)


async def report_on(board: Board, embedder: Embedder, *, short_days: float) -> MemoryReport:
    """Look at a board's memory; nothing is changed.

    Args:
        board: the board.
        embedder: makes the vectors of memories that have none yet.
        short_days: how long a memory is short-term.
    """
    rows = await _rows(board)
    now = await board.clock.now()
    uses = await board.memories.uses.counts()
    tries = await board.memories.uses.ended()
    effects = effects_of(tries)
    sure = [one for one in effects if not one.few]
    worthless = _junk(rows)
    merges, _ = await Consolidator(board.memories, embedder).plan()
    merged = sum(len(merge.merged) for merge in merges)
    learnt = [row for row in rows if row.kind in KINDS]
    lessons = [row for row in rows if row.kind == "learning"]
    week = [row for row in rows if now - row.at < 7 * _DAY]
    return MemoryReport(
        read=len(rows),
        states=await board.memories.count(),
        layers=dict(Counter(_layer(row, now - short_days * _DAY) for row in rows)),
        kinds=dict(Counter(row.kind for row in rows)),
        learnt=(len(week), sum(7 * _DAY <= now - row.at < 14 * _DAY for row in rows)),
        agents=Counter(row.agent for row in rows).most_common(_SHOWN),
        shown=(len(uses), sum(uses.values())),
        never_shown=sum(row.id not in uses for row in learnt),
        quarantined=sum(not row.trusted for row in lessons),
        trusted=sum(row.trusted for row in rows),
        untrusted_origin=sum(row.origin in ("tool", "tracker") for row in rows),
        junk=dict(Counter(worthless.values())),
        junk_share=_share(len(worthless), len(rows)),
        duplicates=merged,
        duplicates_share=_share(merged, len(learnt)),
        tries=len(tries),
        helpful=[one for one in sure if one.difference > 0][:_SHOWN],
        harmful=[one for one in sure[::-1] if one.harmful][:_SHOWN],
        unsure=len(effects) - len(sure),
        consolidations=[asdict(one) for one in await board.memories.consolidations.latest(_SHOWN)],
    )


async def _rows(board: Board) -> list[MemoryRow]:
    rows: list[MemoryRow] = []
    while len(rows) < LIMIT:
        page = await board.memories.newest(_PAGE, before=rows[-1].id if rows else None)
        rows += page
        if len(page) < _PAGE:
            break
    return rows[:LIMIT]


def _layer(row: MemoryRow, since: float) -> str:
    if row.kind == "working":
        return "working"
    return "short" if row.at >= since else "long"


def _junk(rows: Sequence[MemoryRow]) -> dict[int, str]:
    """Why each worthless memory is; the turns of an episode may be short and repeat."""
    alone = [row for row in rows if row.kind in KINDS and row.episode is None]
    found = {row.id: why for row in alone if (why := junk(row.text))}
    for memory in boilerplate((row.id, row.text) for row in reversed(alone)):
        found.setdefault(memory, "repeated")
    return found


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
