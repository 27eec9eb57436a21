"""What an item says about itself beside its title: fields, owner, area, identity."""

from __future__ import annotations

import re
from dataclasses import dataclass

from neveridle.graph.sources.roadmap.text import Passage, mask, plain

_NAMES = (
    r"acceptance( criteria)?|after|approach|area|assigned( to)?|assignees?|background|benefits?"
    r"|blocked( by)?|blockers?|blocks|category|cause|caveats?|change|completed|completion"
    r"|complexity|component|confidence|consequences?|cons|context|cost|created|criteria"
    r"|current( state| coverage)?|date|deadline|deliverables?|delivers|dependenc(y|ies)"
    r"|depends( on)?|description|design|details?|docs|documentation|done when|dri|due( date)?"
    r"|duration|effort|enables|est|estimates?|estimated( \w+)?|eta|evidence|examples?"
    r"|exit criteria|expected( \w+)?|files?|files? (affected|changed|to \w+)|fix|follow-?ups?"
    r"|gap|gate|goals?|how|impact|implementation|issues?|key files|labels?|last updated|lead"
    r"|level|limitations?|links?|location|milestone|mission|mitigations?|motivation"
    r"|next( steps?)?|notes?|objectives?|outcomes?|outputs?|owners?|plans?|points?"
    r"|prereq(uisite)?s?|priority|problem|progress|proof( required)?|proposal|pros|prs?|purpose"
    r"|quarter|rationale|reason|references?|refs?|related|release|remaining|replaces"
    r"|requirements?|requires|responsible|result|results|reward|risks?|root cause|rule|scope"
    r"|severity|size|solution|source|sources|specs?|start( date)?|started|state|status|steps?"
    r"|story points|sub-?tasks|success( criteria| metrics?)?|summary|symptom|tags?"
    r"|target( \w+)?|tasks?|teams?|technical( \w+)?|tests?|testing|ticket|timeline"
    r"|tracking( issue)?|trade-?offs?|trigger|types?|unblocks|unlocks|updated|use cases?"
    r"|user stor(y|ies)|validation|value|verification|verify|version|what|when|where|who"
    r"|why( \w+)*|workaround"
)
_FIELD = re.compile(
    rf"(?:^|(?<=\n)|(?<=[|·•;])\s*|(?<=[.!]\s)|(?<=\*\*)\s)[ \t]*(?:[-*+]\s+)?(?:\*\*|__"
    rf"|[*_])?(?P<name>{_NAMES})"
    r"(?:\s*\([^()\n]*\))?(?:\s*:\s*(?:\*\*|__|[*_])|(?:\*\*|__|[*_])\s*:|\s*:)(?!//)[ \t]*"
    r"(?P<value>[^\n|·•]*)",
    re.IGNORECASE,
)
_DATA = re.compile(
    r"status|state|owner|assign|lead|dri|due|eta|estimate|effort|priority|date|deadline|duration"
    r"|target"
    r"|start|last updated|updated|created|goals?$|objectives?$|outcomes?$|mission|purpose|why"
    r"|milestone|timeline|version|depend"
    r"|success|acceptance|criteria|note|risk|rationale|reason|reference|related|source|progress"
    r"|prereq"
)
_INLINE = re.compile(
    r"[(\[—\u2013-]\s*(?:\*\*|__|[*_])?(?P<name>owner|assignee|assigned to|lead|dri|area"
    r"|component|team|label|status"
    r"|depends on|blocked by|requires|after|needs|prerequisites?|builds on)(?:\*\*|__"
    r"|[*_])?\s*:?(?:\*\*|__|[*_])?"
    r"\s+(?P<value>[^()\[\]\n]{1,120})",
    re.IGNORECASE,
)
_DEPENDS = re.compile(
    r"\b(?:depends on|dependent on|blocked by|blocked on|builds on|builds upon|prerequisites?:"
    r"|requires:?|once"
    r"|after|needs)\s+(?P<value>[^.;()\[\]\n]{1,120})",
    re.IGNORECASE,
)
_MENTION = re.compile(r"(?<![\w/@.`])@([A-Za-z0-9](?:[\w.-]{0,38}\w)?)(?!\.?[\w/@-])")
_REQUESTER = re.compile(
    r"(?:request\w*|reported|suggested|proposed|raised|thanks|thx|cc|credit\w*|idea|inspired|see"
    r"|via)"
    r"(?: (?:by|to|from))?:?\s*$",
    re.IGNORECASE,
)
_ROLE_TAG = re.compile(r"^\[(?P<area>[A-Za-z][\w /&+.-]{1,24})\](?!\(|\[|:)\s+(?=\S)")
_IDENTITY = re.compile(
    r"^[\W_]*(?P<id>(?:phase|quest|milestone|epic|task|step|stage|sprint|feature|issue|story|wave"
    r"|tier|track|item"
    r"|workstream|rfc|adr|spec|plan|week|part)\s+#?\d+[a-z]?(?:[.-]\d+)*[a-z]?"
    r"|[A-Z][A-Z]{0,9}-?\d+(?:\.\d+)*[a-z]?"
    r"(?:-\d+[a-z]?)*|[A-Z]{2,10}(?:-[A-Z]{1,8})+-\d+|\d{2}-\d{2}(?!-?\d))(?![\w/])",
    re.IGNORECASE,
)
_ANYWHERE = re.compile(
    r"(?<![\w#/-])(?:(?:phase|quest|milestone|epic|task|step|stage|sprint|feature|tier|wave"
    r"|track)\s+"
    r"\d+[a-z]?(?:\.\d+)*|[A-Z]{1,10}-?\d+(?:\.\d+)*[a-z]?(?:-\d+[a-z]?)*|#\d+"
    r"|\d{2}-\d{2})(?![\w/])",
    re.IGNORECASE,
)
_NO_IDENTITY = re.compile(
    r"(?:p[0-4]|q[1-4]|h[12]|v\d.*|http\d|utf-?\d+|x\d+|s3|ec2|h26\d|mp\d)$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Field:
    """``name: value`` in an item's text, with the offsets of the field and of its value."""

    name: str
    value: str
    start: int
    offset: int


def _field(passage: Passage, match: re.Match[str], name: str) -> Field:
    value = passage.text[match.start("value") : match.end("value")].rstrip()
    return Field(name.casefold(), value, match.start(), match.start("value"))


def fields_of(passage: Passage) -> list[Field]:
    """Find the known fields (status, owner, depends on, …) in a passage, in order."""
    return [_field(passage, m, m["name"]) for m in _FIELD.finditer(mask(passage.text))]


def remarks_of(passage: Passage) -> list[Field]:
    """Find fields said inside a sentence: "(owner: Ana)", "— depends on Login"."""
    text = mask(passage.text)
    found = [_field(passage, m, m["name"]) for m in _INLINE.finditer(text)]
    return found + [_field(passage, m, "depends on") for m in _DEPENDS.finditer(text)]


def is_field(passage: Passage, *, below_item: bool) -> bool:
    """Tell whether an entry is nothing but a field.

    Args:
        passage: the entry's text.
        below_item: it stands below an item, where "Tests: …" is a detail of that item;
            elsewhere it may well be an item, and only plain data ("Owner: …") is a field.
    """
    found = fields_of(passage)
    if not found or passage.text[: found[0].start].strip(" *_-\n"):
        return False
    return below_item or bool(_DATA.match(found[0].name))


def owner_in(text: str) -> str | None:
    """Read the person named by ``@name``, unless named for asking or helping."""
    masked = mask(text)
    for match in _MENTION.finditer(masked):
        if not _REQUESTER.search(masked[: match.start()]):
            return match[1]
    return None


def owner_from(value: str) -> str | None:
    """Clean an owner field; ``None`` for "nobody yet"."""
    name = plain(value).strip(" .,;:@()[]")
    if not name or name.casefold() in (
        "-",
        "\u2013",
        "—",
        "tbd",
        "none",
        "n/a",
        "nobody",
        "unassigned",
        "?",
        "open",
        "tba",
    ):
        return None
    return name.replace("@", "")


def area_tag(text: str) -> str | None:
    """Read the label of "[backend] Title"."""
    match = _ROLE_TAG.match(text)
    return match["area"] if match else None


def identity(title: str) -> str | None:
    """Give the name by which a title can be referred to: "task-101a", "phase 2"."""
    match = _IDENTITY.match(plain(title))
    if not match or _NO_IDENTITY.match(match["id"]):
        return None
    return " ".join(match["id"].casefold().split())


def identities_in(text: str) -> list[str]:
    """Give every name of that kind in a text, in order."""
    return [
        " ".join(match.group().casefold().split())
        for match in _ANYWHERE.finditer(plain(text))
        if not _NO_IDENTITY.match(match.group())
    ]
