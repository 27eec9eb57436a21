"""Headings that promise no work: goals, context, rules, questions, how to take part."""

from __future__ import annotations

import re

_NAMES = frozenset(
    name.strip()
    for name in re.split(
        ";",
        """
        about; abstract; acknowledgements; acknowledgments; additional notes; advantages; aims;
        alignment; analysis; appendix notes; approach; architecture; architecture overview;
        assumptions; audience; background; benefits; bibliography; blockers; budget; build log;
        cadence; caveats; change log; changelog; code structure; commands; comparison; competition;
        competitive analysis; competitive landscape; competitive positioning; competitors;
        considerations; constraints; contact; contents; context; contributors; conventions; cost;
        costs; coverage; credits; critical path; current architecture; current limitations;
        data model; decision log; decisions; decisions needed; definitions; dependencies;
        dependency; deprecation policy; design considerations; design constraints; design decisions;
        design goals; design notes; details; development notes; development workflow;
        directory structure; disclaimer; discussion; document control; document history;
        document info; donations; example; examples; external dependencies; external links; faq;
        faqs; feedback; file layout; file structure; findings; folder structure;
        frequently asked questions; funding; further reading; general notes; glossary; goal; goals;
        goals overview; governance; hard constraints; help; helpful links; history; impact;
        implementation details; implementation notes; important notes; index; inputs; insights;
        inspiration; intro; introduction; key constraints; key decisions; key findings; key goals;
        key insights; key metrics; key objectives; key performance indicators; key takeaways;
        known limitations; kpis; lessons; lessons learned; licence; license; limitations; links;
        locked decisions; log; main goals; maintainers; market; market analysis; methodology;
        metrics; monitoring metrics; motivation; naming; nomenclature; non goals; non-goals;
        nongoals; note; notes; objective; objectives; observations; open decisions; open questions;
        other notes; our goals; outcome; outcomes; outputs; overall goals; overview;
        ownership boundaries; personas; policies; policy; positioning; preamble; preconditions;
        preface; premise; prerequisites; pricing; prior art; problem; problem statement; problems;
        process; product goals; progress log; project goals; project structure; purpose; questions;
        rationale; recent activity; recent changes; recent updates; recommendations; reference;
        references; related; related docs; related documentation; related documents; related work;
        release cadence; release history; release notes; release policy; release process;
        release schedule; release strategy; requirements; resolved decisions; resources;
        responsibilities; review; review process; reviews; revision; revision history;
        risk register; roles; roles & responsibilities; rollback; rollback plan; scope notes;
        security considerations; security model; see also; session log; side notes; source notes;
        sources; sponsors; stack; staffing; stakeholders; strategy; success metrics; support policy;
        system architecture; table of contents; takeaways; target architecture; target audience;
        target users; team; team structure; tech stack; technical architecture;
        technical considerations; technical details; technical notes; technology; technology stack;
        terminology; test plan; test strategy; testing approach; testing strategy; thanks;
        the critical path; thesis; toc; trade-offs; tradeoffs; unresolved questions; update log;
        updates; usage; useful links; users; validation; validation plan; verification;
        verification plan; version history; version numbering; versioning; versioning policy;
        versioning scheme; warning; what is this; work log
        """,
    )
)
_WORDINGS = re.compile(
    r"\b(?:vision|mission|philosophy|principles?|tenets|mindset|rationale|legend)$|^(?:vision"
    r"|mission|philosophy)\b|^north star"
    r"|^(?:guiding|core|our) (?:values|beliefs|ideas?|principles?)|^values$|^non-?goals?\b"
    r"|^anti-?goals"
    r"|^why\b|^what (?:do|does|is|are|we mean|this|it|success|good|done)\b|^how (?:to|we|you|this"
    r"|it|can|do|does|i)\b|^who\b|\?$"
    r"|^executive summary|^tl;?dr|^using (?:the|this)\b|\bcontribut(?:e|ing)\b|^contributions?\b"
    r"|^get(?:ting)? (?:involved|help|in touch)"
    r"|^(?:risks?|key risks?|major risks?|technical risks?|project risks?)\b"
    r"|\brisks?(?: (?:assessment|analysis|matrix|register|management))?$"
    r"|\bdependency (?:graph|map|tree|chain|matrix|diagram)|^dependencies (?:between|on|and)"
    r"|\b(?:time|effort|cost|resource|size) (?:estimat\w+|allocation|requirements)\b|^estimat\w+$"
    r"|\bdistribution$"
    r"|\bparalleli[sz]ation\b|\bparallel work\b|^questions? for\b|^(?:open "
    r"|design )?questions?\b.*\(|\b(?:rules|guidelines|policy)$"
    r"|\b(?:notes|decisions|requirements)$|\bnumbering$|^lessons learned|^sharing feedback"
    r"|^reviewing\b|^maintaining this|^about this|^(?:document|roadmap) (?:info|history|updates?"
    r"|maintenance|review)"
    r"|^notes? (?:on|for|about|to)\b|^decisions? (?:made|needed|log|record)|^design (?:rationale"
    r"|philosophy)",
)


def is_barren(name: str) -> bool:
    """Tell whether a heading, or each half of "Notes & References", promises no work."""
    parts = [part.strip() for part in re.split(r"\s+(?:and|or)\s+|\s*[&/,+]\s*", name)]
    return name in _NAMES or all(p in _NAMES for p in parts) or bool(_WORDINGS.search(name))
