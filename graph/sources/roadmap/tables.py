"""Which table rows are items, and what their cells say about them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neveridle.graph.sources.roadmap.references import owner_from
from neveridle.graph.sources.roadmap.status import Remark, phrase, placed, remark_of
from neveridle.graph.sources.roadmap.text import Passage, fold, plain
from neveridle.graph.sources.roadmap.titles import title_of
from neveridle.graph.sources.roadmap.vocabulary import STRICT

if TYPE_CHECKING:
    from neveridle.graph.sources.roadmap.bullets import Context
    from neveridle.graph.sources.roadmap.legend import Legend
    from neveridle.graph.sources.roadmap.outline import Table
    from neveridle.graph.sources.roadmap.scan import Scan

_NOT_WORK = re.compile(
    r"\b(?:risk|mitigation|likelihood|probability|threat|metric|kpi|baseline|reviewer|approver"
    r"|approved|sign-?off|symbol"
    r"|emoji|icon|meaning|total|count|before|after|pros|cons|alternative|decision|choice|term"
    r"|definition|command|flag|env|variable"
    r"|competitor|weight|score|criterion|criteria|question|answer|input|output|props?|parameter"
    r"|argument|default|rewards?|budget|cost)\b"
)
_TITLES = (
    r"^(?:work ?items?|items?|features?|tasks?|titles?|epics?|stor(?:y|ies)|user stor(?:y|ies)"
    r"|deliverables?"
    r"|initiatives?|to-?dos?|capabilit(?:y|ies)|improvements?|enhancements?|action(?: items?)?"
    r"|gaps?|things?|backlog items?)$",
    r"^(?:what|work|milestones?|names?|topics?|goals?|bugs?|issues?|problem|issue title|change"
    r"|scope|focus"
    r"|planned|plan|idea|proposal|project|fix|subject)$",
    r"\b(?:item|feature|task|title|name|story|milestone|deliverable|work|improvement|package"
    r"|project)\b|^component$|^module$",
    r"^(?:descriptions?|summary|details?|notes?)$",
    r"^(?:components?|modules?|packages?|areas?|phases?|stages?|steps?|versions?|releases?"
    r"|sprints?|crate|library|page|screen|endpoint)$",
)
_STRONG_TITLE = re.compile(
    r"^(?:work ?items?|items?|features?|tasks?|epics?|user stor(?:y|ies)|deliverables?"
    r"|initiatives?|to-?dos?"
    r"|improvements?|enhancements?|action(?: items?)?|gaps?|backlog items?)$"
)
_STATUS = re.compile(
    r"^(?:status|state|progress|done\??|completed?\??|shipped\??|implemented\??|✅|✓|☑"
    r"|current status|phase status|dev status)$"
    r"|\bstatus$|^stato$|^estado$|^statut$|^状态$|^状態$|^상태$"
)
_TICKED = re.compile(r"^(?:done|completed?|shipped|implemented|✅|✓|☑)")
_TICK = re.compile(r"[xXyY]")
_RANK = re.compile(
    r"priorit|severity|impact|risk|effort|complexity|confidence|likelihood|value|difficulty|urgency"
)
_DEPENDS = re.compile(r"depend|blocked by|prereq|^requires$|^needs$|^after$")
_OWNER = re.compile(
    r"^(?:owners?|assignees?|assigned(?: to)?|who|leads?|dri|responsible|driver|champion|by)$"
)
_AREA = re.compile(
    r"^(?:teams?|areas?|components?|modules?|categor(?:y|ies)|labels?|tags?|domain|packages?"
    r"|layers?|type|scope|track)$"
)
_PLANNING = re.compile(
    r"priorit|effort|estimate|^size$|points|target|\beta\b|\bdue\b|quarter|^release$|^version$"
    r"|^milestone$|^phase$"
    r"|sprint|complexity|impact|value|deadline|timeline|timeframe|^when$|^date$|^week$|^tier$"
    r"|^pr$|^issue$|difficulty"
)
_IDENTITY = re.compile(
    r"^(?:#|id|no\.?|nr\.?|nr|ref|key|ticket|spec|jira|num(?:ber)?|task id|task #|item #|code)$"
)
_PERIOD = re.compile(
    r"^(?:phases?|versions?|releases?|quarters?|weeks?|months?|dates?|sprints?|timeline|timeframe"
    r"|year|period|stage|days?)$"
)
_TOTAL = re.compile(r"^(?:sub-?)?totals?\b|^sum\b|^overall\b|^average\b", re.IGNORECASE)

_BOLD = re.compile(r"^(?:\*\*|__).+(?:\*\*|__)$")
_BLANK = " -\u2013—"


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column holds what; ``None`` where the table has no such column."""

    title: int
    status: int | None
    depends: int | None
    owner: int | None
    area: int | None
    planned: bool
    strong: bool
    ticked: bool


def columns_of(table: Table, legend: Legend) -> Columns | None:
    """Find the columns of a table of work; ``None`` for any other table."""
    names = [re.sub(r"[^\w\s#✅✓☑.-]", "", plain(cell)).strip().casefold() for cell in table.header]
    if any(_NOT_WORK.search(name) and not _STATUS.search(name) for name in names):
        return None
    status = _status_column(names, table, legend)
    if status == -1:
        return None
    taken = {status} | {
        i
        for i, n in enumerate(names)
        if _IDENTITY.match(n) or _OWNER.match(n) or _DEPENDS.search(n)
    }
    title = next(
        (
            index
            for wanted in _TITLES
            for index, name in enumerate(names)
            if index not in taken and re.search(wanted, name) and not _RANK.search(name)
        ),
        None,
    )
    if title is None:
        title = next(
            (i for i in range(len(names)) if i not in taken and not _PLANNING.search(names[i])),
            None,
        )
        if title is None or status is None:
            return None
    others = [i for i in range(len(names)) if i != title]
    return Columns(
        title,
        status,
        next((i for i in others if _DEPENDS.search(names[i])), None),
        next((i for i in others if _OWNER.match(names[i])), None),
        next((i for i in others if _AREA.match(names[i])), None),
        planned=any(_PLANNING.search(names[i]) for i in others) and not _PERIOD.match(names[title]),
        strong=bool(_STRONG_TITLE.match(names[title])),
        ticked=status is not None and bool(_TICKED.match(names[status])),
    )


