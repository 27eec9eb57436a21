"""What goes first where an agent has more memories than it may."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Integer, and_, case, cast, func, select

from neveridle.board.memories.forgetting import forget
from neveridle.board.memories.outcomes import OUTCOME
from neveridle.board.schema import attempts, memories, memory_uses
from neveridle.board.sql import NOW, log

BATCH = 500
"""Memories that go in one transaction."""
MONTH = 30 * 86_400.0

KEPT = memories.c.state != "forgotten"
PINNED = and_(memories.c.origin == "person", memories.c.trusted)


def count_of(c: Connection, agent: str) -> int:
    """How many memories an agent has."""
    query = select(func.count()).select_from(memories).where(memories.c.agent == agent, KEPT)
    return int(c.execute(query).scalar_one())


def over(c: Connection, limit: int) -> list[str]:
    """The agents that have more than ``limit`` memories."""
    query = select(memories.c.agent).where(KEPT).group_by(memories.c.agent)
    return sorted(c.execute(query.having(func.count() > limit)).scalars())


def least(c: Connection, agent: str, count: int) -> list[int]:
    """The least valuable memories of an agent, least first.

    First what is superseded or retired; last what a person said and trusts. In between by
    value: importance, how often it was learnt, whether it is trusted, in how many attempts
    that succeeded it was shown, and, for the smallest part, how new it is.
    """
    helped = (
        select(memory_uses.c.memory_id, func.count().label("times"))
        .select_from(OUTCOME)
        .where(attempts.c.state == "completed")
        .group_by(memory_uses.c.memory_id)
        .subquery()
    )
    query = (
        select(memories.c.id)
        .select_from(memories.outerjoin(helped, helped.c.memory_id == memories.c.id))
        .where(memories.c.agent == agent, KEPT)
        .order_by(
            cast(and_(PINNED, memories.c.state == "live"), Integer),
            cast(memories.c.state == "live", Integer),
            _value(helped.c.times),
            memories.c.id,
        )
        .limit(count)
    )
    return [int(memory) for memory in c.execute(query).scalars()]


def evict(c: Connection, agent: str, limit: int) -> list[int]:
    """Forget what an agent has beyond ``limit``, at most ``BATCH`` of it; the ids."""
    over = count_of(c, agent) - limit
    if over <= 0:
        return []
    gone = forget(c, least(c, agent, min(over, BATCH)))
    log(c, "memory.evicted", {"count": len(gone), "limit": limit, "ids": gone}, agent=agent)
    return gone


def _value(times: ColumnElement[int]) -> ColumnElement[float]:
    """0 to 4: each part is between 0 and 1, the newness up to a half."""
    strength = 1.0 - 1.0 / memories.c.strength
    helped = 1.0 - 1.0 / (1.0 + func.coalesce(times, 0))
    age = case((memories.c.at < NOW, NOW - memories.c.at), else_=0.0)
    trusted = case((memories.c.trusted, 0.5), else_=0.0)
    return memories.c.importance + strength + helped + trusted + 0.5 / (1.0 + age / MONTH)
