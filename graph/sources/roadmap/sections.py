"""What a heading or a label promises about the lists below it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

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
_DECORATION = re.compile(rf"(?:{SIGN}|[\U0001f000-\U0001faff\u2190-\u2bff\ufe0f\u200d])+")
_PAREN = re.compile(r"\s*[(\[][^()\[\]]*[)\]]\s*$")

_CRITERIA = re.compile(
    r"\b(?:success|acceptance|exit|completion|entry|done) (?:criteri\w+|conditions?)|definitions? of done"
    r"|^acceptance\b|^success (?:metrics|measures)|^criteria|^dod$|^quality gates?|^must be true"
    r"|\b(?:milestone|release|phase|stage|go/no-go) gates?\b",
)
_LEGEND = re.compile(
    r"^(?:status |priority |icon |emoji |symbol )?(?:legend|key|keys|symbols|markers|icons)$"
    r"|^status (?:keys?|definitions?|values?|meanings?|indicators?|icons?|labels?|emojis?)"
    r"|^(?:priority|effort|size|label|status) (?:levels?|legend|definitions?|scale|guide|labels?)"
    r"|\b(?:legend|templates?)$|^(?:item|task|entry|phase) (?:format|template)|^format$|^conventions?$",
)
_BARREN_NAMES = frozenset(
    name.strip()
    for name in """
    goals; goal; non-goals; nongoals; non goals; objectives; objective; aims; project goals; overall goals; design goals
    main goals; key goals; product goals; our goals; goals overview; key objectives; overview; introduction; intro; about
    preamble; preface; abstract; purpose; background; context; motivation; rationale; problem; problems; problem statement
    premise; thesis; analysis; findings; key findings; insights; key insights; takeaways; key takeaways; observations
    architecture; system architecture; technical architecture; target architecture; architecture overview; tech stack
    technology stack; technology; stack; terminology; glossary; definitions; naming; nomenclature; conventions; feedback
    community; contact; support; help; license; licence; credits; thanks; acknowledgements; acknowledgments; references
    reference; resources; links; related; see also; further reading; sources; bibliography; source notes; related docs
    related documents; related documentation; related work; useful links; external links; helpful links; docs
    assumptions; constraints; key constraints; design constraints; hard constraints; limitations; known limitations
    dependencies; external dependencies; dependency; critical path; the critical path; blockers; budget; staffing; team
    team structure; roles; roles & responsibilities; responsibilities; stakeholders; metrics; kpis; key metrics
    key performance indicators; success metrics; benefits; advantages; impact; questions; open questions
    unresolved questions; decisions; key decisions; design decisions; open decisions; resolved decisions; locked decisions
    decisions needed; decision log; discussion; notes; note; important notes; additional notes; other notes; design notes
    implementation notes; technical notes; general notes; side notes; development notes; caveats; disclaimer; warning
    changelog; change log; history; version history; revision history; build log; work log; session log; update log
    progress log; log; release notes; release history; release process; release cadence; release strategy; release policy
    release schedule; recent changes; recent updates; recent activity; updates; versioning; versioning policy
    versioning scheme; version numbering; deprecation policy; support policy; review; reviews; review process; process
    workflow; development workflow; governance; cadence; policy; policies; table of contents; contents; toc; index
    navigation; example; examples; faq; faqs; frequently asked questions; testing strategy; test strategy; test plan
    testing approach; verification; verification plan; validation; validation plan; ownership boundaries; usage; commands; comparison; competition; competitors
    competitive landscape; competitive analysis; competitive positioning; market; market analysis; positioning; audience
    target audience; target users; personas; users; requirements; prerequisites; coverage; ecosystem; alignment
    approach; strategy; methodology; outcomes; outcome; rollback; rollback plan; project structure; file structure
    directory structure; folder structure; code structure; file layout; cost; costs; pricing; security model
    security considerations; considerations; design considerations; technical considerations; trade-offs; tradeoffs
    recommendations; inspiration; prior art; data model; current architecture; distribution; contributors; maintainers
    sponsors; donations; funding; preconditions; inputs; outputs; scope notes; appendix notes; lessons; lessons learned
    current limitations; what is this; maintenance; document info; document history; document control; revision
    implementation details; technical details; details; monitoring metrics; risk register; escalation; communication
    """.replace("\n", ";").split(";")
)
_BARREN = re.compile(
    r"\b(?:vision|mission|philosophy|principles?|tenets|mindset|rationale|legend)$|^(?:vision|mission|philosophy)\b|^north star"
    r"|^(?:guiding|core|our) (?:values|beliefs|ideas?|principles?)|^values$|^non-?goals?\b|^anti-?goals"
    r"|^why\b|^what (?:do|does|is|are|we mean|this|it|success|good|done)\b|^how (?:to|we|you|this|it|can|do|does|i)\b|^who\b|\?$"
    r"|^executive summary|^tl;?dr|^using (?:the|this)\b|\bcontribut(?:e|ing)\b|^contributions?\b|^get(?:ting)? (?:involved|help|in touch)"
    r"|^(?:risks?|key risks?|major risks?|technical risks?|project risks?)\b|\brisks?(?: (?:assessment|analysis|matrix|register|management))?$"
    r"|\bdependency (?:graph|map|tree|chain|matrix|diagram)|^dependencies (?:between|on|and)"
    r"|\b(?:time|effort|cost|resource|size) (?:estimat\w+|allocation|requirements)\b|^estimat\w+$|\bdistribution$"
    r"|\bparalleli[sz]ation\b|\bparallel work\b|^questions? for\b|^(?:open |design )?questions?\b.*\(|\b(?:rules|guidelines|policy)$"
    r"|\b(?:notes|decisions|requirements)$|\bnumbering$|^lessons learned|^sharing feedback|^reviewing\b|^maintaining this|^about this|^(?:document|roadmap) (?:info|history|updates?|maintenance|review)"
    r"|^notes? (?:on|for|about|to)\b|^decisions? (?:made|needed|log|record)|^design (?:rationale|philosophy)",
)
_RECAP = re.compile(
    r"^(?:summary|recap|at a glance|quick (?:reference|overview|summary|view))\b|\bsummary$|\boverview$"
    r"|\btimeline\b|\bschedule$|\bcalendar$|^progress\b|\bprogress$|^dashboard|^tracking|\btracker$"
    r"|\border\b|\bsequenc(?:e|ing)\b|^priorit(?:y|ies|ization)\b|\bpriority matrix|^prioriti[sz]ed (?:list|order)"
    r"|^in flight$|\bwaves?$|^gantt|^milestone gates|^path to\b|^recommended (?:path|next)|^release plan$"
    r"|^(?:dependency|execution|implementation) (?:plan|order|sequence)|^critical path|^week \d|^day \d",
)
_STATE = re.compile(
    r"^(?:(?:current|project|present|overall|existing) )?(?:status|state|baseline|situation)\b"
    r"|^(?:current|existing|today'?s?) (?:features?|capabilities|implementation|repository|system|version)"
    r"|\bsnapshot$|^where we are|^what (?:works|we have|exists|is there)|^implementation status|^today$|^baseline\b|^strengths$"
    r"|^(?:implemented|working|missing) today$",
)
_WORK = re.compile(
    r"\b(?:to[- ]?dos?|backlog|tasks?|action items?|work ?items?|features?|ideas?|wish ?list|enhancements?"
    r"|improvements?|next steps?|plans?|planned|planning|upcoming|deliverables?|roadmap|future|issues|bugs?|fixes"
    r"|wants?|nice[- ]to[- ]haves?|must[- ]haves?|should[- ]haves?|could[- ]haves?|remaining|stretch|checklist"
    r"|long[- ]?(?:er)?[- ]term|short[- ]?(?:er)?[- ]term|near[- ]?(?:er)?[- ]term|medium[- ]?(?:er)?[- ]term"
    r"|mid[- ]term|work|technical debt|tech debt|quick wins|research|explor\w+|experiments?|initiatives|epics"
    r"|todo list|up next|good first|help wanted|good places to start|follow[- ]?ups?|gaps|scope)\b"
    r"|^(?:now|next|later|soon|current|someday|maybe|eventually|unspecced|uncategori[sz]ed|misc\w*|other|items?|high"
    r"|medium|low|critical|urgent|immediate|immediately|small|medium|larger?|p[0-4])\b",
)
_GROUP = re.compile(
    r"^(?:phases?|tiers?|milestones?|stages?|sprints?|waves?|tracks?|themes?|pillars?|part|horizons?|releases?"
    r"|iterations?|steps?|levels?|batch|epics?|workstreams?|streams?|quarter|year|month|priority \d|cycles?|q[1-4]|h[12]"
    r"|v?\d+\.\d+(?:\.[\dx]+)*|v\d+|version|mvp|alpha|beta|post-\w+|pre-\w+|20\d\d|spring|summer|autumn|fall"
    r"|winter|january|february|march|april|may|june|july|august|september|october|november|december)\b"
    r"|\b(?:release|milestone|phase|v\d+(?:\.\d+)*|20\d\d|q[1-4])$|^m\d+\b|^\d+\.\d+\b",
)
_DROPPED = re.compile(
    r"^(?:things |what |items |features )?(?:we |i |that )?(?:explicitly |deliberately |definitely )?"
    r"(?:out[- ]of[- ]scope|won[’']?t[- ](?:do|fix|have|implement|build|happen)|will not (?:do|be \w+|implement|build)"
    r"|not (?:planned|doing|going to \w+|in scope|pursuing)|rejected|dropped|cancell?ed|abandoned|declined|discarded"
    r"|decided against|anti-?patterns?|obsolete|removed|never|descoped|ruled out)\b"
    r"|\b(?:rejected|dropped|cancell?ed|abandoned|out of scope)$|\bwe (?:will not|won[’']?t) (?:do|build|implement)",
)
_DONE = re.compile(
    r"^(?:(?:recently|already|previously|so far|what(?:[’']s| is| has been)?(?: been)?) )*"
    r"(?:done|completed?|shipped|finished|implemented|delivered|achieved|built|landed|fixed|resolved|closed|released)"
    r"(?:$|[:,]|\s+(?:[-–—(]|v?\d|(?:so far|items?|features?|work|tasks?|phases?|milestones?|releases?|versions?"
    r"|issues|bugs|recently|and|in|as of|for|this|since|here|epics?|improvements?|sprints?)\b))"
    r"|^(?:completed|shipped|delivered|implemented|finished) \w+$|^(?:accomplish|achieve)(?:ed|ments?)|^achievements"
    r"|^what (?:we|we[’']ve|i|has been|was) (?:have )?(?:accomplished|achieved|done|built|shipped)"
    r"|^(?:already|recently) (?:exists?|available|there)",
)
_PROGRESS = re.compile(
    r"^(?:currently |work )?(?:in[- ]progress|wip|under ?way|ongoing|in development|under development|active"
    r"|in review|doing|started|being (?:built|worked on)|working on|half[- ](?:built|done))\b.{0,40}$"
    r"|^what we(?:'re|’re| are) working on|^(?:currently )?working on(?: now)?$|^partial(?:ly)?\b.{0,30}$",
)
_TODO = re.compile(
    r"^(?:planned|not (?:yet )?started|to[- ]?do|upcoming|backlog|future|next|later|pending|proposed|queued"
    r"|deferred|postponed|blocked|on hold|parked|parking lot|unscheduled|not (?:yet )?(?:implemented|done))\b",
)


@dataclass(frozen=True, slots=True)
class Role:
    """What a heading or label says: the kind of thing below it, and a status for all of it."""

    promise: Promise
    status: Status | None = None


def bare(title: str) -> str:
    """Reduce a heading to its words: no ordinal, sign or closing colon; lower case."""
    text = _DECORATION.sub(" ", plain(title)).strip(" :*_-–—|.")
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
    if _is_barren(core):
        return Role("barren")
    if _STATE.search(core):
        return Role("state")
    if _DONE.match(core):
        return Role("work", "done")
    if _PROGRESS.match(core):
        return Role("work", "in_progress")
    if _GROUP.search(core):
        return Role("group", _closing_status(core))
    if _TODO.match(core):
        return Role("work", "todo")
    if _RECAP.search(core):
        return Role("recap")
    if _WORK.search(core):
        return Role("work")
    return Role("neutral")


def _is_barren(name: str) -> bool:
    """Tell whether a heading, or each half of "Notes & References", promises no work."""
    parts = [part.strip() for part in re.split(r"\s+(?:and|or)\s+|\s*[&/,+]\s*", name)]
    return (
        name in _BARREN_NAMES
        or all(p in _BARREN_NAMES for p in parts)
        or bool(_BARREN.search(name))
    )


def _closing_status(name: str) -> Status | None:
    """Read "v0.1 released", "Phase 2: complete"."""
    for match in STRICT.finditer(name):
        if match.end() == len(name) and status_named(match) in ("done", "in_progress", "dropped"):
            return status_named(match)
    return None


def is_group(title: str) -> bool:
    """Tell whether a heading is named as a phase, version, quarter or the like."""
    return bool(_GROUP.search(_PAREN.sub("", bare(title)).strip(" :") or bare(title)))
