"""Keys that name an item across edits."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from neveridle.graph.sources.roadmap.legend import Legend
from neveridle.graph.sources.roadmap.status import remark_of
from neveridle.graph.sources.roadmap.text import fold
from neveridle.graph.sources.roadmap.titles import title_of

if TYPE_CHECKING:
    from neveridle.graph.sources.roadmap.outline import Section
    from neveridle.graph.sources.roadmap.scan import Found

_USUAL = Legend()  # only where a mark stands matters here, not what it means


def keys_of(found: list[Found]) -> list[str]:
    """Give each item's key: 12 hex digits from its section path and title.

    Items with the same path and title are told apart by their order in the file.
    """
    seen: Counter[str] = Counter()
    keys: list[str] = []
    for item in found:
        name = "\n".join([*_path(item.section), fold(item.title) or item.title])
        ordinal = seen[name]
        seen[name] += 1
        keys.append(
            hashlib.sha256(f"{name}\n{ordinal}".encode("utf-8", "replace")).hexdigest()[:12]
        )
    return keys


def _path(section: Section | None) -> list[str]:
    names: list[str] = []
    while section is not None and section.level:
        remark = remark_of(section.passage, _USUAL, heading=True)
        title = title_of(section.passage.text, remark.cut if remark else (0, 0))
        names.append(fold(title) or section.title)
        section = section.parent
    return names[::-1]
