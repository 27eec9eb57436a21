"""Reading a status out of a cell, a field, or an item's own text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from neveridle.graph.sources.roadmap.text import Passage, mask, plain
from neveridle.graph.sources.roadmap.vocabulary import BOX, LOOSE, SIGN, STRICT, status_named

if TYPE_CHECKING:
    from neveridle.graph.sources.roadmap.item import Status
    from neveridle.graph.sources.roadmap.legend import Legend

Kind = Literal["box", "sign", "word", "strike"]

_PERCENT = re.compile(r"(?<![\d.])(\d{1,3}) ?%")
_FRACTION = re.compile(r"(?<![\d./])(\d{1,3})/(\d{1,3})(?![\d./])")
_CELL_BOX = re.compile(rf"`?({BOX}|\[[^\[\]]{{1,5}}\])")
_ANY_SIGN = re.compile(SIGN)
_EDGE = r"(?:\*\*|__|[*_])?"
_LEAD_BOX = re.compile(rf"{_EDGE}`?({BOX})`?{_EDGE}(?=\s|$)")
_LEAD_SIGN = re.compile(rf"(?:\*\*|__|[*_~]|\s)*({SIGN})\s*")
_LAST_SIGN = re.compile(rf"\s{{0,3}}({SIGN})(?:[*_~.:\s]|\([^()\n]*\)|\[[^\[\]\n]*\])*$")
_LEAD_WORD = re.compile(
    rf"{_EDGE}(done|wip|todo|to-do|fixed|shipped|completed?|in[- ]progress|implemented|released"
    rf"|planned|dropped|cancell?ed){_EDGE}\s*(?::{_EDGE}|[-\u2013—]\s)\s*",
    re.IGNORECASE,
)
_LAST_WORD = re.compile(
    rf"(?:(?<=\s)|(?<=\*\*)){_EDGE}(DONE|WIP|COMPLETED?|FIXED|SHIPPED|TODO|PLANNED|RELEASED"
    rf"|IN PROGRESS|IMPLEMENTED|MERGED|CANCELL?ED|DROPPED){_EDGE}[.!]*\s*(?:\([^()\n]*\))?$"
)
_BRACKETED = re.compile(r"\s{0,3}[(\[]([^()\[\]]{2,120})[)\]](?![\x00(\[])")  # no link's text
_DASHED = re.compile(r"\s{0,3}(?:\s[-\u2013—|→]+|:)\s*([^\n]{2,80})$")
_BOLD = re.compile(r"\s{0,3}(?:\*\*|__)([^*_\n]{2,40})(?:\*\*|__)[.!]*\s*$")
_AFTER = re.compile(
    r"(?:\*\*|__|[*_])?[.!]*\s*(?:$|[,;:\u2013—(\[/]|(?:in|on|as|by|since|via|for|at|with|from"
    r"|see|pr|v?\.?\d|\#))",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"[\s*_:✅]*(?:(?:currently|now|already|status:?|mostly)\s+)?[*_]*$", re.I)
_BEGUN = re.compile(
    r"\b(?:work (?:on this )?(?:has|is) (?:already )?(?:begun|started|under ?way)"
    r"|initial (?:pr|implementation|version) (?:is )?(?:in|up|open|merged|landed|done)"
    r"|(?:pr|plan|spec) (?:is )?in flight|currently (?:wip|in progress|being \w+ed|working on)"
    r"|(?:is|are|has been|already) (?:already )?partially \w+ed|work already underway)",
    re.IGNORECASE,
)
_STRUCK = re.compile(r"~~(?=\S)(.+?)~~|<(del|s)>(.+?)</\2>", re.DOTALL)
_UNTICKED = re.compile(r"(?:~~|<(?:del|s)>)\[ \]\s")
_NEVER = re.compile(
    r"\b(?:won[\u2019']?t|will not|not needed|no longer|dropped|cancell?ed|abandoned|rejected"
    r"|superseded"
    r"|obsolete|replaced by|out of scope|descoped|not planned|decided against|not doing)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place where a status is said: ``raw`` at a 0-based line and column of the file."""

    status: Status
    kind: Kind
    line: int
    column: int
    raw: str


@dataclass(frozen=True, slots=True)
class Remark:
    """An item's mark and the part of its text (start, end) that is not title."""

    mark: Mark
    cut: tuple[int, int]


def phrase(text: str, legend: Legend) -> tuple[Status, Kind, int, str] | None:
    """Read a cell or field that is there to hold a status.

    Gives the status, how it is said, the offset in ``text`` and the wording; ``None`` when
    there is none.
    """
    box = _CELL_BOX.match(text)
    if box and legend.knows(box[1]):
        return legend.meaning(box[1]), "box", box.start(1), box[1]
    sign = next((s for s in _ANY_SIGN.finditer(text) if legend.knows(s.group())), None)
    word = LOOSE.search(text)
    if word and word.start() > 25 and len(text.split()) > 5:
        word = None  # deep in a sentence: an account of the work, not its status
    if sign:
        meant = legend.meaning(sign.group())
        named = status_named(word) if word and STRICT.match(text, word.start()) else None
        # Words explain a sign ("🟡 Planned"), but "✅ Ready" is done.
        status = named if named and (named != "todo" or meant != "done") else meant
        return status, "sign", sign.start(), sign.group()
    if word:
        return status_named(word), "word", word.start(), word.group()
    share = _PERCENT.search(text) or _FRACTION.search(text)
    if share:
        part, whole = int(share[1]), int(share[2]) if share.re is _FRACTION else 100
        status = "done" if part >= whole > 0 else "in_progress" if part else "todo"
        return status, "word", share.start(), share.group()
    return None


