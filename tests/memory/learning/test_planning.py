"""The plan of a consolidation, given rows and vectors: what may stand for what."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from neveridle.board.memory_row import MemoryRow
from neveridle.memory.learning.planning import plan_merges

TEXT = "Escape the text in pages."


def row(number: int, text: str = TEXT, **more: Any) -> MemoryRow:
    """A lesson of sam's."""
    said: dict[str, Any] = {"agent": "sam", "kind": "learning", "tags": (), "source": "",
                            "importance": 0.5, "at": 0.0, "trusted": False,
                            "visibility": "team", **more}  # fmt: skip
    return MemoryRow(id=number, text=text, **said)


def planned(rows: Sequence[MemoryRow], degrees: Sequence[float] = ()) -> list[list[int]]:
    """Survivor and merged of each merge; the vectors stand at these angles."""
    angles = np.radians(list(degrees) or [0.0] * len(rows))
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return [[m.survivor.id, *(one.id for one in m.merged)] for m in plan_merges(rows, vectors)]


@pytest.mark.parametrize(
    "other",
    [
        {"trusted": True},
        {"visibility": "public"},
        {"visibility": "private"},
        {"origin": "tool"},
        {"kind": "note"},
        {"state": "retired"},
        {"episode": 1, "position": 0},
        {"text": f"{TEXT}\nContext: seen in pages.py"},
        {"text": f"{TEXT}\nContext: it was not done"},
    ],
)
def test_what_differs_in_more_than_words_is_not_merged_into_what_holds_less(
    other: dict[str, Any],
) -> None:
    assert planned([row(1), row(2)]) == [[1, 2]]
    found = planned([row(1), row(2, **other)])
    # What holds more may stand for what holds less, never the reverse.
    assert found == ([[2, 1]] if "text" in other else [])


def test_what_names_another_file_stays_even_beside_what_names_more() -> None:
    rows = [row(1, f"{TEXT}\nContext: in b.py and c.py"), row(2, f"{TEXT}\nContext: in a.py")]
    assert planned(rows) == []
    assert planned([*rows, row(3, f"{TEXT}\nContext: in c.py")]) == [[1, 3]]


def test_private_memories_of_two_agents_are_not_merged() -> None:
    rows = [row(1, visibility="private"), row(2, visibility="private", agent="leo")]
    assert planned(rows) == []
    assert planned([rows[0], row(2, visibility="private")]) == [[1, 2]]
    assert planned([row(1), row(2, agent="leo")]) == [[1, 2]]


def test_nothing_drifts_along_a_chain_of_small_differences() -> None:
    step = math.degrees(math.acos(0.9))
    alike = ["alpha beta gamma delta", "alpha beta gamma delta eta", "beta gamma delta eta alpha"]
    rows = [row(n, text, strength=4 - n) for n, text in enumerate(alike, start=1)]

    # The second is close to both, the first and the third are far from each other.
    assert planned(rows, [0, step, 2 * step]) == [[1, 2]]


def test_the_closest_that_stays_stands_for_it_and_carries_what_all_of_them_gained() -> None:
    rows = [
        row(1, "alpha beta gamma delta", strength=3, tags=("a",)),
        row(2, "alpha beta gamma delta eta", strength=2, tags=("b",), importance=0.9),
        row(3, "alpha beta gamma delta eta theta", tags=("c", "b")),
    ]
    far = math.degrees(math.acos(0.5))
    near = math.degrees(math.acos(0.95))
    vectors = np.radians([0.0, far, far + near])
    made = plan_merges(rows, np.stack([np.cos(vectors), np.sin(vectors)], 1).astype(np.float32))

    ((survivor, merged),) = [(one.survivor, one.merged) for one in made]
    assert (survivor.id, [one.id for one in merged]) == (2, [3])
    assert (survivor.strength, survivor.tags, survivor.importance) == (3, ("b", "c"), 0.9)


def test_thousands_are_planned_block_by_block_as_if_at_once() -> None:
    rows = [row(n, f"Lesson number {n % 700} of the team.") for n in range(1, 1_401)]

    found = planned(rows)

    assert len(found) == 700
    assert all(len(one) == 2 and (one[0] - one[1]) % 700 == 0 for one in found)
