"""What has been found so far while a roadmap is read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from neveridle.graph.sources.roadmap.legend import Legend
from neveridle.graph.sources.roadmap.references import (
    area_tag,
    fields_of,
    identities_in,
    identity,
    owner_from,
    owner_in,
    remarks_of,
)
from neveridle.graph.sources.roadmap.status import Mark, Remark, phrase, placed
from neveridle.graph.sources.roadmap.text import Passage, fold
from neveridle.graph.sources.roadmap.titles import title_of

if TYPE_CHECKING:
    from neveridle.graph.sources.roadmap.item import Status
    from neveridle.graph.sources.roadmap.outline import Section

Form = Literal["box", "entry", "heading", "row", "line"]

_PLACEHOLDER = re.compile(
    r"^[\W_]*(?:\[[^\[\]]*\]|\{[^{}]*\}|<[^<>]*>|\.{2,}|…|tbd|tba|none|n/?a|nothing(?: yet)?"
    r"|empty|etc|task name|feature name|title|description|more to come|and more"
    r"|to be (?:determined|decided|defined|added)"
    r"|coming soon|lorem ipsum.*|none (?:yet|at this time|currently))[\W_]*$",
    re.IGNORECASE,
)
_TEMPLATE = re.compile(r"^[\W_]*(?:(?:item|task|feature) \d+|todo)[\W_]*$", re.IGNORECASE)
_RATIONALE = re.compile(
    r"^(?:benefits? (?:for|of)|because|rationale|reason(?:ing)?|e\.g\.|i\.e\.)\b", re.I
)
_DEPENDS = re.compile(r"depend|blocked|prereq|requires|after|needs|builds on")
_OWNER = re.compile(r"owner|assign|dri$|responsible")
_AREA = re.compile(r"area|component|team|label|tag|category")


@dataclass(slots=True, eq=False)
class Found:
    """An item being read.

    ``order`` groups those of one list, table or row of headings; ``cut`` is the part of the
    passage that says the status; ``cell`` is the status cell of a table's row.
    """

    form: Form
    passage: Passage
    title: str
    section: Section | None
    parent: Found | None
    order: int
    mark: Mark | None = None
    cut: tuple[int, int] = (0, 0)
    cell: Passage | None = None
    inherited: Status | None = None
    owner: str | None = None
    area: str | None = None
    needs: list[str] = field(default_factory=list[str])
    names: set[str] = field(default_factory=set[str])

    @property
    def line(self) -> int:
        """The 1-based line."""
        return self.passage.origins[0][0] + 1

    @property
    def status(self) -> Status:
        """The own mark, else what was inherited, else todo."""
        return self.mark.status if self.mark else self.inherited or "todo"

    def learn(self, passage: Passage, legend: Legend, *, sentence: bool = False) -> None:
        """Take status, owner, area and dependencies from a passage that details this item."""
        for told in [*fields_of(passage), *(remarks_of(passage) if sentence else [])]:
            if told.name in ("status", "state", "progress", "current state") and (
                self.mark is None or self.mark.kind == "strike"
            ):
                stated = phrase(told.value, legend)
                if stated:
                    self.mark = placed(passage, stated, told.offset)
            elif _DEPENDS.search(told.name):
                self.needs.append(told.value)
            elif _OWNER.match(told.name) or told.name == "lead":
                self.owner = self.owner or owner_from(told.value)
            elif _AREA.match(told.name):
                self.area = self.area or owner_from(told.value)


@dataclass(slots=True)
class Scan:
    """The state of one reading: the file's facts and the items so far.

    ``told`` holds what a summary table said of headings that come later, by their names.
    """

    legend: Legend
    headings: frozenset[str]
    found: list[Found] = field(default_factory=list[Found])
    by_name: dict[str, Found] = field(default_factory=dict[str, Found])
    by_title: dict[str, Found] = field(default_factory=dict[str, Found])
    told: dict[str, Status] = field(default_factory=dict[str, "Status"])
    orders: int = 0

    def next_order(self) -> int:
        """Give a number for a new list, table or row of headings."""
        self.orders += 1
        return self.orders

    def add(
        self,
        form: Form,
        passage: Passage,
        *,
        section: Section | None,
        parent: Found | None,
        order: int,
        remark: Remark | None = None,
        inherited: Status | None = None,
        title: str | None = None,
        named_loosely: bool = False,
    ) -> Found | None:
        """Record an item; ``None`` when its text names no work.

        Args:
            form: how it is written.
            passage: its text.
            section: the heading above.
            parent: the item that it is part of.
            order: the number of its list, table or row of headings.
            remark: its own mark.
            inherited: the status of the place where it stands.
            title: its title, if the caller knows it already.
            named_loosely: "Task 1" and "TODO" will do for a title; elsewhere they are blanks
                of a template.
        """
        cut = remark.cut if remark else (0, 0)
        title = title_of(passage.text, cut) if title is None else title
        name = identity(title)
        rest = title[len(name) :] if name and len(title) > len(name) else title
        if not fold(title) or _PLACEHOLDER.match(rest) or _RATIONALE.match(title):
            return None
        if not named_loosely and _TEMPLATE.match(rest):
            return None
        item = Found(form, passage, title, section, parent, order)
        item.mark, item.cut, item.inherited = (remark.mark if remark else None), cut, inherited
        if item.mark and item.mark.kind == "strike" and inherited == "dropped":
            item.mark = replace(item.mark, status="dropped")
        item.owner, item.area = owner_in(passage.text), area_tag(title)
        if item.area:
            item.title = title[len(item.area) + 2 :].strip()
        ordinal = re.match(r"\W*(\d+(?:\.\d+)*)[.):]?\s", passage.text)
        if ordinal and form == "heading":
            item.names.add(fold(ordinal[1]))
        name = identity(item.title)
        if name:
            item.names.add(name)
            self.by_name.setdefault(name, item)
        self.by_title.setdefault(essence(item.title), item)
        self.found.append(item)
        item.learn(passage, self.legend, sentence=True)
        return item

    def restated(self, passage_text: str, title: str, *, recap: bool) -> Found | None:
        """Give the earlier item that a title names again, by identity or by its words.

        Args:
            passage_text: the whole text, searched for an identity such as ``TASK-7``.
            title: the title found in it.
            recap: the place is one that repeats, so a title of a word or two is enough.
        """
        name = identity(title)
        if name and name in self.by_name:
            earlier = self.by_name[name]
            if _strong(name) or alike(earlier.title, title):
                return earlier
        same = self.by_title.get(essence(title))
        if same and (recap or len(essence(title).split()) >= 3):
            return same  # "Docs" may well be work in every phase
        for inner in identities_in(passage_text)[:1]:
            if inner in self.by_name and _strong(inner):
                return self.by_name[inner]
        return None


def _strong(name: str) -> bool:
    """Tell whether an identity is unlikely to be used for two things ("task-101a")."""
    return "-" in name and any(c.isalpha() for c in name)


def essence(title: str) -> str:
    """Reduce a title to words without identity or ordinal, so that restatements are equal."""
    name = identity(title)
    words = fold(title)
    if name:
        words = words.removeprefix(fold(name)).strip() or words
    return re.sub(r"^\d+ ", "", words)


def alike(left: str, right: str) -> bool:
    """Tell whether two titles share most of their words, or one is only its identity."""
    a, b = set(essence(left).split()), set(essence(right).split())
    if (
        essence(left) == fold(left) != ""
        and identity(left)
        and fold(identity(left) or "") == fold(left)
    ):
        return True
    if identity(right) and fold(identity(right) or "") == fold(right):
        return True
    return len(a & b) * 2 >= min(len(a), len(b)) > 0