def placed(passage: Passage, found: tuple[Status, Kind, int, str], offset: int = 0) -> Mark:
    """Turn what ``phrase`` found at ``offset`` of a passage into a mark in the file."""
    status, kind, start, raw = found
    line, column = passage.locate(offset + start)
    return Mark(status, kind, line, column, raw)


def box_of(passage: Passage, legend: Legend) -> Remark | None:
    """Read the checkbox at the beginning of an entry."""
    match = _LEAD_BOX.match(passage.text)
    if not match:
        return None
    found: tuple[Status, Kind, int, str] = (
        legend.meaning(match[1]),
        "box",
        match.start(1),
        match[1],
    )
    return Remark(placed(passage, found), (match.start(1), match.end(1)))


def remark_of(passage: Passage, legend: Legend, *, heading: bool = False) -> Remark | None:
    """Read the status that an item's own text states, in whatever form; the first that fits."""
    text = mask(passage.text)
    if heading and (box := box_of(passage, legend)):
        return box
    for pattern in (_LEAD_SIGN, _LAST_SIGN):
        front = pattern is _LEAD_SIGN
        match = pattern.match(text) if front else pattern.search(text)
        if match and legend.trusts(match[1], front_of_heading=front and heading):
            raw = match[1]
            named = None if front else _stated(text[match.end(1) :])
            status = named[0] if named else legend.meaning(raw)
            found: tuple[Status, Kind, int, str] = (status, "sign", match.start(1), raw)
            return Remark(placed(passage, found), (match.start(1), match.end(1)))
    first = text.split("\n", 1)[0]
    for pattern, where in ((_LEAD_WORD, text), (_LAST_WORD, text), (_LAST_WORD, first)):
        match = pattern.match(where) if pattern is _LEAD_WORD else pattern.search(where)
        told = STRICT.match(match[1]) if match else None
        if match and told:
            found = (status_named(told), "word", match.start(1), match[1])
            return Remark(placed(passage, found), _whole(text, match.span()))
    for match in reversed(list(_BRACKETED.finditer(text))):
        if remark := _worded(passage, match):
            return remark
    for pattern in (_BOLD, _DASHED):
        for where in (text, first):
            match = pattern.search(where)
            if match and (remark := _worded(passage, match)):
                return remark
    begun = _BEGUN.search(text)
    if begun:
        found = ("in_progress", "word", begun.start(), begun.group())
        return Remark(placed(passage, found), (0, 0))
    return struck(passage, text)


def _stated(body: str) -> tuple[Status, int, str] | None:
    """Find a status at the beginning of a remark that says little else."""
    told = STRICT.search(body)
    if told and _BEFORE.match(body[: told.start()]) and _AFTER.match(body, told.end()):
        return status_named(told), told.start(), told.group()
    return None


def _worded(passage: Passage, match: re.Match[str]) -> Remark | None:
    stated = _stated(match[1])
    if not stated:
        return None
    status, start, raw = stated
    found: tuple[Status, Kind, int, str] = (status, "word", match.start(1) + start, raw)
    return Remark(placed(passage, found), match.span())


def _whole(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """Take the dash before a closing status word along."""
    before = re.search(r"[\s\-\u2013—:|]{0,5}$", text[: span[0]])
    return (before.start() if before else span[0]), span[1]


def struck(passage: Passage, text: str) -> Remark | None:
    """Read strikethrough: whole text done, a part begun; dropped if a word or open box says so."""
    matches = list(_STRUCK.finditer(text))
    if not matches:
        return None
    rest = plain(_STRUCK.sub(" ", text)).strip(" .:,;-\u2013—")
    line, column = passage.locate(matches[0].start())
    if _NEVER.search(rest) or _UNTICKED.match(text):
        status: Status = "dropped"
    elif not rest or (matches[0].start() <= 4 and len(matches[0].group()) >= len(rest)):
        status = "done"
    else:
        status = "in_progress"
    return Remark(Mark(status, "strike", line, column, matches[0].group()), (0, 0))


def crossed_out(remark: Remark | None) -> bool:
    """Tell whether a whole text, not a part of it, is struck through."""
    return (
        remark is not None and remark.mark.kind == "strike" and remark.mark.status != "in_progress"
    )


def says_never(text: str) -> bool:
    """Tell whether a text says that its subject will not be built."""
    return bool(_NEVER.search(text))
