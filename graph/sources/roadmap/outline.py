"""The outline of a Markdown file: sections, and in them lists, tables, paragraphs, code."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from neveridle.graph.sources.roadmap.text import Passage, plain, split_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markdown_it.token import Token

_CONTAINER = re.compile(r"[\s>\ufeff]*(?:(?:[-*+]|\d{1,9}[.)])(?=\s)[\s>]*)*")
_QUOTE = re.compile(r"[\s>\ufeff]*")
_HASHES = re.compile(r"[\s>\ufeff]*(?:(?:[-*+]|\d{1,9}[.)])\s+)*#{1,6}[ \t]*")
_CLOSING_HASHES = re.compile(r"[ \t]+#+[ \t]*$|[ \t]+$")
_FRONT_MATTER = ("---", "+++")
# Each list in a list takes two levels. The parser leaves out what is deeper, so this is about
# 80 lists within each other: far beyond what people write, well below Python's own limit.
_DEEPEST = 160


@dataclass(slots=True)
class Paragraph:
    """Running text."""

    passage: Passage


@dataclass(slots=True)
class Code:
    """A fence, an indented block or raw HTML: source lines, taken as they are."""

    start: int
    lines: list[str]
    comment: bool
    fenced: bool


@dataclass(slots=True)
class Entry:
    """One bullet or numbered point: its own text and the blocks below it."""

    passage: Passage
    blocks: list[Block]


@dataclass(slots=True)
class Listing:
    """A list. ``start`` and ``end`` are 0-based lines, the end exclusive."""

    ordered: bool
    entries: list[Entry]
    start: int
    end: int


@dataclass(slots=True)
class Table:
    """A table; ``rows`` holds each body row's line with its cells."""

    header: list[str]
    rows: list[tuple[int, list[Passage]]]


@dataclass(slots=True)
class Quote:
    """A block quote."""

    blocks: list[Block]


Block = Paragraph | Code | Listing | Table | Quote


@dataclass(slots=True, eq=False)
class Section:
    """A heading with what stands directly below it; level 0 is the file itself."""

    level: int
    passage: Passage
    parent: Section | None
    blocks: list[Block] = field(default_factory=list["Block"])
    children: list[Section] = field(default_factory=list["Section"])

    @property
    def title(self) -> str:
        """The heading's text without markup."""
        return plain(self.passage.text)

    def walk(self) -> Iterator[Section]:
        """Give this section and all below it, in the order of the file."""
        stack: list[Section] = [self]
        while stack:
            section = stack.pop()
            yield section
            stack.extend(reversed(section.children))


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    # Blocks are all that is used; the texts in them are read by ``text.plain`` and ``status``.
    parser = MarkdownIt("commonmark", {"maxNesting": _DEEPEST})
    return parser.enable("table").disable("inline")


def outline(text: str) -> Section:
    """Read Markdown into its outline; any text has one."""
    lines = split_lines(text)
    tokens = _parser().parse("\n".join(_without_front_matter(lines)).lstrip("\ufeff"))
    root = Section(0, Passage("", ((0, 0),)), None)
    current, position = root, 0
    while position < len(tokens):
        token = tokens[position]
        if token.type == "heading_open":
            level = int(token.tag[1])
            while current.level >= level and current.parent is not None:
                current = current.parent
            section = Section(level, _heading(lines, token), current)
            current.children.append(section)
            current = section
            position += 3
        else:
            position = _block(tokens, position, lines, current.blocks)
    for section in root.walk():
        _adopt(section.blocks)
    return root


def _without_front_matter(lines: list[str]) -> list[str]:
    opening = lines[0].lstrip("\ufeff").rstrip()
    if opening in _FRONT_MATTER:
        for index, line in enumerate(lines[1:], 1):
            if line.rstrip() in (opening, "..."):
                return [""] * (index + 1) + lines[index + 1 :]
    return lines


def _span(token: Token) -> tuple[int, int]:
    return (token.map[0], token.map[1]) if token.map else (0, 0)


def _heading(lines: list[str], token: Token) -> Passage:
    start, _ = _span(token)
    opening = (_HASHES if token.markup.startswith("#") else _QUOTE).match(lines[start])
    column = opening.end() if opening else 0
    return Passage(_CLOSING_HASHES.sub("", lines[start][column:]), ((start, column),))


