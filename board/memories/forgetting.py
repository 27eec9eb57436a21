"""Erasing memories: of what is forgotten a bare row stays, so that every index learns of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, literal, select, update

from neveridle.board.memories.pages import paged
from neveridle.board.memories.writing import next_revision
from neveridle.board.schema import episodes, memories, memory_signals, memory_tokens
from neveridle.board.sql import NOW


def forget(c: Connection, ids: Sequence[int]) -> list[int]:
    """Erase memories inside the caller's transaction; the ids that were there, in order.

    ``stored_at`` of the bare row becomes the time at which it was erased.
    """
    wanted = sorted(set(ids))
    if not wanted:
        return []
    first = next_revision(c, len(wanted))  # the counter first: nobody else changes them now
    gone: list[int] = []
    left: set[int] = set()
    for page in paged(wanted):
        there = memories.c.id.in_(page) & (memories.c.state != "forgotten")
        for memory, episode in c.execute(select(memories.c.id, memories.c.episode_id).where(there)):
            gone.append(int(memory))
            if episode is not None:
                left.add(int(episode))
    gone.sort()
    for page in paged(gone):
        for table in (memory_signals, memory_tokens):
            c.execute(delete(table).where(table.c.memory_id.in_(page)))
    if gone:
        erased: dict[str, Any] = {
            "revision": bindparam("new_revision"), "state": "forgotten", "text": "", "tags": [],
            "source": "", "author": "", "digest": "", "superseded_by": None, "stored_at": NOW,
        }  # fmt: skip
        c.execute(
            update(memories).where(memories.c.id == bindparam("the_id")).values(erased),
            [{"the_id": m, "new_revision": r} for r, m in enumerate(gone, start=first)],
        )
    for page in paged(sorted(left)):
        _erase_titles(c, page)
    return gone


def _erase_titles(c: Connection, ids: Sequence[int]) -> None:
    """What an episode is called tells of it, too, once nothing of it is left."""
    remembered = exists(
        select(literal(1)).where(
            memories.c.episode_id == episodes.c.id, memories.c.state != "forgotten"
        )
    )
    empty = episodes.c.id.in_(ids) & ~remembered
    for episode in c.execute(select(episodes.c.id).where(empty)).scalars().all():
        c.execute(
            update(episodes)
            .where(episodes.c.id == episode)
            .values(title="", source="", key=f"forgotten:{episode}")
        )
