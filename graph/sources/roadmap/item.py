"""One piece of work on a roadmap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["todo", "in_progress", "done", "dropped"]


@dataclass(frozen=True, slots=True)
class RoadmapItem:
    """A unit of work that a roadmap names.

    Attributes:
        line: 1-based line on which the item's own text begins.
        title: the item's text without markup, ordinal, status mark or date.
        status: the item's own mark, else that of its parent or section, else ``todo``.
        section: text of the nearest heading above; ``None`` without one.
        parent_line: line of the item this one is a part of.
        owner: who does it, as written, without ``@``.
        area: label, component or team, where stated.
        depends_on: lines of the items that the file says must come first, in the order stated.
        key: names the item across edits elsewhere in the file and across changes of
            its own status; unique within one file.
        leaf: whether no other item has this one as its parent.
    """

    line: int
    title: str
    status: Status
    section: str | None
    parent_line: int | None
    owner: str | None
    area: str | None
    depends_on: tuple[int, ...]
    key: str
    leaf: bool
