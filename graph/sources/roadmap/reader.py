"""Reading a roadmap: outline, legend, headings, then every section in order."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from neveridle.graph.sources.roadmap.dependencies import resolve
from neveridle.graph.sources.roadmap.headings import (
    prose_headings,
    roles,
    status_of,
    title_section,
    unit_headings,
)
from neveridle.graph.sources.roadmap.item import RoadmapItem
from neveridle.graph.sources.roadmap.keys import keys_of
from neveridle.graph.sources.roadmap.legend import Legend
from neveridle.graph.sources.roadmap.bullets import Context, Plain, plain_for
from neveridle.graph.sources.roadmap.lists import read_list
from neveridle.graph.sources.roadmap.outline import (
    Code,
    Entry,
    Listing,
    Paragraph,
    Quote,
    Section,
    Table,
    outline,
)
from neveridle.graph.sources.roadmap.references import identity, is_field
from neveridle.graph.sources.roadmap.scan import Scan, essence
from neveridle.graph.sources.roadmap.sections import Role, role_of
from neveridle.graph.sources.roadmap.status import box_of, remark_of
from neveridle.graph.sources.roadmap.tables import read_table
from neveridle.graph.sources.roadmap.text import Passage, fold, plain
from neveridle.graph.sources.roadmap.titles import title_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from neveridle.graph.sources.roadmap.item import Status
    from neveridle.graph.sources.roadmap.outline import Block
    from neveridle.graph.sources.roadmap.scan import Found

_LABEL = re.compile(
    r"^(?:(?P<bold>(?:\*\*|__|[*_])(?P<lead>[^*_\n]{2,80})(?:\*\*|__|[*_])(?:\s*\([^()\n]*\))?)\s*(?P<rest>:?[^\n]*)"
    r"|(?P<short>[^\n]{2,80}):)$"
)
_FIELD_LINE = re.compile(r"^\s*(?:\*\*|__)[^*_\n]{2,60}(?:\*\*|__)\s*:?|^[A-Z][\w ]{2,30}: \S")
_CODE_BOX = re.compile(r"^(?P<indent>[\s>]*)(?:[-*+]|\d+[.)])\s+(?=\[[^\[\]\w]\]\s|\[[xX]\]\s)")
_SUMMARY = re.compile(r"<summary>(.*?)</summary>", re.IGNORECASE | re.DOTALL)


def read_roadmap(text: str) -> list[RoadmapItem]:
    """Find the units of work in a roadmap, in the order of their lines.

    Never raises; a text without recognisable work gives an empty list.
    """
    found = scan(text).found
    needs = resolve(found)
    keys = keys_of(found)
    parents = {item.parent.line for item in found if item.parent}
    return [
        RoadmapItem(
            line=item.line,
            title=item.title,
            status=item.status,
            section=item.section.title or None if item.section and item.section.level else None,
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
    root = outline(text)
    known = roles(root)
    legend, explained = _legend(root, known)
    state = _Reading(root, known, legend, explained)
    state.run(unit_headings(root, known, legend))
    if not state.scan.found:
        state = _Reading(root, known, legend, explained)
        state.run(prose_headings(root, known, legend))
    found = state.scan.found
    found.sort(key=lambda item: item.line)
    unique: dict[int, Found] = {}
    for item in found:
        unique.setdefault(item.line, item)
    state.scan.found = list(unique.values())
    return state.scan


def _legend(root: Section, known: dict[Section, Role]) -> tuple[Legend, set[int]]:
    """Collect the file's own key, and which blocks are part of it."""
    legend, explained = Legend(), set[int]()
    for section in root.walk():
        trusted = known[section].promise == "legend"
        for block in section.blocks:
            text = ""
            if isinstance(block, Paragraph):
                text = block.passage.text
                trusted = trusted or bool(
                    re.match(r"\W*(?:legend|key|status keys?|symbols)\b", text, re.I)
                )
            elif isinstance(block, Listing):
                text = "\n".join(e.passage.text for e in block.entries)
            elif isinstance(block, Quote):
                text = "\n".join(b.passage.text for b in block.blocks if isinstance(b, Paragraph))
            elif isinstance(block, Table) and len(block.header) == 2:
                text = "\n".join(" ".join(c.text for c in row) for _, row in block.rows)
                trusted_row = bool(
                    re.search(
                        r"meaning|description|definition|legend", plain(block.header[1]).casefold()
                    )
                )
                if legend.learn(text, trusted=trusted or trusted_row):
                    explained.add(id(block))
                continue
            if text and legend.learn(text, trusted=trusted):
                explained.add(id(block))
    return legend, explained


