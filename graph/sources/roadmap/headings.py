"""Which headings are items themselves, and which only group what stands below them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from neveridle.graph.sources.roadmap.legend import Legend
from neveridle.graph.sources.roadmap.outline import Code, Entry, Listing, Paragraph, Section, Table
from neveridle.graph.sources.roadmap.references import fields_of, identity, is_field
from neveridle.graph.sources.roadmap.sections import Role, bare, is_group, role_of
from neveridle.graph.sources.roadmap.status import Remark, box_of, phrase, placed, remark_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from neveridle.graph.sources.roadmap.outline import Block

_NUMBERED = re.compile(
    r"^\W*(?:\d+(?:\.\d+)*[.):]|\d+\.\d+(?:\.\d+)*|#\d+[:.]?|[Pp][0-4]:|\[[Pp][0-4]\])\s"
)
_DATA_LABEL = re.compile(
    r"^(?:\*\*|__)?(?:acceptance|success|exit|criteria|definition|notes?|why|behaviou?r|details?"
    r"|api|examples?|usage|how|implementation"
    r"|description|approach|design|benefits?|rationale|motivation|context|background|problem"
    r"|impact|requirements|considerations|options|pros"
    r"|cons|trade-?offs|key points|technical|current|constraints|open questions|user stor"
    r"|use cases?|goals?|files)\b",
    re.I,
)

_USUAL = Legend()  # only whether there is a mark matters here, not what it means


def title_section(root: Section) -> Section | None:
    """Give the heading that is the title of the file: the first, alone on the highest level."""
    every = [section for section in root.walk() if section.level]
    if not every:
        return None
    top = min(section.level for section in every)
    first = every[0]
    if first.level != top or sum(1 for section in every if section.level == top) != 1:
        return None
    return first if len(every) > 1 or top == 1 else None


def roles(root: Section) -> dict[Section, Role]:
    """Give what each section promises, with what it inherits from those around it."""
    title = title_section(root)
    found: dict[Section, Role] = {root: Role("neutral")}
    for section in root.walk():
        if section is root or section.parent is None:
            continue
        if section is title:
            found[section] = Role("neutral")
            continue
        own, above = role_of(section.passage.text), found[section.parent]
        if own.promise in ("barren", "recap") and remark_of(section.passage, _USUAL, heading=True):
            own = Role("neutral")  # "Metrics ✅" is work, whatever the word promises
        if above.promise in ("criteria", "legend", "barren"):
            found[section] = own if own.promise in ("criteria", "legend") else above
        elif own.promise == "neutral" or (above.promise in ("recap", "state") and not own.status):
            inherit = own.promise in ("neutral", "group", "work")
            found[section] = Role(
                above.promise if inherit else own.promise, own.status or above.status
            )
        else:
            found[section] = Role(own.promise, own.status or above.status)
    return found


def status_of(section: Section, legend: Legend) -> Remark | None:
    """Read the status a heading carries, or a status line directly below it."""
    remark = remark_of(section.passage, legend, heading=True)
    if remark:
        return remark
    for block in section.blocks:
        if isinstance(block, Listing):
            passages = [entry.passage for entry in block.entries]
        else:
            passages = [block.passage] if isinstance(block, Paragraph) else []
        for passage in passages:
            for told in fields_of(passage):
                stated = phrase(told.value, legend) if told.name in ("status", "state") else None
                if stated:
                    return Remark(placed(passage, stated, told.offset), (0, 0))
    return None


def unit_headings(root: Section, known: dict[Section, Role], legend: Legend) -> set[Section]:
    """Give the headings that name single pieces of work.

    Sibling headings are decided together: they do so when one of them carries a status of its
    own, or when most have nothing but prose below them and either a number or identity in
    front or a section above that promises work.
    """
    title = title_section(root)
    units: set[Section] = set()
    for parent in root.walk():
        group = [
            child
            for child in parent.children
            if child is not title
            and known[child].promise in ("neutral", "work", "group")
            and not _is_status(child)
        ]
        capable = [child for child in group if _capable(child, known, legend)]
        if not capable or len(capable) * 2 < len(group):
            continue
        stated = [c for c in capable if status_of(c, legend)]
        prose = [c for c in capable if _only_prose(c, legend)]
        named = [c for c in capable if _NUMBERED.match(c.passage.text) or identity(bare(c.title))]
        within = known[parent]
        if (
            stated
            or (len(prose) * 2 > len(capable) and len(named) * 2 > len(capable))
            or (
                len(prose) * 2 > len(capable)
                and within.promise in ("work", "group")
                and parent is not title
            )
        ):
            chosen = {c for c in capable if stated or c in prose or c in named}
            if len(chosen) * 2 > len(group):  # siblings share one role, lists or not
                chosen.update(c for c in group if not c.children and status_of(c, legend))
            units.update(chosen)
    return units


def prose_headings(root: Section, known: dict[Section, Role], legend: Legend) -> set[Section]:
    """Give the headings of a file in which nothing else is an item."""
    title = title_section(root)
    found = {
        section
        for section in root.walk()
        if section.level
        and section is not title
        and known[section].promise in ("neutral", "work", "group")
        and not _is_status(section)
        and not section.children
        and section.blocks
        and _only_prose(section, legend)
    }
    return found if len(found) >= 2 else set()


def _is_status(section: Section) -> bool:
    """Tell whether a heading is nothing but a status or horizon ("Done", "Next")."""
    role = role_of(section.passage.text)
    words = bare(section.title).split()
    if role.promise != "work" or identity(bare(section.title)):
        return False
    if role.status is not None and len(words) <= 4:
        return True
    return len(words) <= 2 and not _NUMBERED.match(section.passage.text)


def _capable(section: Section, known: dict[Section, Role], legend: Legend) -> bool:
    """Tell whether a heading could be one piece of work rather than a group of them."""
    if any(
        known[child].promise not in ("barren", "criteria", "legend") for child in section.children
    ):
        return False
    if not section.blocks and not status_of(section, legend):
        return bool(_NUMBERED.match(section.passage.text) or identity(bare(section.title)))
    if any(isinstance(block, Table) for block in section.blocks):
        return False
    return not is_group(section.title) or _only_prose(section, legend)


def _only_prose(section: Section, legend: Legend) -> bool:
    """Tell whether the lists below a heading, if any, only describe it."""
    if any(isinstance(block, Table) for block in section.blocks):
        return False
    entries = list(_top_entries(section.blocks))
    if any(box_of(entry.passage, legend) for entry in entries):
        return False
    told = sum(1 for entry in entries if is_field(entry.passage, below_item=True))
    return (
        told * 2 > len(entries)
        if entries
        else any(isinstance(block, Paragraph | Code) for block in section.blocks)
    )


def _top_entries(blocks: Iterable[Block]) -> Iterator[Entry]:
    label = False
    for block in blocks:
        if isinstance(block, Paragraph):
            label = bool(_DATA_LABEL.match(block.passage.text.rsplit("\n", 1)[-1].lstrip()))
        elif isinstance(block, Listing) and not label:
            yield from block.entries
