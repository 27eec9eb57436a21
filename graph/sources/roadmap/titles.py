"""An item's title out of its text."""

from __future__ import annotations

import re

from neveridle.graph.sources.roadmap.references import identity
from neveridle.graph.sources.roadmap.text import plain
from neveridle.graph.sources.roadmap.vocabulary import SIGN

_BOX = re.compile(r"^\s*(?:\*\*)?`?\[[^\[\]\n]{1,2}\]`?(?=\s|$)\s*")
_SIGNS = re.compile(rf"^(?:{SIGN}|[\ufe0f\u200d]|\s)+")
_LAST_SIGNS = re.compile(rf"(?:{SIGN}|[\ufe0f\u200d]|\s)+$")
_ORDINAL = re.compile(
    r"^(?:#\s?)?(?:\d{1,3}(?:\.\d{1,3})*[.):](?=\s)|\d{1,2}(?:\.\d{1,2})+(?=\s)"
    r"|[A-Za-z][.)](?=\s))\s*"
)
_BOLD = re.compile(r"^(?:\*\*|__)(?P<lead>(?:(?!\*\*|__).)+)(?:\*\*|__)(?P<rest>.*)$", re.DOTALL)
_LAST_NOTE = re.compile(
    r"\s*[(\[](?:[^()\[\]]*\b(?:20\d\d|\d+(?:\.\d+)?\s*(?:h|hrs?|hours?|d|days?|w|weeks?|pts?"
    r"|points?|sp)"
    r"|q[1-4]|optional|mandatory|very important|future|current|owner|assignee|default|depends"
    r"|blocked|@)\b[^()\[\]]*"
    r"|@[\w-]+|v?\d+\.\d+(?:\.\d+)?)[)\]]\s*$",
    re.IGNORECASE,
)
_LAST_REMARK = re.compile(
    r"\s+[-\u2013—]\s+(?:depends on|blocked by|requires|after|owner|assigned|assignee|lead)\b.*$",
    re.I,
)
_PARTLY = re.compile(r"(?P<lead>[^~\n]{8,80}?):\s*~~")
_LEAD = re.compile(r"^(?P<lead>[^:\n]{8,90}?)(?::\s|\s[—\u2013]\s|\s-\s)")
_CLAUSE = re.compile(
    r"(?<=[\w)\]\"'`])(?<!\bvs)(?<!\be\.g)(?<!\bi\.e)(?<!\betc)(?<!\bincl)[.;!](?:\s|$)"
)
_EDGES = " \t\n.,;:*_|-\u2013—→·"

LONG = 80


def title_of(text: str, cut: tuple[int, int] = (0, 0)) -> str:
    """Give the title within an item's text.

    Args:
        text: the item's source text without its list marker.
        cut: the part of it that only says the status, to be left out.
    """
    text = f"{text[: cut[0]]} {text[cut[1] :]}" if cut != (0, 0) else text
    text = _BOX.sub("", text).strip()
    text = _ORDINAL.sub("", _SIGNS.sub("", text)).strip()
    text = (
        re.sub(r"^~~\s*|^<(?:del|s)>", "", text) if text.startswith(("~~", "<del", "<s>")) else text
    )
    text = _BOX.sub("", text)  # "~~[ ] text~~"
    begun = _PARTLY.match(text)
    if begun:
        return _tidy(begun["lead"])
    bold = _BOLD.match(text)
    if bold and plain(bold["lead"]).strip(_EDGES):
        lead = _BOX.sub("", bold["lead"].strip())
        named = identity(lead)
        if named and len(plain(lead).strip(_EDGES)) <= len(named) + 1:
            return _tidy(f"{lead.strip(_EDGES)}: {_first(bold['rest'].strip(_EDGES))}")
        if re.match(r"\s*(?:$|[:.,;—\u2013(\[|→=/+&`✅]|-\s|\n)|\s+[^\W\d_]", bold["rest"]):
            joined = re.match(r"\s+[^\W\d_]", bold["rest"]) and not bold["lead"].rstrip().endswith(
                (":", ".", "—", "\u2013", "-", "?", "!")
            )
            return _tidy(_first(f"{lead}{bold['rest']}") if joined else lead)
    return _tidy(_first(text))


def _first(text: str) -> str:
    """Keep the lead or first clause of what is too long for a title."""
    bare = plain(text)
    clause = _CLAUSE.search(bare, 12)
    if clause:
        bare = bare[: clause.start()]
    if len(bare) > LONG:
        lead = _LEAD.match(bare)
        if (
            lead
            and not identity(lead["lead"])
            and len(lead["lead"]) >= 12
            and lead["lead"].count("(") == lead["lead"].count(")")
        ):
            bare = lead["lead"]
    return bare


def _tidy(text: str) -> str:
    bare = plain(text).strip(_EDGES)
    bare = _ORDINAL.sub("", _LAST_SIGNS.sub("", _SIGNS.sub("", bare)))
    shorter = _LAST_NOTE.sub("", _LAST_REMARK.sub("", bare)).strip(_EDGES)
    return shorter or bare or plain(text)
