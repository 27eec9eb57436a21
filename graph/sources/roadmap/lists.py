"""Reading lists: every entry in turn, and what hangs below it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from neveridle.graph.sources.roadmap.bullets import Context, category, is_item
from neveridle.graph.sources.roadmap.outline import Block, Entry, Listing, Paragraph
from neveridle.graph.sources.roadmap.references import identity, is_field
from neveridle.graph.sources.roadmap.scan import Found, Scan
from neveridle.graph.sources.roadmap.status import Remark, box_of, crossed_out, remark_of
from neveridle.graph.sources.roadmap.text import Passage, fold
from neveridle.graph.sources.roadmap.titles import title_of

Descend = Callable[[list[Block], Context], None]
"""Reads the blocks below an entry; handed in, since they may hold anything a section may."""


def read_list(listing: Listing, context: Context, scan: Scan, descend: Descend) -> None:
    """Record the items of a list and of what hangs below its entries."""
    order = scan.next_order()
    boxes = sum(1 for entry in listing.entries if box_of(entry.passage, scan.legend))
    if boxes * 2 > len(listing.entries) and context.plain in ("item", "lead"):
        context = replace(context, plain="mark")  # a checklist: the rest are remarks on it
    for entry in listing.entries:
        _read_entry(entry, context, order, scan, descend, boxed=boxes > 0)


def _read_entry(
    entry: Entry, context: Context, order: int, scan: Scan, descend: Descend, *, boxed: bool
) -> None:
    passage = entry.passage
    if context.plain == "off" or not passage.text:
        descend(entry.blocks, context)
        return
    box = box_of(passage, scan.legend)
    remark = box or remark_of(passage, scan.legend)
    item = None
    if box:
        item = _same(passage, scan) or scan.add(
            "box",
            passage,
            section=context.section,
            parent=context.parent,
            order=order,
            remark=_given_up(passage, box, scan),
            inherited=context.status,
            named_loosely=context.takes_loose_names(box),
        )
    elif below := category(entry, context, remark, scan):
        descend(entry.blocks, below)
        return
    elif is_item(entry, context, remark, scan) or (boxed and crossed_out(remark)):
        item = scan.add(
            "entry",
            passage,
            section=context.section,
            parent=context.parent,
            order=order,
            remark=remark,
            inherited=context.status,
            named_loosely=context.takes_loose_names(remark),
        )
    if item is None:
        plain = "mark" if context.plain == "item" else context.plain
        descend(entry.blocks, replace(context, plain=plain))
        return
    for detail in _details(entry):
        item.learn(detail, scan.legend)
    descend(
        entry.blocks, replace(context, plain="mark", parent=item, status=item.status, below=True)
    )


def _given_up(passage: Passage, box: Remark, scan: Scan) -> Remark:
    """Read an unticked box before struck text as dropped.

    Struck text alone is finished work; here the box says that it was not finished.
    """
    if box.mark.raw != "[ ]":
        return box
    rest = passage.text[box.cut[1] :].lstrip()
    told = remark_of(Passage(rest, ((0, 0),) * (rest.count("\n") + 1)), scan.legend)
    if told and told.mark.kind == "strike" and told.mark.status == "done":
        return replace(box, mark=replace(box.mark, status="dropped"))
    return box


def _same(passage: Passage, scan: Scan) -> Found | None:
    """Give the item that a checkbox line repeats under the same full identity and title."""
    title = title_of(passage.text)
    name = identity(title)
    earlier = scan.by_name.get(name) if name and "-" in name else None
    return earlier if earlier and fold(earlier.title) == fold(title) else None


def _details(entry: Entry) -> list[Passage]:
    """Give the texts below an entry that may hold its fields."""
    found: list[Passage] = []
    for block in entry.blocks:
        if isinstance(block, Paragraph):
            found.append(block.passage)
        elif isinstance(block, Listing):
            found.extend(e.passage for e in block.entries if is_field(e.passage, below_item=True))
    return found
