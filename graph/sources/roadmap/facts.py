"""What a reading knows of the whole file before it reads the first section."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neveridle.graph.sources.roadmap.headings import roles, title_section
from neveridle.graph.sources.roadmap.legend import Legend
from neveridle.graph.sources.roadmap.outline import (
    Entry,
    Listing,
    Paragraph,
    Quote,
    Section,
    Table,
)
from neveridle.graph.sources.roadmap.references import identity
from neveridle.graph.sources.roadmap.scan import essence
from neveridle.graph.sources.roadmap.sections import role_of
from neveridle.graph.sources.roadmap.status import box_of, remark_of
from neveridle.graph.sources.roadmap.text import fold, plain
from neveridle.graph.sources.roadmap.titles import title_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from neveridle.graph.sources.roadmap.outline import Block
    from neveridle.graph.sources.roadmap.sections import Role

_LEGEND = re.compile(r"\W*(?:legend|key|status keys?|symbols)\b", re.IGNORECASE)
_AT_WORK = re.compile("[🚧🔄🟡🏗🔨]")
_MEANING = re.compile(r"meaning|description|definition|legend")


@dataclass(frozen=True, slots=True)
class Facts:
    """The file as a whole.

    Attributes:
        root: its outline.
        title: the heading that names the file.
        known: what each section promises.
        legend: the meaning of its signs.
        explained: ids of the blocks that only explain signs.
        headings: the names of all headings, as compared with titles.
        boxed: work is written as checkboxes, so plain bullets elsewhere are context.
        grouped: work is listed under phases or horizons, so bullets elsewhere are context.
    """

    root: Section
    title: Section | None
    known: dict[Section, Role]
    legend: Legend
    explained: set[int]
    headings: frozenset[str]
    boxed: bool
    grouped: bool


def facts_of(root: Section, text: str) -> Facts:
    """Look at the outline of a text as a whole."""
    known, title = roles(root), title_section(root)
    legend, explained = _legend(root, known, text)
    names: set[str] = set()
    boxes = groups = 0
    for section in root.walk():
        if section.level and section is not title:
            names.update(names_of(section, legend))
        if known[section].promise not in ("criteria", "legend"):
            boxes += checklist(section, legend)
        groups += known[section].promise in ("work", "group") and any(
            isinstance(block, Listing) for block in section.blocks
        )
    return Facts(
        root, title, known, legend, explained, frozenset(names - {""}), boxes >= 3, groups >= 2
    )


def entries(blocks: Iterable[Block]) -> Iterator[Entry]:
    """Give every list entry below some blocks, at any depth."""
    for block in blocks:
        if isinstance(block, Listing):
            for entry in block.entries:
                yield entry
                yield from entries(entry.blocks)


def checklist(section: Section, legend: Legend) -> int:
    """Count the checkboxes of a section, without those below a label such as "Acceptance"."""
    count, criteria = 0, False
    for block in section.blocks:
        if isinstance(block, Paragraph):
            name = block.passage.text.rsplit("\n", 1)[-1].split(":")[0]
            criteria = role_of(name).promise in ("criteria", "legend")
        elif not criteria:
            found = entries([block])
            count += sum(1 for entry in found if box_of(entry.passage, legend))
    return count


def names_of(section: Section, legend: Legend) -> set[str]:
    """Give the forms in which a heading is compared with titles."""
    remark = remark_of(section.passage, legend, heading=True)
    title = title_of(section.passage.text, remark.cut if remark else (0, 0))
    return {fold(title), essence(title), fold(identity(title) or "")}


def _legend(root: Section, known: dict[Section, Role], text: str) -> tuple[Legend, set[int]]:
    """Collect the file's own key, and which blocks are part of it."""
    legend, explained = Legend(), set[int]()
    for section in root.walk():
        trusted = known[section].promise == "legend"
        for block in section.blocks:
            words = _text(block)
            here = trusted or bool(_LEGEND.match(words))
            if isinstance(block, Table) and len(block.header) == 2:
                here = here or bool(_MEANING.search(plain(block.header[1]).casefold()))
            trusted = trusted or (isinstance(block, Paragraph) and here)
            if words and not _repeats(block) and legend.learn(words, trusted=here):
                explained.add(id(block))
    if "⏳" not in legend.own and _AT_WORK.search(text):
        legend.own["⏳"] = "todo"  # beside a sign for work that goes on, it means waiting
    return legend, explained


def _repeats(block: Block) -> bool:
    """Tell whether a table says the same of several rows, as a key never does."""
    if not isinstance(block, Table):
        return False
    firsts = [row[0].text for _, row in block.rows if row and row[0].text]
    return len(set(firsts)) < len(firsts)


def _text(block: Block) -> str:
    """Give the lines of a block that may explain signs."""
    match block:
        case Paragraph():
            return block.passage.text
        case Listing():
            return "\n".join(entry.passage.text for entry in block.entries)
        case Quote():
            return "\n".join(b.passage.text for b in block.blocks if isinstance(b, Paragraph))
        case Table() if len(block.header) == 2:
            return "\n".join(" ".join(cell.text for cell in row) for _, row in block.rows)
        case _:
            return ""
