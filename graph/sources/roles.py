"""Whom a ticket is for, by its labels."""

from __future__ import annotations

from collections.abc import Iterable

from neveridle.agents.roster import Roster


def asked_of(labels: Iterable[str], roster: Roster) -> tuple[str | None, tuple[str, ...]]:
    """The agent and the skills that labels ask for, whatever their case.

    A label that is an agent's name addresses it; one that is a skill of somebody asks for
    it; one that is a role asks for that role's first skill. All others mean nothing here.
    Skills that nobody has together are left out, or the ticket would lie for ever.
    """
    able = {skill for agent in roster for skill in agent.skills}
    roles = {agent.role.lower(): agent for agent in roster}
    agent: str | None = None
    skills: list[str] = []
    for label in labels:
        word = label.strip().lower()
        if word in roster:
            agent = agent or word
        elif word in able:
            skills.append(word)
        elif word in roles:
            skills += roles[word].skills[:1]
    wanted = tuple(sorted(set(skills)))
    if not any(set(wanted) <= set(one.skills) for one in roster):
        wanted = ()
    return agent, wanted
