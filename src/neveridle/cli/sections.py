"""A section of a screen, and how several of them share its height."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neveridle.cli.cells import Line


@dataclass(slots=True)
class Section:
    """Lines that belong together.

    Attributes:
        head: lines that stand above the rows, such as a title; without them there are none.
        rows: the rows.
        least: rows that are kept for as long as the section is shown at all.
        rank: the higher, the sooner it is left out where there is no room.
    """

    head: list[Line]
    rows: list[Line] = field(default_factory=list[Line])
    least: int = 1
    rank: int = 0

    @property
    def height(self) -> int:
        """How many lines it takes."""
        return len(self.head) + len(self.rows)


def stacked(sections: Sequence[Section]) -> list[Line]:
    """All of them, with an empty line between each two."""
    lines: list[Line] = []
    for section in sections:
        if section.height:
            lines += [[]] if lines else []
            lines += [*section.head, *section.rows]
    return lines


def fitted(sections: Sequence[Section], height: int) -> list[Line]:
    """The same in so many lines at most: rows give way, the longest list first.

    Args:
        sections: as ``stacked`` takes them.
        height: lines there are.
    """
    kept = [
        Section(one.head, list(one.rows), one.least, one.rank) for one in sections if one.height
    ]
    whole = {id(one): len(one.rows) for one in kept}

    def total() -> int:
        return sum(one.height for one in kept) + max(0, len(kept) - 1)

    while kept and total() > height:
        spare = [one for one in kept if len(one.rows) > one.least]
        if spare:
            longest = max(spare, key=lambda one: (len(one.rows) - one.least, one.rank))
            longest.rows.pop()
        elif len(kept) > 1:
            kept.remove(max(kept, key=lambda one: one.rank))
        else:
            break
    for one in kept:
        hidden = whole[id(one)] - len(one.rows)
        if hidden and len(one.rows) > 1:
            one.rows[-1] = [(f"… {hidden + 1} more", "dim")]
    return stacked(kept)[: max(0, height)]
