"""Reading a roadmap into items."""

from __future__ import annotations

from neveridle.graph.sources.roadmap.dependencies import resolve
from neveridle.graph.sources.roadmap.facts import facts_of
from neveridle.graph.sources.roadmap.headings import prose_headings, unit_headings
from neveridle.graph.sources.roadmap.item import RoadmapItem
from neveridle.graph.sources.roadmap.keys import keys_of
from neveridle.graph.sources.roadmap.outline import outline
from neveridle.graph.sources.roadmap.scan import Found, Scan
from neveridle.graph.sources.roadmap.walk import Walk


def read_roadmap(text: str) -> list[RoadmapItem]:
    """Find the units of work in a roadmap, in the order of their lines.

    Never raises; a text without recognisable work gives an empty list. At most one item
    stands on a line.
    """
    found = scan(text).found
    needs, keys = resolve(found), keys_of(found)
    parents = {item.parent.line for item in found if item.parent}
    return [
        RoadmapItem(
            line=item.line,
            title=item.title,
            status=item.status,
            section=item.section.title or None if item.section else None,
            parent_line=item.parent.line if item.parent else None,
            owner=item.owner,
            area=item.area,
            depends_on=needs[index],
            key=keys[index],
            leaf=item.line not in parents,
        )
        for index, item in enumerate(found)
    ]


def scan(text: str) -> Scan:
    """Read a roadmap into items that still know their marks, for the writer."""
    facts = facts_of(outline(text), text)
    walk = Walk(facts)
    walk.run(unit_headings(facts.root, facts.known, facts.legend))
    if not walk.scan.found:  # nothing but headings and prose: the headings are the items
        walk = Walk(facts)
        walk.run(prose_headings(facts.root, facts.known, facts.legend))
    unique: dict[int, Found] = {}
    for item in sorted(walk.scan.found, key=lambda item: item.line):
        unique.setdefault(item.line, item)
    walk.scan.found = list(unique.values())
    return walk.scan
