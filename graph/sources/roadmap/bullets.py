"""What a single bullet or numbered point is: an item, a category, a detail, a rule."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from neveridle.graph.sources.roadmap.outline import Entry, Listing
from neveridle.graph.sources.roadmap.references import identity, is_field
from neveridle.graph.sources.roadmap.sections import Role, is_group, role_of
from neveridle.graph.sources.roadmap.status import Remark, box_of, remark_of
from neveridle.graph.sources.roadmap.text import fold, plain
from neveridle.graph.sources.roadmap.titles import title_of

if TYPE_CHECKING:
    from neveridle.graph.sources.roadmap.item import Status
    from neveridle.graph.sources.roadmap.outline import Section
    from neveridle.graph.sources.roadmap.scan import Found, Scan
    from neveridle.graph.sources.roadmap.sections import Promise

Plain = Literal["item", "lead", "mark", "box", "off"]
"""Which entries without a checkbox are items: all, those with a bold lead, those with a mark
of their own, none; ``off`` leaves out checkboxes too."""

# A bullet of these words alone names a part of the product; what hangs below it are the items.
_AREAS = frozenset(
    re.findall(
        r"\w+",
        """
        accessibility admin ai analytics android api apis app architecture audio auth backend bugs
        authentication authorization build chores ci cd cleanup cli client cloud code community
        compiler core data database deployment design desktop developer devops docs documentation
        ecosystem editor engine enhancements experience features fixes foundation frontend general
        graphics gui hardware i18n improvements infra infrastructure integration integrations
        internals ios language library linux localization macos maintenance misc miscellaneous
        middleware mobile monitoring network networking observability ops optimization other
        packaging performance platform platforms plugins quality refactoring release reliability
        research runtime scalability sdk sdks search security server storage support system testing
        tests tooling tools ui usability user ux video web website windows workflow technical debt
        new existing advanced basic additional and the of for more further
        """,
    )
)
_CONTENTS = re.compile(
    r"^\s*(?:\*\*)?\[[^\[\]]*\]\((?:#|(?!https?:)[^()\s]*\.(?:md|rst|html?|pdf)\b)[^()]*\)(?:\*\*)?"
)
_RULE = re.compile(
    r"^(?:do not|don[\u2019']t|never|always|must|avoid|note|nb|tip|warning|important|see|e\.g|i\.e"
    r"|for details|this (?:is|document|roadmap)|we (?:are|use|value|believe)"
    r"|all (?:of|the) |items? (?:marked|are|in))\b",
    re.IGNORECASE,
)
_HORIZON = re.compile(
    r"^(?:now|next|soon|later|someday|done|todo|to do|in progress|planned|backlog|p[0-4]|high"
    r"|medium|low|critical|must|should|could|won[\u2019']?t|integer \w+|decimal \w+)\b",
    re.IGNORECASE,
)
_EXPLAINED = re.compile(r"(?: \w+){0,2}(?: \([^()]*\))?(?:[:,=]|\s[-\u2013—])\s")
_PRIORITY = re.compile(
    r"^p[0-4]\s*(?:\([^()]*\)\s*)?[:=\u2013—-]\s+(?:[a-z]|must|we |this |critical|high|medium|low"
    r"|nice"
    r"|should|important|block)",
    re.IGNORECASE,
)
_VERB = re.compile(
    r"^(?:add|allow|automate|build|change|clean|configure|convert|create|define|deprecate|design"
    r"|document|drop|enable|expand|explore|export|extend|fix|generate|handle|implement|improve"
    r"|increase|integrate|introduce|investigate|make|migrate|move|optimi[sz]e|option|port|provide"
    r"|publish|refactor|reduce|release|remove|rename|replace|rewrite|set up|setup|ship|show|split"
    r"|support|test|track|update|upgrade|validate|verify|write)(?:e?d|ing)?\b",
    re.IGNORECASE,
)
_TODO = re.compile(r"to-?do|planned|pending|not\s", re.IGNORECASE)
_BOLD_LEAD = re.compile(r"^(?:\*\*|__)[^*_]")
_LEAD_WORDS = re.compile(r"^(?:\*\*|__)(?P<lead>[^*]+?):?(?:\*\*|__)\s*(?P<rest>.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Context:
    """Where a list stands: what counts as an item there, and what its items inherit.

    Attributes:
        section: the nearest heading above.
        plain: which entries without a checkbox are items.
        status: what the section or label says of everything in it.
        parent: the item that these are parts of.
        promise: what the section promises.
        below: the list hangs below an item, so its plain entries are details of that item.
        form: the place shows how entries are written, so "Task 1" there is a blank.
    """

    section: Section | None
    plain: Plain
    status: Status | None = None
    parent: Found | None = None
    promise: Promise = "neutral"
    below: bool = False
    form: bool = False

    def takes_loose_names(self, remark: Remark | None) -> bool:
        """Tell whether "Task 1" or "TODO" with this mark will do for a title here."""
        return remark is not None and self.plain != "box" and not self.form


def plain_for(promise: Promise, usual: Plain) -> Plain:
    """Give what counts as an item under a label or list node that promises something."""
    by_promise: dict[Promise, Plain] = {
        "work": "item",
        "group": "item",
        "criteria": "off",
        "legend": "off",
        "barren": "box",
        "state": "mark",
    }
    return by_promise.get(promise, usual)


def category(entry: Entry, context: Context, remark: Remark | None, scan: Scan) -> Context | None:
    """Give the context of the entries below one that only names a category, else ``None``."""
    children = [
        child for block in entry.blocks if isinstance(block, Listing) for child in block.entries
    ]
    if not children:
        return None
    text = plain(entry.passage.text)
    lead = _LEAD_WORDS.match(entry.passage.text)
    label = plain(lead["lead"]) if lead and not lead["rest"].strip(" :") else text
    role = Role("neutral") if _AREAS.issuperset(fold(label).split()) else role_of(label)
    if not (
        is_field(entry.passage, below_item=context.below)
        or _names_category(entry, label, role, children, context)
        or (not remark and _any_marked(children, scan))
    ):
        return None
    status = (remark.mark.status if remark else role.status) or context.status
    if context.below and role.promise == "neutral":
        return replace(context, status=status)
    usual = context.plain
    if role.promise not in ("neutral", "recap"):
        usual = plain_for(role.promise, context.plain)
    # "Deliverables" below an item, or in an account of today, does not make its bullets items.
    opens = role.status is not None and context.promise != "state"
    if usual == "item" and not opens:
        usual = context.plain
    return replace(context, plain=usual, status=status)


def _names_category(
    entry: Entry, label: str, role: Role, children: list[Entry], context: Context
) -> bool:
    return len(label.split()) <= 6 and (
        role.promise in ("criteria", "legend")
        or (role.promise == "barren" and ":" in entry.passage.text)
        or role.status is not None
        or (is_group(label) and not context.below)
        or plain(entry.passage.text).endswith(":")
        or _AREAS.issuperset(fold(label).split())
        or _heads_verbs(entry, children)
    )


def _heads_verbs(entry: Entry, children: list[Entry]) -> bool:
    """Tell whether a bullet of a few words only heads bullets that each begin with a verb."""
    text = plain(entry.passage.text)
    if len(text.split()) > 3 or _VERB.match(text) or _BOLD_LEAD.match(entry.passage.text):
        return False
    verbs = sum(1 for child in children if _VERB.match(plain(child.passage.text)))
    return verbs * 2 >= len(children) > 1


def _any_marked(children: list[Entry], scan: Scan) -> bool:
    return any(
        box_of(child.passage, scan.legend) or marked(remark_of(child.passage, scan.legend))
        for child in children
    )


def marked(remark: Remark | None) -> bool:
    """Tell whether a remark stands at the front, as the mark of an item does."""
    if remark is None or remark.cut[0] > 3 or remark.cut == (0, 0):
        return False
    return remark.mark.kind in ("sign", "box") or _plainly(remark)


def _plainly(remark: Remark) -> bool:
    """Tell whether a worded mark is more than a word such as "(ready)" in passing."""
    return remark.mark.status != "todo" or bool(_TODO.match(remark.mark.raw))


def is_item(entry: Entry, context: Context, remark: Remark | None, scan: Scan) -> bool:
    """Tell whether an entry without a checkbox names a unit of work."""
    passage, front = entry.passage, marked(remark)
    text = plain(passage.text)
    title = title_of(passage.text, remark.cut if remark else (0, 0))
    if context.plain in ("box", "off") or is_field(
        passage, below_item=context.below or context.plain == "lead"
    ):
        return False
    if context.plain == "mark" and not front and (context.below or not _tells(remark)):
        return False
    if context.plain == "lead" and not front and not _BOLD_LEAD.match(passage.text):
        return False
    if _CONTENTS.match(passage.text) and not remark:
        return False
    if not front and (_RULE.match(text) or _defines(text, context)):
        return False
    recap = context.promise in ("recap", "state", "neutral")
    earlier = None if context.below else scan.restated(text, title, recap=recap)
    if earlier:
        return earlier.section is context.section and (identity(title) or "") not in scan.by_name
    # A bare name that is also a heading further down: a table of contents.
    bare = not entry.blocks and not front and context.promise != "work"
    return not (bare and fold(title) in scan.headings)


def _tells(remark: Remark | None) -> bool:
    return remark is not None and remark.mark.kind != "strike" and _plainly(remark)


def _defines(text: str, context: Context) -> bool:
    """Tell whether an entry explains a word such as "now" rather than naming work."""
    if context.status is not None:
        return False
    if _PRIORITY.match(text):
        return True
    horizon = _HORIZON.match(text) if context.promise in ("neutral", "recap") else None
    return bool(horizon and _EXPLAINED.match(text, horizon.end()))
