"""Walking through the sections of a roadmap in order, and through the blocks of each."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from neveridle.graph.sources.roadmap.bullets import Context, Plain
from neveridle.graph.sources.roadmap.facts import Facts, checklist, names_of
from neveridle.graph.sources.roadmap.headings import status_of
from neveridle.graph.sources.roadmap.labels import ends_label, label_context, summary_context
from neveridle.graph.sources.roadmap.lists import read_list
from neveridle.graph.sources.roadmap.loose import read_code, read_lines, read_paragraphs
from neveridle.graph.sources.roadmap.outline import (
    Block,
    Code,
    Listing,
    Paragraph,
    Quote,
    Section,
    Table,
)
from neveridle.graph.sources.roadmap.references import identity, is_field
from neveridle.graph.sources.roadmap.scan import Found, Scan
from neveridle.graph.sources.roadmap.sections import is_form
from neveridle.graph.sources.roadmap.status import remark_of
from neveridle.graph.sources.roadmap.tables import read_table
from neveridle.graph.sources.roadmap.titles import title_of

if TYPE_CHECKING:
    from neveridle.graph.sources.roadmap.item import Status

_ISSUE = re.compile(r"(?<![\w/])#\d+\b|/(?:issues|pull)/\d+")


class Walk:
    """One pass over a file, with what it has found so far in ``scan``."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.scan = Scan(facts.legend, facts.headings)

    def run(self, units: set[Section]) -> None:
        """Read every section.

        Args:
            units: the headings that are items themselves.
        """
        status: dict[Section, Status | None] = {self.facts.root: None}
        forms: dict[Section, bool] = {}
        orders: dict[Section | None, int] = {}
        for section in self.facts.root.walk():
            named = section.level > 0 and section is not self.facts.title
            remark = status_of(section, self.scan.legend) if named else None
            role = self.facts.known[section]
            above = status[section.parent] if section.parent else None
            names = sorted(names_of(section, self.scan.legend)) if named else []
            told: Status | None = next(
                (self.scan.told[name] for name in names if name in self.scan.told), None
            )
            status[section] = (remark.mark.status if remark else role.status) or told or above
            forms[section] = (named and is_form(section.title)) or (
                section.parent is not None and forms[section.parent]
            )
            context = Context(
                section,
                self._plain(section),
                status[section],
                promise=role.promise,
                form=forms[section],
            )
            if section in units:
                if section.parent not in orders:
                    orders[section.parent] = self.scan.next_order()
                context = self._unit(section, context, orders[section.parent])
            elif named:
                context = self._card(section, context)
            read_paragraphs(section, context, self.scan)
            self.blocks(section.blocks, context)

    def _plain(self, section: Section) -> Plain:
        """Decide what a bullet without a checkbox is in this section."""
        boxed = checklist(section, self.scan.legend) > 0
        role = self.facts.known[section]
        match role.promise:
            case "criteria" | "legend":
                return "off"
            case "barren":
                return "box"
            case "state":
                return "mark"
            case "recap":
                return "mark" if self.scan.found else "item"
            case "work" | "group":
                return "mark" if boxed and not role.status else "item"
            case "neutral":
                if not boxed and _identified(section, title=section is self.facts.title):
                    return "item"
                context = boxed or self.facts.boxed or self.facts.grouped
                return "mark" if context or self._introduces(section) else "item"

    def _introduces(self, section: Section) -> bool:
        """Tell whether this is the text below the file's title, before sections with work."""
        return section is self.facts.title and any(
            self.facts.known[child].promise not in ("barren", "criteria", "legend", "state")
            for child in section.children
        )

    def _card(self, section: Section, context: Context) -> Context:
        """Hang what stands below a heading that repeats an item below that item."""
        item = self.scan.restated("", title_of(section.passage.text), recap=True)
        if item is None:
            return context
        plain: Plain = "mark" if context.plain == "item" else context.plain
        return replace(context, parent=item, plain=plain, below=True)

    def _unit(self, section: Section, context: Context, order: int) -> Context:
        """Record a heading as an item, and give the context of what stands below it."""
        remark = status_of(section, self.scan.legend)
        title = title_of(section.passage.text, remark.cut if remark else (0, 0))
        earlier = self.scan.restated(title, title, recap=True)
        if earlier and (earlier.form != "heading" or identity(title)):
            if remark and earlier.mark is None:
                earlier.inherited = remark.mark.status
            return replace(context, parent=earlier, plain="mark", below=True)
        above = section.parent if section.parent and section.parent.level else None
        item = self.scan.add(
            "heading",
            section.passage,
            section=above,
            parent=None,
            order=order,
            remark=remark,
            inherited=context.status,
            title=title,
        )
        if item is None:
            return context
        fields = self._learn(item, section)
        # A topic ("## Caching ✅") lists its features below it; a piece of work further down,
        # or one with an identity or fields, lists its details.
        topic = not fields and not identity(item.title)
        topic = topic and (section.level <= 2 or self._lists_features(section))
        return replace(context, parent=item, status=item.status, plain="item" if topic else "lead")

    def _lists_features(self, section: Section) -> bool:
        """Tell whether short phrases, not sentences, stand below headings that bear emoji."""
        siblings = section.parent.children if section.parent else []
        remarks = [remark_of(s.passage, self.scan.legend, heading=True) for s in siblings]
        if not any(remark and remark.mark.kind == "sign" for remark in remarks):
            return False
        own = [e for b in section.blocks if isinstance(b, Listing) for e in b.entries]
        return sum(len(e.passage.text.split()) for e in own) <= 6 * len(own)

    def _learn(self, item: Found, section: Section) -> bool:
        """Take in the fields below a heading; tell whether some stand in its lists."""
        listed = False
        for block in section.blocks:
            if isinstance(block, Paragraph):
                item.learn(block.passage, self.scan.legend)
            elif isinstance(block, Listing):
                for entry in block.entries:
                    if is_field(entry.passage, below_item=True):
                        listed = True
                        item.learn(entry.passage, self.scan.legend)
        return listed

    def blocks(self, blocks: list[Block], context: Context) -> None:
        """Read the blocks of a section or list entry."""
        label: Context | None = None
        used = False
        for block, after in zip(blocks, [*blocks[1:], None], strict=True) if blocks else ():
            here = label or context
            if isinstance(block, Paragraph):
                found = label_context(
                    block.passage,
                    context,
                    self.scan.legend,
                    follows=isinstance(after, Listing | Table | Code),
                )
                if found or used or ends_label(block.passage):
                    label, used = found, False
                if not context.below and id(block) not in self.facts.explained:
                    read_lines(block.passage, here, self.scan)
                continue
            if id(block) in self.facts.explained:
                continue
            used = True
            match block:
                case Listing():
                    read_list(block, here, self.scan, self.blocks)
                case Table():
                    read_table(block, here, self.scan)
                case Quote():
                    plain: Plain = "off" if here.plain == "off" else "box"
                    self.blocks(block.blocks, replace(here, plain=plain))
                case Code():
                    folded = summary_context(block.lines, context)
                    if folded:
                        label, used = folded, False
                    if not (block.fenced and here.form):
                        read_code(block, here, self.scan)


def _identified(section: Section, *, title: bool) -> bool:
    """Tell whether a section's lists look like work wherever they stand.

    Most entries carry an identity ("TASK-7: …") or an issue number; below the file's title it
    is enough that they are numbered or have a bold lead.
    """
    lists = [block for block in section.blocks if isinstance(block, Listing)]
    own = [entry.passage.text for block in lists for entry in block.entries]
    if title and lists and all(block.ordered for block in lists):
        return True
    named = sum(
        1
        for text in own
        if _ISSUE.search(text)
        or identity(title_of(text))
        or (title and text.startswith("**") and not text.startswith("**["))
    )
    return named * 2 > len(own)
