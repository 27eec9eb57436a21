"""Asking a peer for help, inside a transaction: the level between the agent and a person."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from neveridle.board.attempt import Attempt
from neveridle.board.handoff import HandoffDocument
from neveridle.board.handoffs import hand_over
from neveridle.board.lookup import find_task
from neveridle.board.rows import decoded
from neveridle.board.schema import handoffs
from neveridle.board.sql import log

PEER_ASSIST = "PEER_ASSIST"
HUMAN_ALERT = "HUMAN_ALERT"
ESCALATION = "escalation"
"""Among a handoff's artifacts: the level for which it was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who could help, and what there is to go on from.

    Attributes:
        name: another agent that has the task's skills.
        branch: where the work so far lies; empty: nowhere.
        commit: its commit.
    """

    name: str
    branch: str = ""
    commit: str = ""


def ask_peer(
    c: Connection, attempt: Attempt, peer: Peer, *, failures: int, code: str, error: str
) -> bool:
    """Dispatch a task that failed too often to a peer; False: one was asked before.

    The attempt has ended. The task waits for the peer's, and is completed with it; where
    the peer fails, too, a person is asked. A chain of handoffs asks one peer, all together.
    """
    task = find_task(c, attempt.task_id)
    link = task
    while True:
        given = select(handoffs.c.document).where(handoffs.c.task_id == link.id)
        documents = [decoded(one) for one in c.scalars(given)]
        if any(one.get("artifacts", {}).get(ESCALATION) for one in documents):
            return False
        if link.continues is None:
            break
        link = find_task(c, link.continues)
    document = HandoffDocument(
        summary=f"{failures} attempts failed, the last with: {error[:1000]}",
        action=f"find another way to do this: {task.title}",
        blockers=(error[:300],),
        artifacts={ESCALATION: PEER_ASSIST},
        branch=peer.branch,
        commit=peer.commit,
    )
    hand_over(c, task, attempt.agent, peer.name, document, verified=False, run=attempt.run)
    data = {"level": PEER_ASSIST, "code": code, "to": peer.name, "failures": failures}
    log(
        c, "task.escalated", data,
        agent=attempt.agent, run=attempt.run, task=task.id, fence=attempt.fence,
    )  # fmt: skip
    return True
