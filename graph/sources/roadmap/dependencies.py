"""Resolving "depends on …" to the lines of items."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from neveridle.graph.sources.roadmap.references import identities_in
from neveridle.graph.sources.roadmap.scan import essence
from neveridle.graph.sources.roadmap.text import fold

if TYPE_CHECKING:
    from neveridle.graph.sources.roadmap.scan import Found

_NOTHING = re.compile(r"^\W*(?:nothing|none|no|n/?a|-|—|\u2013)\b|^\W*$", re.IGNORECASE)
_ALL = re.compile(
    r"\ball\b.*?\b(?P<group>(?:phase|tier|milestone|wave"
    r"|stage)\s+(?P<first>\d*[a-z]?)(?:\s?[-\u2013]\s?(?P<last>\d*[a-z]?))?)(?!\w)",
    re.I,
)
_NAMES = re.compile(r"[,;&+]|\band\b")


def resolve(found: list[Found]) -> list[tuple[int, ...]]:
    """Give for each item the lines of those it depends on, in the order stated."""
    by_name: dict[str, Found] = {}
    for item in found:
        for name in item.names:
            by_name.setdefault(name, item)
            tail = name.split("-", 1)
            if len(tail) == 2 and any(c.isdigit() for c in tail[1]):
                by_name.setdefault(tail[1], item)
    titles = {essence(item.title): item for item in reversed(found)}
    return [
        tuple(
            dict.fromkeys(
                other.line
                for text in item.needs
                for other in _targets(text, item, found, by_name, titles)
                if other.line != item.line
            )
        )
        for item in found
    ]


def _targets(
    text: str, item: Found, found: list[Found], by_name: dict[str, Found], titles: dict[str, Found]
) -> list[Found]:
    if _NOTHING.match(text):
        return []
    every = _ALL.search(text)
    if every:
        return [
            other
            for other in found
            if other is not item and other.parent is None and _within(other, every)
        ]
    targets = [by_name[name] for name in identities_in(text) if name in by_name]
    if not targets:
        for part in _NAMES.split(re.sub(r"\([^()]*\)", "", text)):
            words = fold(part)
            other = by_name.get(words) or titles.get(essence(part)) or titles.get(words)
            if other is None and len(words) >= 8:
                other = next(
                    (
                        o
                        for name, o in titles.items()
                        if name.startswith(words) or (words.startswith(name) and len(name) >= 8)
                    ),
                    None,
                )
            if other is not None:
                targets.append(other)
    return targets


def _within(item: Found, every: re.Match[str]) -> bool:
    """Tell whether an item stands in one of the sections that "all Phase 2A-2D" names."""
    section = item.section
    first, last = every["first"].casefold(), (every["last"] or every["first"]).casefold()
    kind = every["group"].split()[0].casefold()
    while section is not None and section.level:
        match = re.match(rf"\W*{kind}\s+(\d*[a-z]?)\b", section.title, re.IGNORECASE)
        if match and first <= match[1].casefold() <= last and len(match[1]) == len(first):
            return True
        section = section.parent
    return False