class _Reading:
    """One pass over the outline."""

    def __init__(
        self, root: Section, known: dict[Section, Role], legend: Legend, explained: set[int]
    ) -> None:
        self.root, self.known, self.explained = root, known, explained
        self.title = title_section(root)
        headings: dict[str, list[Section]] = {}
        boxes = 0
        for section in root.walk():
            if section.level and section is not self.title:
                for name in {
                    fold(title_of(section.passage.text)),
                    essence(title_of(section.passage.text)),
                    fold(identity(title_of(section.passage.text)) or ""),
                }:
                    if name:
                        headings.setdefault(name, []).append(section)
            boxes += sum(1 for e in _entries(section.blocks) if box_of(e.passage, legend))
        # Where phases or horizons hold lists, a heading that promises nothing is context.
        self.grouped = (
            sum(
                1
                for s in root.walk()
                if known[s].promise in ("work", "group")
                and any(isinstance(b, Listing) for b in s.blocks)
            )
            >= 2
        )
        self.scan = Scan(legend, headings, boxes >= 3)

    def run(self, units: set[Section]) -> None:
        """Read every section, the file's order throughout."""
        orders: dict[int, int] = {}
        status: dict[Section, Status | None] = {self.root: None}
        for section in self.root.walk():
            role = self.known[section]
            above = status[section.parent] if section.parent else None
            remark = (
                status_of(section, self.scan.legend)
                if section.level and section is not self.title
                else None
            )
            status[section] = remark.mark.status if remark else role.status or above
            context = Context(
                section, self._plain(section, role), status[section], promise=role.promise
            )
            if section in units:
                context = self._unit(section, context, orders)
            elif section.level and section is not self.title:
                card = self.scan.restated("", title_of(section.passage.text))
                if card:
                    context = replace(
                        context,
                        parent=card,
                        plain="mark" if context.plain == "item" else context.plain,
                        below=True,
                    )
            self.blocks(section.blocks, context)

    def _unit(self, section: Section, context: Context, orders: dict[int, int]) -> Context:
        remark = status_of(section, self.scan.legend)
        title = title_of(section.passage.text, remark.cut if remark else (0, 0))
        earlier = self.scan.restated(title, title)
        if earlier and earlier.section is not section.parent:
            if remark and earlier.mark is None:
                earlier.inherited = remark.mark.status
            return replace(context, parent=earlier, plain="mark", below=True)
        order = orders.setdefault(id(section.parent), 0) or self.scan.next_order()
        orders[id(section.parent)] = order
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
        for block in section.blocks:
            if isinstance(block, Paragraph):
                item.learn(block.passage, self.scan.legend)
            elif isinstance(block, Listing):
                for entry in block.entries:
                    if is_field(entry.passage, below_item=True):
                        item.learn(entry.passage, self.scan.legend)
        fields = any(
            is_field(e.passage, below_item=True)
            for b in section.blocks
            if isinstance(b, Listing)
            for e in b.entries
        )
        big = section.level <= 2 and remark is not None and not fields and not identity(item.title)
        return replace(context, parent=item, status=item.status, plain="item" if big else "lead")

    def _plain(self, section: Section, role: Role) -> Plain:
        boxed_here = any(box_of(e.passage, self.scan.legend) for e in _entries(section.blocks))
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
                return "mark" if boxed_here and not role.status else "item"
            case "neutral":
                intro = section is self.title and any(
                    self.known[child].promise not in ("barren", "criteria", "legend", "state")
                    for child in section.children
                )
                return "mark" if boxed_here or self.scan.boxed or self.grouped or intro else "item"

    def blocks(self, blocks: list[Block], context: Context) -> None:
        """Read the blocks of a section or list entry."""
        label: Context | None = None
        used = False
        for index, block in enumerate(blocks):
            here = label or context
            if isinstance(block, Paragraph):
                follows = index + 1 < len(blocks) and isinstance(
                    blocks[index + 1], Listing | Table | Code
                )
                found = self._label(block, context, follows=follows)
                if found:
                    label, used = found, False
                elif used or _FIELD_LINE.match(block.passage.text.rsplit("\n", 1)[-1]):
                    label = None
                if context.parent is None or not context.below:
                    self._lines(block, here, blocks)
            elif id(block) in self.explained:
                continue
            elif isinstance(block, Listing):
                used = True
                read_list(block, here, self.scan, self.blocks)
            elif isinstance(block, Table):
                used = True
                read_table(block, here, self.scan)
            elif isinstance(block, Quote):
                self.blocks(
                    block.blocks, replace(here, plain="off" if here.plain == "off" else "box")
                )
            else:
                summary = _SUMMARY.search("\n".join(block.lines))
                if summary:
                    role = role_of(summary[1])
                    label = replace(
                        context,
                        plain=plain_for(role.promise, context.plain),
                        status=role.status or context.status,
                    )
                self._code(block, here)

    def _label(self, block: Paragraph, context: Context, *, follows: bool) -> Context | None:
        """Give the context of what follows a paragraph that is a label ("Deliverables:")."""
        last = block.passage.text.rsplit("\n", 1)[-1].strip()
        match = _LABEL.match(last)
        if not match:
            return None
        name = match["lead"] or match["short"]
        rest = (match["rest"] or "").strip(" :")
        if match["short"] and len(name.split()) > 7:
            return None
        if rest and not (follows and last.endswith(":")):
            return None  # "**Goal:** …" says something itself; it heads nothing
        role = role_of(name)
        start = len(block.passage.text) - len(block.passage.text.rsplit("\n", 1)[-1])
        line, column = block.passage.locate(start)
        remark = remark_of(Passage(last, ((line, column),)), self.scan.legend)
        status = remark.mark.status if remark else role.status
        if context.plain == "off" or (
            context.plain == "box" and role.promise not in ("criteria", "legend")
        ):
            return context
        if role.promise in ("neutral", "recap"):
            return replace(context, status=status or context.status)
        usual = plain_for(role.promise, context.plain)
        if usual == "item" and (context.below or context.plain == "lead") and role.status is None:
            usual = context.plain
        return replace(context, plain=usual, status=status or context.status, promise=role.promise)

    def _lines(self, block: Paragraph, context: Context, blocks: Iterable[Block]) -> None:
        """Read paragraphs whose every line begins with a sign or box, written without bullets."""
        if context.plain in ("off", "box") or id(block) in self.explained:
            return
        lines = [
            Passage(text, (origin,))
            for text, origin in zip(
                block.passage.text.split("\n"), block.passage.origins, strict=True
            )
        ]
        remarks = [box_of(p, self.scan.legend) or remark_of(p, self.scan.legend) for p in lines]
        if len(lines) < 2 or not all(
            r and r.cut[0] <= 2 and r.mark.kind in ("sign", "box") for r in remarks
        ):
            return
        order = self.scan.next_order()
        for passage, remark in zip(lines, remarks, strict=True):
            self.scan.add(
                "line",
                passage,
                section=context.section,
                parent=context.parent,
                order=order,
                remark=remark,
                inherited=context.status,
            )

    def _code(self, block: Code, context: Context) -> None:
        """Read checkbox lines inside code; nesting by indentation."""
        if context.plain == "off" or block.comment:
            return
        order, stack = self.scan.next_order(), list[tuple[int, "Found"]]()
        for offset, line in enumerate(block.lines):
            match = _CODE_BOX.match(line)
            if not match:
                continue
            depth = len(match["indent"].expandtabs(4))
            passage = Passage(line[match.end() :].rstrip(), ((block.start + offset, match.end()),))
            while stack and stack[-1][0] >= depth:
                stack.pop()
            parent = stack[-1][1] if stack else context.parent
            item = self.scan.add(
                "box",
                passage,
                section=context.section,
                parent=parent,
                order=order,
                remark=box_of(passage, self.scan.legend),
                inherited=context.status,
            )
            if item:
                stack.append((depth, item))


def _entries(blocks: Iterable[Block]) -> Iterator[Entry]:
    for block in blocks:
        if isinstance(block, Listing):
            for entry in block.entries:
                yield entry
                yield from _entries(entry.blocks)
