"""Paragraphs that head what follows them: "**Deliverables:**", "Planned:"."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from neveridle.graph.sources.roadmap.bullets import Context, plain_for
from neveridle.graph.sources.roadmap.sections import is_form, role_of
from neveridle.graph.sources.roadmap.status import remark_of
from neveridle.graph.sources.roadmap.text import Passage

if TYPE_CHECKING:
    from neveridle.graph.sources.roadmap.legend import Legend

_LABEL = re.compile(
    r"^(?:(?P<mark>\*\*|__|[*_])(?P<lead>[^*_\n]{2,80})(?P=mark)(?:\s*\([^()\n]*\))?"
    r"\s*(?P<rest>:?[^\n]*)|(?P<short>[^\n]{2,80}):)$"
)
_FIELD = re.compile(r"^\s*(?:\*\*|__)[^*_\n]{2,60}(?:\*\*|__)\s*:?|^[A-Z][\w ]{2,30}: \S")
_SUMMARY = re.compile(r"<summary>(.*?)</summary>", re.IGNORECASE | re.DOTALL)


def last_line(passage: Passage) -> Passage:
    """Give the last line of a passage: a label may close a block of fields."""
    text = passage.text.rsplit("\n", 1)[-1]
    return Passage(text.strip(), (passage.locate(len(passage.text) - len(text.lstrip())),))


def ends_label(passage: Passage) -> bool:
    """Tell whether a paragraph is a field of its own ("**Plans**: 4"), which ends a label."""
    return bool(_FIELD.match(last_line(passage).text))


def label_context(
    passage: Passage, context: Context, legend: Legend, *, follows: bool
) -> Context | None:
    """Give the context of what follows a paragraph, if the paragraph is a label.

    Args:
        passage: the paragraph.
        context: where it stands.
        legend: the meaning of signs.
        follows: a list, table or code comes directly after it.
    """
    line = last_line(passage)
    match = _LABEL.match(line.text)
    if not match:
        return None
    name, rest = match["lead"] or match["short"], (match["rest"] or "").strip(" :")
    if match["short"] and len(name.split()) > 7:
        return None
    if rest and not (follows and line.text.endswith(":")):
        return None  # "**Goal:** …" says something itself; it heads nothing
    role = role_of(name)
    context = replace(context, form=context.form or is_form(name))
    remark = remark_of(line, legend)
    status = (remark.mark.status if remark else role.status) or context.status
    if context.plain == "off" or (
        context.plain == "box" and role.promise not in ("criteria", "legend")
    ):
        return context
    if role.promise in ("neutral", "recap"):
        return replace(context, status=status)
    usual = plain_for(role.promise, context.plain)
    if usual == "item" and (context.below or context.plain == "lead") and role.status is None:
        usual = context.plain
    return replace(context, plain=usual, status=status, promise=role.promise)


def summary_context(lines: list[str], context: Context) -> Context | None:
    """Give the context of what follows the ``<summary>`` of a folded section."""
    match = _SUMMARY.search("\n".join(lines))
    if not match:
        return None
    role = role_of(match[1])
    if context.plain in ("off", "box"):
        return context
    plain = plain_for(role.promise, context.plain)
    return replace(context, plain=plain, status=role.status or context.status)