def _status_column(names: list[str], table: Table, legend: Legend) -> int | None:
    """Find the status column by its name or its cells; -1 for a matrix of many."""
    for index, name in enumerate(names):
        if _STATUS.search(name):
            return index
    found: list[int] = []
    for index, name in enumerate(names):
        cells = [row[index].text for _, row in table.rows if index < len(row) and row[index].text]
        told = [cell for cell in cells if len(plain(cell).split()) <= 4 and _says(cell, legend)]
        if (
            cells
            and len(told) * 10 >= len(cells) * 7
            and not _RANK.search(name)
            and not _PLANNING.search(name)
            and not _OWNER.match(name)
        ):
            found.append(index)
    if len(found) > 1 and len(found) * 2 > len(names) - 1:
        return -1
    return found[0] if found else None


def _says(cell: str, legend: Legend) -> bool:
    """Tell whether a cell under a header that promises no status holds one all the same."""
    found = phrase(cell, legend)
    return found is not None and (found[1] != "word" or bool(STRICT.match(found[3])))


def read_table(table: Table, context: Context, scan: Scan) -> None:
    """Record the rows of a table that are items."""
    columns = columns_of(table, scan.legend)
    if columns is None or context.plain in ("off", "box"):
        return
    stated = columns.status is not None or columns.depends is not None or columns.owner is not None
    promised = context.promise in ("work", "group")
    if context.promise == "state" and not _has_open(table, columns, scan.legend):
        return  # an account of what there is
    if (
        not stated
        and not columns.planned
        and not (columns.strong and promised)
        and not (promised and context.status is not None)
    ):
        return
    order = scan.next_order()
    titles = [row[columns.title].text for _, row in table.rows if columns.title < len(row)]
    # Where every title is bold, or there is no room for more than title and status, bold says
    # nothing about a row.
    every = all(_BOLD.match(title) or _TOTAL.match(title) for title in titles)
    groups = len(table.header) > 2 and not every
    for _, row in table.rows:
        if not (groups and _heads_rows(row, columns)):
            _read_row(row, columns, context, order, scan)


def _heads_rows(row: list[Passage], columns: Columns) -> bool:
    """Tell whether a row holds one cell in bold, which names the rows below it."""
    filled = [cell.text for cell in row if cell.text.strip(_BLANK)]
    return (
        len(filled) == 1
        and row[columns.title : columns.title + 1] != []
        and bool(_BOLD.match(filled[0]))
    )


def _has_open(table: Table, columns: Columns, legend: Legend) -> bool:
    """Tell whether a status table says of some row that it is still to be done."""
    cells = [
        row[columns.status].text
        for _, row in table.rows
        if columns.status is not None and columns.status < len(row)
    ]
    return any(
        _says(cell, legend) and (phrase(cell, legend) or ("done",))[0] == "todo" for cell in cells
    )


def _read_row(
    row: list[Passage], columns: Columns, context: Context, order: int, scan: Scan
) -> None:
    def cell(index: int | None) -> Passage:
        return (
            row[index]
            if index is not None and index < len(row)
            else Passage("", row[0].origins if row else ((0, 0),))
        )

    passage = cell(columns.title)
    filled = [
        plain(c.text) for i, c in enumerate(row) if c.text.strip(_BLANK) and i != columns.status
    ]
    remark = remark_of(passage, scan.legend)
    title = title_of(passage.text, remark.cut if remark else (0, 0))
    # One cell is enough for work where a column waits for its status.
    enough = 1 if columns.status is not None else 2
    if len(filled) < enough or _TOTAL.match(filled[0]) or not passage.text.strip(_BLANK):
        return
    told = cell(columns.status).text
    stated = phrase(told, scan.legend)
    if not stated and columns.ticked and _TICK.fullmatch(told):
        stated = ("done", "word", 0, told)
    if stated:
        remark = Remark(placed(cell(columns.status), stated), remark.cut if remark else (0, 0))
    name = " ".join(plain(c.text) for c in row[: columns.title + 1])
    earlier = scan.restated(title, title, recap=context.promise != "work")
    if earlier and earlier.order != order:
        if earlier.mark is None and stated:
            earlier.inherited = stated[0]
        return
    repeated = {fold(title), fold(name)} & scan.headings
    if repeated:
        if stated:
            scan.told.update(dict.fromkeys(repeated, stated[0]))
        return
    item = scan.add(
        "row",
        passage,
        section=context.section,
        parent=context.parent,
        order=order,
        remark=remark,
        inherited=context.status,
        title=title,
        named_loosely=context.takes_loose_names(remark),
    )
    if item is None:
        return
    item.cell = cell(columns.status) if columns.status is not None else None
    item.owner = owner_from(cell(columns.owner).text) or item.owner
    item.area = owner_from(cell(columns.area).text) or item.area
    if columns.depends is not None:
        item.needs.append(cell(columns.depends).text)
    item.names.update(
        fold(c.text)
        for i, c in enumerate(row)
        if i < 3 and i != columns.status and 0 < len(c.text) <= 12
    )
