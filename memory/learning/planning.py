"""Which memories stand for which others: pure, and the same again where nothing is new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from neveridle.board.memory_row import MemoryRow
from neveridle.memory.learning.twins import SAME_COSINE, core, says_the_same
from neveridle.memory.learning.wording import Wording, wording

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KINDS: Final = ("learning", "note")
"""What is consolidated: neither the turns of an episode nor working memory."""
MAX_TAGS: Final = 20
_BLOCK: Final = 512


@dataclass(frozen=True, slots=True)
class Merge:
    """A memory that stands for others from now on.

    Attributes:
        survivor: as it will be: with the strength, the tags and the importance of all.
        before: as it is.
        merged: those it stands for, as they are.
    """

    survivor: MemoryRow
    before: MemoryRow
    merged: tuple[MemoryRow, ...]


def plan_merges(rows: Sequence[MemoryRow], vectors: NDArray[np.float32]) -> list[Merge]:
    """Merges after which no two memories left say the same.

    In the order of what they hold, each row is merged into the closest row before it that
    says the same and holds every identifier and every negation it has; a row that there is
    none for stays. Rows are only compared with rows that stay, so nothing drifts along a
    chain of small differences; and since the order and the judgement hang on the texts alone
    (strength only counts among texts that hold the same), planning again finds nothing more.

    Trusted and unproven rows, rows that others see, and rows of other origin are never
    merged with one another, nor private ones of two agents.

    Args:
        rows: live rows; those of other kinds, and parts of episodes, are left alone.
        vectors: of shape (rows, dimensions), each of length 1.
    """
    import numpy as np

    places = [
        n for n, row in enumerate(rows)
        if row.kind in KINDS and row.state == "live" and row.episode is None
    ]  # fmt: skip
    whole = {n: wording(rows[n].text) for n in places}
    places.sort(key=lambda n: _first(rows[n], whole[n]))
    ordered = np.asarray(vectors, dtype=np.float32)[places]
    leaders: dict[int, list[int]] = {}  # place in the order: places merged into it
    alike: dict[tuple[Any, Wording], list[int]] = {}
    for start in range(0, len(places), _BLOCK):
        near = ordered[start : start + _BLOCK] @ ordered[: start + _BLOCK].T
        for offset, cosines in enumerate(near):
            mine = start + offset
            row = rows[places[mine]]
            close = np.flatnonzero(cosines[:mine] >= SAME_COSINE - 0.001).tolist()
            key = (group_of(row), wording(core(row.text)))
            found = sorted({*(n for n in close if n in leaders), *alike.get(key, ())})
            # Not from the product above: its last digits hang on how many rows there are.
            fits = [
                (float(np.dot(ordered[n], ordered[mine])), -n)
                for n in found
                if _stands_for(
                    rows[places[n]], row, whole[places[n]], whole[places[mine]],
                    float(np.dot(ordered[n], ordered[mine])),
                )
            ]  # fmt: skip
            if fits:
                leaders[-max(fits)[1]].append(mine)
            else:
                leaders[mine] = []
                alike.setdefault(key, []).append(mine)
    return [
        _merge(rows[places[leader]], [rows[places[n]] for n in merged])
        for leader, merged in leaders.items()
        if merged
    ]


def group_of(row: MemoryRow) -> tuple[Any, ...]:
    """Rows of different groups are never merged."""
    private = row.agent if row.visibility == "private" else ""
    return (row.kind, row.visibility, private, row.trusted, row.origin)


def _first(row: MemoryRow, said: Wording) -> tuple[Any, ...]:
    """Sorts what holds most first, then what was learnt most often, then the oldest."""
    holds = len(said.identifiers) + len(said.turns)
    return (-holds, -row.strength, -row.importance, row.id)


def _stands_for(
    leader: MemoryRow, row: MemoryRow, held: Wording, said: Wording, cosine: float
) -> bool:
    return (
        group_of(leader) == group_of(row)
        and set(said.identifiers) <= set(held.identifiers)
        and Counter(said.turns) <= Counter(held.turns)
        and says_the_same(core(leader.text), core(row.text), cosine)
    )


def _merge(row: MemoryRow, merged: Sequence[MemoryRow]) -> Merge:
    everybody = (row, *merged)
    tags = dict.fromkeys(tag for one in everybody for tag in one.tags)
    after = replace(
        row,
        strength=sum(one.strength for one in everybody),
        importance=max(one.importance for one in everybody),
        tags=tuple(tags)[: max(MAX_TAGS, len(row.tags))],
    )
    return Merge(after, row, tuple(merged))