def _passage(lines: list[str], start: int, end: int) -> Passage:
    parts: list[str] = []
    origins: list[tuple[int, int]] = []
    for number in range(start, max(end, start + 1)):
        opening = (_CONTAINER if number == start else _QUOTE).match(lines[number])
        column = opening.end() if opening else 0
        parts.append(lines[number][column:].rstrip())
        origins.append((number, column))
    return Passage("\n".join(parts), tuple(origins))


def _block(tokens: list[Token], position: int, lines: list[str], into: list[Block]) -> int:
    """Read the block at ``position`` into ``into``; give the position after it."""
    token = tokens[position]
    start, end = _span(token)
    if token.type in ("paragraph_open", "heading_open"):
        into.append(Paragraph(_passage(lines, start, end)))
        return position + 3
    if token.type in ("bullet_list_open", "ordered_list_open"):
        entries: list[Entry] = []
        position += 1
        while tokens[position].type == "list_item_open":
            position = _entry(tokens, position, lines, entries)
        into.append(Listing(token.type.startswith("ordered"), entries, start, end))
        return position + 1
    if token.type == "blockquote_open":
        quoted: list[Block] = []
        position += 1
        while tokens[position].type != "blockquote_close":
            position = _block(tokens, position, lines, quoted)
        into.append(Quote(quoted))
        return position + 1
    if token.type == "table_open":
        return _table(tokens, position, lines, into)
    if token.type in ("fence", "code_block", "html_block"):
        comment = token.type == "html_block" and token.content.lstrip().startswith("<!--")
        into.append(Code(start, lines[start:end], comment, token.type == "fence"))
    return position + 1


def _entry(tokens: list[Token], position: int, lines: list[str], into: list[Entry]) -> int:
    start, _ = _span(tokens[position])
    position += 1
    blocks: list[Block] = []
    while tokens[position].type != "list_item_close":
        position = _block(tokens, position, lines, blocks)
    _adopt(blocks)
    if blocks and isinstance(blocks[0], Paragraph):
        into.append(Entry(blocks[0].passage, blocks[1:]))
    else:
        into.append(Entry(Passage("", ((start, 0),)), blocks))
    return position + 1


def _table(tokens: list[Token], position: int, lines: list[str], into: list[Block]) -> int:
    header: list[str] = []
    rows: list[tuple[int, list[Passage]]] = []
    in_head = True
    while tokens[position].type != "table_close":
        token = tokens[position]
        if token.type == "thead_close":
            in_head = False
        elif token.type == "inline" and in_head:
            header.append(token.content)
        elif token.type == "tr_open" and not in_head:
            start, _ = _span(token)
            rows.append((start, cells(lines[start], start)))
        position += 1
    into.append(Table(header, rows))
    return position + 1


def cells(line: str, number: int) -> list[Passage]:
    """Split a table row at its unescaped pipes, keeping where each cell's text stands."""
    opening = _CONTAINER.match(line)
    start = opening.end() if opening else 0
    start += line[start : start + 1] == "|"
    edges = [m.start() for m in re.finditer(r"(?<!\\)\|", line) if m.start() >= start]
    edges.append(len(line))
    found: list[Passage] = []
    for edge in edges:
        cell = line[start:edge]
        indent = len(cell) - len(cell.lstrip())
        found.append(Passage(cell.strip(), ((number, start + indent),)))
        start = edge + 1
    if found and not found[-1].text:
        found.pop()
    return found


def _adopt(blocks: list[Block]) -> None:
    """Hang a bullet list that follows a numbered point without a gap below that point.

    People write ``1) Title`` and then bullets at column 0; Markdown sees two lists.
    """
    index = 0
    while index + 1 < len(blocks):
        upper, lower = blocks[index], blocks[index + 1]
        if (
            isinstance(upper, Listing)
            and isinstance(lower, Listing)
            and upper.ordered
            and not lower.ordered
            and upper.end == lower.start
            and upper.entries
            and not any(re.match(r"\[.\]\s", entry.passage.text) for entry in lower.entries)
        ):
            upper.entries[-1].blocks.append(lower)
            upper.end = lower.end
            del blocks[index + 1]
        else:
            index += 1
