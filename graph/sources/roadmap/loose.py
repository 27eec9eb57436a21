"""Items outside lists: lines that begin with a sign, checkboxes in code."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from neveridle.graph.sources.roadmap.outline import Paragraph
from neveridle.graph.sources.roadmap.references import is_field
from neveridle.graph.sources.roadmap.sections import role_of
from neveridle.graph.sources.roadmap.status import box_of, remark_of
from neveridle.graph.sources.roadmap.text import Passage

if TYPE_CHECKING:
    from neveridle.graph.sources.roadmap.bullets import Context
    from neveridle.graph.sources.roadmap.outline import Code, Section
    from neveridle.graph.sources.roadmap.scan import Found, Scan

_BOLD_LEAD = re.compile(r"(?:\*\*|__)([^*_\n]{3,80})(?:\*\*|__)(.*)", re.DOTALL)
_CODE_BOX = re.compile(r"^(?P<indent>[\s>]*)(?:[-*+]|\d+[.)])\s+(?=\[[^\[\]\w]\]\s|\[[xX]\]\s)")


def read_lines(passage: Passage, context: Context, scan: Scan) -> None:
    """Record the lines of a paragraph that all begin with a box, or two or more with a sign."""
    if context.plain == "off":
        return
    lines = [
        Passage(text, (origin,))
        for text, origin in zip(passage.text.split("\n"), passage.origins, strict=True)
    ]
    remarks = [box_of(line, scan.legend) or remark_of(line, scan.legend) for line in lines]
    kinds = {r.mark.kind if r and r.cut[0] <= 2 else "word" for r in remarks}
    if not kinds <= {"sign", "box"}:
        return
    if "sign" in kinds and (len(lines) < 2 or context.plain == "box"):
        return
    order = scan.next_order()
    for line, remark in zip(lines, remarks, strict=True):
        scan.add(
            "line",
            line,
            section=context.section,
            parent=context.parent,
            order=order,
            remark=remark,
            inherited=context.status,
            named_loosely=context.takes_loose_names(remark),
        )


def read_paragraphs(section: Section, context: Context, scan: Scan) -> None:
    """Record paragraphs that each name a piece of work in bold and then describe it.

    Only in a section that promises work and holds nothing else, and only two or more.
    """
    if context.plain != "item" or context.promise not in ("work", "group") or context.below:
        return
    if not all(isinstance(block, Paragraph) for block in section.blocks):
        return
    named = [
        block.passage
        for block in section.blocks
        if isinstance(block, Paragraph) and _names_work(block.passage)
    ]
    if len(named) < 2:
        return
    order = scan.next_order()
    for passage in named:
        scan.add(
            "line",
            passage,
            section=context.section,
            parent=context.parent,
            order=order,
            remark=remark_of(passage, scan.legend),
            inherited=context.status,
        )


def _names_work(passage: Passage) -> bool:
    match = _BOLD_LEAD.match(passage.text)
    if not match or is_field(passage, below_item=True):
        return False
    return role_of(match[1]).promise in ("neutral", "work", "group") and bool(match[2].strip())


def read_code(block: Code, context: Context, scan: Scan) -> None:
    """Record the checkbox lines of a code block; indentation gives the parents."""
    if context.plain == "off" or block.comment:
        return
    order = scan.next_order()
    open_items: list[tuple[int, Found]] = []
    for offset, line in enumerate(block.lines):
        match = _CODE_BOX.match(line)
        if not match:
            continue
        depth = len(match["indent"].expandtabs(4))
        passage = Passage(line[match.end() :].rstrip(), ((block.start + offset, match.end()),))
        while open_items and open_items[-1][0] >= depth:
            open_items.pop()
        item = scan.add(
            "box",
            passage,
            section=context.section,
            parent=open_items[-1][1] if open_items else context.parent,
            order=order,
            remark=box_of(passage, scan.legend),
            inherited=context.status,
        )
        if item:
            open_items.append((depth, item))
