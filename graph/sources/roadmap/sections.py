"""What a heading or a label promises about the lists below it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from neveridle.graph.sources.roadmap.barren import is_barren
from neveridle.graph.sources.roadmap.text import plain
from neveridle.graph.sources.roadmap.vocabulary import SIGN, STRICT, status_named

if TYPE_CHECKING:
    from neveridle.graph.sources.roadmap.item import Status

Promise = Literal["work", "group", "neutral", "recap", "state", "barren", "criteria", "legend"]
"""What stands below.

work: bullets are items. group: a phase or version, whose bullets are items unless it has
checkboxes too. neutral: says nothing. recap: an order, a summary or a schedule, which mostly
repeats items. state: an account of today, in which only marked bullets are items. barren:
only checkboxes are items. criteria, legend: nothing is.
"""

_ORDINAL = re.compile(r"^(?:\d+(?:\.\d+)*[.):]?|[IVX]{1,5}[.)]|[A-Z][.)])\s+(?=\S)")
_DECORATION = re.compile(rf"(?:{SIGN}|[\ufe0f\u200d])+")
_PAREN = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")

_CRITERIA = re.compile(
    r"\b(?:success|acceptance|exit|completion|entry|done) (?:criteri\w+|conditions?)"
    r"|definitions? of done"
    r"|^acceptance\b|^success (?:metrics|measures)|^criteria|^dod$|^quality gates?|^must be true"
    r"|\b(?:milestone|release|phase|stage|go/no-go) gates?\b",
)
_LEGEND = re.compile(
    r"^(?:status |priority |icon |emoji |symbol )?(?:legend|key|keys|symbols|markers|icons)$"
    r"|^status (?:keys?|definitions?|values?|meanings?|indicators?|icons?|labels?|emojis?)"
    r"|^(?:priority|effort|size|label|status) (?:levels?|legend|definitions?|scale|guide|labels?)"
    r"|\b(?:legend|templates?)$|^(?:item|task|entry|phase) (?:format|template)|^format$"
    r"|^conventions?$",
)
_RECAP = re.compile(
    r"^(?:summary|recap|at a glance|quick (?:reference|overview|summary|view))\b|\bsummary$"
    r"|\boverview$"
    r"|\btimeline\b|\bschedule$|\bcalendar$|^progress\b|\bprogress$|^dashboard|^tracking|\btracker$"
    r"|\border\b|\bsequenc(?:e|ing)\b|^priorit(?:y|ies|ization)\b|\bpriority matrix"
    r"|^prioriti[sz]ed (?:list|order)"
    r"|^in flight$|\bwaves?$|^gantt|^milestone gates|^path to\b|^recommended (?:path|next)"
    r"|^release plan$"
    r"|^(?:dependency|execution|implementation) (?:plan|order|sequence)|^critical path|^week \d"
    r"|^day \d",
)
_STATE = re.compile(
    r"^(?:(?:current|project|present|overall|existing) )?(?:status|state|baseline|situation)\b"
    r"|^(?:current|existing|today'?s?) (?:features?|capabilities|implementation|repository|system"
    r"|version)"
    r"|\bsnapshot$|^where we are|^what (?:works|we have|exists|is there)|^implementation status"
    r"|^today$|^baseline\b|^strengths$"
    r"|^(?:implemented|working|missing) today$",
)
_WORK = re.compile(
    r"\b(?:to[- ]?dos?|backlog|tasks?(?![- ]?\d)|action items?|work ?items?|features?|ideas?"
    r"|wish ?list|enhancements?"
    r"|improvements?|next steps?|plans?|planned|planning|upcoming|deliverables?|roadmap|future"
    r"|issues|bugs?|fixes"
    r"|wants?|nice[- ]to[- ]haves?|must[- ]haves?|should[- ]haves?|could[- ]haves?|remaining"
    r"|stretch|checklist"
    r"|long[- ]?(?:er)?[- ]term|short[- ]?(?:er)?[- ]term|near[- ]?(?:er)?[- ]term"
    r"|medium[- ]?(?:er)?[- ]term"
    r"|mid[- ]term|work|technical debt|tech debt|quick wins|research|explor\w+|experiments?"
    r"|initiatives|epics"
    r"|todo list|up next|icebox|parking lot|radar|considering|under consideration|wishes"
    r"|good first|help wanted|good places to start|follow[- ]?ups?|gaps|scope)\b"
    r"|^(?:now|next|later|soon|current|someday|maybe|eventually|unspecced|uncategori[sz]ed"
    r"|misc\w*|other|items?|high"
    r"|medium|low|critical|urgent|immediate|immediately|small|medium|larger?|p[0-4])\b",
)
_GROUP = re.compile(
    r"^(?:phases?|tiers?|milestones?|stages?|sprints?|waves?|tracks?|themes?|pillars?|part"
    r"|horizons?|releases?"
    r"|iterations?|steps?|levels?|batch|epics?|workstreams?|streams?|quarter|year|month"
    r"|priority \d|cycles?|q[1-4]|h[12]"
    r"|v?\d+\.\d+(?:\.[\dx]+)*|v\d+|version|mvp|alpha|beta|post-\w+|pre-\w+|20\d\d|spring|summer"
    r"|autumn|fall"
    r"|winter|january|february|march|april|may|june|july|august|september|october|november"
    r"|december)\b"
    r"|\b(?:release|milestone|phase|v\d+(?:\.\d+)*|20\d\d|q[1-4])$|^m\d+\b|^\d+\.\d+\b",
)
_NUMBERED_GROUP = re.compile(
    r"(?:phase|milestone|stage|sprint|tier|wave|step|part|track|theme|epic|release|version"
    r"|[mqv])\W*\d"
)
_DROPPED = re.compile(
    r"^(?:things |what |items |features )?(?:we |i |that )?(?:explicitly |deliberately "
    r"|definitely )?"
    r"(?:out[- ]of[- ]scope|won[\u2019']?t[- ](?:do|fix|have|implement|build|happen)"
    r"|will not (?:do|be \w+|implement|build)"
    r"|not (?:planned|doing|going to \w+|in scope|pursuing)|rejected|dropped|cancell?ed|abandoned"
    r"|declined|discarded"
    r"|decided against|anti-?patterns?|obsolete|removed|never|descoped|ruled out)\b"
    r"|\b(?:rejected|dropped|cancell?ed|abandoned|out of scope)$|\bwe (?:will not"
    r"|won[\u2019']?t) (?:do|build|implement)",
)
_DONE = re.compile(
    r"^(?:(?:recently|already|previously|so far|what(?:[\u2019']s| is| has been)?(?: been)?) )*"
    r"(?:done|completed?|shipped|finished|implemented|delivered|achieved|built|landed|fixed"
    r"|resolved|closed|released)"
    r"(?:$|[:,]|\s+(?:[-\u2013—(]|v?\d|(?:so far|items?|features?|work|tasks?|phases?|milestones?"
    r"|releases?|versions?"
    r"|issues|bugs|recently|and|in|as of|for|this|since|here|epics?|improvements?|sprints?)\b))"
    r"|^(?:completed|shipped|delivered|implemented|finished) \w+$|^(?:accomplish|achieve)(?:ed"
    r"|ments?)|^achievements"
    r"|^what (?:we|we[\u2019']ve|i|has been|was) (?:have )?(?:accomplished|achieved|done|built"
    r"|shipped)"
    r"|^(?:already|recently) (?:exists?|available|there)",
)
_PROGRESS = re.compile(
    r"^(?:currently |work )?(?:in[- ]progress|wip|under ?way|ongoing|in development"
    r"|under development|active"
    r"|in review|doing|started|being (?:built|worked on)|working on|half[- ](?:built"
    r"|done))\b.{0,40}$"
    r"|^what we(?:'re|\u2019re| are) working on|^(?:currently )?working on(?: now)?$"
    r"|^partial(?:ly)?\b.{0,30}$",
)
_TODO = re.compile(
    r"^(?:planned|not (?:yet )?started|to[- ]?do|upcoming|backlog|future|next|later|pending"
    r"|proposed|queued"
    r"|deferred|postponed|blocked|on hold|parked|parking lot|unscheduled"
    r"|not (?:yet )?(?:implemented|done))\b",
)
_FORM = re.compile(
    r"\b(?:templates?|formats?|form|examples?|samples?|boilerplate|placeholders?"
    r"|how to (?:use|add))\b"
)


@dataclass(frozen=True, slots=True)
class Role:
    """What a heading or label says: the kind of thing below it, and a status for all of it."""

    promise: Promise
    status: Status | None = None


def bare(title: str) -> str:
    """Reduce a heading to its words: no ordinal, sign or closing colon; lower case."""
    text = _DECORATION.sub(" ", plain(title)).strip(" :*_-\u2013—|.")
    text = _ORDINAL.sub("", text)
    return " ".join(text.split()).casefold()


def role_of(title: str) -> Role:
    """Classify a heading or a label by its words."""
    name = bare(title)
    core = _PAREN.sub("", name).strip(" :") or name
    if _CRITERIA.search(core):
        return Role("criteria")
    if _DROPPED.search(core) and not core.startswith("non"):
        return Role("work", "dropped")
    if _LEGEND.search(core):
        return Role("legend")
    if is_barren(core):
        return Role("barren")
    if _STATE.search(core):
        return Role("state")
    if _DONE.match(core):
        return Role("work", "done")
    if _PROGRESS.match(core):
        return Role("work", "in_progress")
    if _RECAP.search(core) and not _NUMBERED_GROUP.match(core):
        return Role("recap")
    if _GROUP.search(core):
        return Role("group", _closing_status(core))
    if _TODO.match(core):
        return Role("work", "todo")
    if _WORK.search(core):
        return Role("work")
    return Role("neutral")


def _closing_status(name: str) -> Status | None:
    """Read "v0.1 released", "Phase 2: complete"."""
    for match in STRICT.finditer(name):
        if match.end() == len(name) and status_named(match) in ("done", "in_progress", "dropped"):
            return status_named(match)
    return None


def is_form(title: str) -> bool:
    """Tell whether a heading or label announces a form to fill in ("Example", "Format")."""
    return bool(_FORM.search(bare(title)))


def is_group(title: str) -> bool:
    """Tell whether a heading is named as a phase, version, quarter or the like."""
    return bool(_GROUP.search(_PAREN.sub("", bare(title)).strip(" :") or bare(title)))
