"""Episodes, and what is stored only where it is not there yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, select

from neveridle.board.database import Database
from neveridle.board.memories.writing import insert_memories, next_revision
from neveridle.board.memory_row import NewMemory
from neveridle.board.schema import episodes, memories
from neveridle.board.turns import Told, continued

_PLACED = (memories.c.id, memories.c.digest, memories.c.at, memories.c.episode_id,
           memories.c.position)  # fmt: skip
_DIGESTS = 500  # asked for in one query


class EpisodeRows:
    """A part of ``board.memories``: what is told again is not stored again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self) -> float:
        """The board's time, in seconds since 1970."""
        return (await self._database.hot.clock())[0]

    async def told(self, episode: int, given: Sequence[Told]) -> list[int | None]:
        """For each turn, the id of the memory it is in this episode; None: it is new."""

        def work(c: Connection) -> list[int | None]:
            return _told(c, episode, given)[0]

        return await self._database.read(work)

    async def add_turns(self, episode: int, turns: Sequence[NewMemory]) -> list[int]:
        """Store the turns of an episode that are new, behind those that are there.

        In one transaction, so that two who tell the same episode at once store it once.

        Args:
            episode: from ``begin_episode``.
            turns: in their order, each with its digest; their positions are given here.

        Returns:
            The ids of all of them, of those that were there too.
        """

        def work(c: Connection) -> list[int]:
            next_revision(c, 0)  # whoever else adds memories waits from here on
            found, position = _told(c, episode, [Told(one.digest, one.at) for one in turns])
            new = [one for one, known in zip(turns, found, strict=True) if known is None]
            placed = [
                replace(one, episode=episode, position=number)
                for number, one in enumerate(new, start=position)
            ]
            made = iter(insert_memories(c, placed))
            return [next(made) if known is None else known for known in found]

        return await self._database.write(work)

    async def add_unknown(self, new: Sequence[NewMemory]) -> list[tuple[int, bool]]:
        """Store those memories that are not there yet; of all, the id and whether it is new.

        One is there if there is one of the same digest, and of the same time and position as
        far as these are given. In an episode, one without a position comes last.
        """

        def work(c: Connection) -> list[tuple[int, bool]]:
            next_revision(c, 0)
            known = _same_digests(c, new)
            ends: dict[int, int] = {}
            found: list[tuple[int, bool]] = []
            for one in new:
                there = _among(known, one)
                if there is not None:
                    found.append((there, False))
                    continue
                placed = _placed(c, one, ends)
                (number,) = insert_memories(c, [placed])
                found.append((number, True))
                if one.digest:
                    known.setdefault(one.digest, []).append(
                        {"id": number, "at": placed.at, "position": placed.position}
                    )
            return found

        return await self._database.write(work)

    async def episode_keys(self, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Key and title of episodes, by their ids."""
        query = select(episodes.c.id, episodes.c.key, episodes.c.title).where(
            episodes.c.id.in_(list(ids))
        )
        return await self._database.read(
            lambda c: {int(row[0]): (str(row[1]), str(row[2])) for row in c.execute(query)}
        )


def known_of(c: Connection, new: Sequence[NewMemory]) -> list[int | None]:
    """For each memory, the id of the one that is there already; None: it is new."""
    known = _same_digests(c, new)
    return [_among(known, one) for one in new]


def _same_digests(c: Connection, new: Sequence[NewMemory]) -> dict[str, list[Mapping[str, Any]]]:
    digests = sorted({one.digest for one in new if one.digest})
    known: dict[str, list[Mapping[str, Any]]] = {}
    for page in (digests[at : at + _DIGESTS] for at in range(0, len(digests), _DIGESTS)):
        query = select(*_PLACED).where(memories.c.digest.in_(page))
        for row in c.execute(query).mappings():
            known.setdefault(str(row["digest"]), []).append(dict(row))
    return known


def _among(known: Mapping[str, list[Mapping[str, Any]]], one: NewMemory) -> int | None:
    return next((int(row["id"]) for row in known.get(one.digest, ()) if _same(row, one)), None)


def _told(c: Connection, episode: int, given: Sequence[Told]) -> tuple[list[int | None], int]:
    """What ``told`` gives, and the next free position."""
    query = select(*_PLACED).where(memories.c.episode_id == episode).order_by(memories.c.position)
    rows = c.execute(query).mappings().all()
    stored = [Told(str(row["digest"]), row["at"]) for row in rows]
    places = continued(stored, given)
    end = max((int(row["position"] or 0) for row in rows), default=-1) + 1
    return [None if place is None else int(rows[place]["id"]) for place in places], end


def _same(row: Mapping[str, Any], one: NewMemory) -> bool:
    if one.at is not None and row["at"] is not None and row["at"] != one.at:
        return False
    return one.position is None or row["position"] in (None, one.position)


def _placed(c: Connection, one: NewMemory, ends: dict[int, int]) -> NewMemory:
    """The memory with a position, if it is in an episode."""
    if one.episode is None:
        return one
    if one.episode not in ends:
        last = select(func.max(memories.c.position)).where(memories.c.episode_id == one.episode)
        found = c.execute(last).scalar()
        ends[one.episode] = -1 if found is None else int(found)
    position = ends[one.episode] + 1 if one.position is None else one.position
    ends[one.episode] = max(ends[one.episode], position)
    return replace(one, position=position)
