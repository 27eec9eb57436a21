"""Work that agents only hand round: told from the chain of its handoffs, inside a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from neveridle.board.lookup import find_task
from neveridle.board.rows import decoded
from neveridle.board.schema import handoffs
from neveridle.board.task import Task
from neveridle.errors import HandoffRefused

LINKS = 10
"""How often agents may hand one piece of work over, whatever comes of it."""
LONGEST = 3
"""Agents in the longest circle that is noticed."""


@dataclass(frozen=True, slots=True)
class Link:
    """One handoff of a chain.

    Attributes:
        progress: whether it came with changed files that passed verify.
        commit: where the work lay; empty: nowhere.
    """

    sender: str
    receiver: str
    progress: bool
    commit: str = ""

    @classmethod
    def of(cls, sender: str, receiver: str, document: Mapping[str, Any], *, verified: bool) -> Link:
        """One handoff; who passes on what was handed over passes on its commit, too."""
        progress = verified and bool(document.get("files_changed"))
        return cls(sender, receiver, progress, str(document.get("commit") or ""))


def chain_of(c: Connection, task: Task) -> list[Link]:
    """The handoffs that led to a task, oldest first."""
    found: list[Link] = []
    while task.handoff is not None and task.continues is not None:  # each link is older
        row = c.execute(select(handoffs).where(handoffs.c.id == task.handoff)).mappings().one()
        said: dict[str, Any] = decoded(row["document"])
        verified = bool(row["verified"])
        found.append(Link.of(row["sender"], row["receiver"], said, verified=verified))
        task = find_task(c, task.continues)
    return found[::-1]


def refuse_circle(c: Connection, task: Task, new: Link) -> None:
    """Refuse to hand over what only goes round, or what was handed over too often already.

    Raises:
        HandoffRefused: naming the agents it went through.
    """
    links = [*chain_of(c, task), new]
    before = len(links) - 1
    holders = circling(links)
    if not holders and before < LINKS:
        return
    way = " → ".join([*(one.receiver for one in links[:-1])])
    if holders:
        way = " → ".join(holders)
        msg = f"This work only goes round: {way}, without a new commit that passes the checks."
    else:
        msg = f"This work was handed over {before} times already, to {way}."
    evidence: dict[str, Any] = {
        "chain": [
            {"from": one.sender, "to": one.receiver, "progress": one.progress,
             "commit": one.commit[:12]}
            for one in links
        ]
    }  # fmt: skip
    remedy = "Finish it, or end as blocked and say what a person has to decide."
    raise HandoffRefused(msg, remedy=remedy, evidence=evidence)


def circling(links: Sequence[Link]) -> list[str]:
    """The agents that hand work round, twice through, ending with the last; empty: it moves on.

    Work moves on with a commit that is new in the chain, and whose changes pass the checks.
    What a person hands over begins anew.
    """
    holders: list[str] = []
    commits: set[str] = set()
    for one in links:
        if one.progress and one.commit and one.commit not in commits:
            holders = []
        elif not holders or holders[-1] != one.sender:
            holders = [one.sender, one.receiver]
        else:
            holders.append(one.receiver)
        commits.add(one.commit)
    for period in range(2, LONGEST + 1):
        if len(holders) >= 2 * period and holders[-period:] == holders[-2 * period : -period]:
            return holders[-2 * period :]
    return []
