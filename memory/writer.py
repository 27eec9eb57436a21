"""Memories on their way to the board: checked, tidied, with their signals."""

from __future__ import annotations

import math
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, get_args

from neveridle.board.memory_row import NewMemory, Origin, Visibility
from neveridle.board.turns import Told
from neveridle.errors import ModelMistake
from neveridle.memory.digest import digest_of
from neveridle.memory.embedding import Embedder
from neveridle.memory.note import Note, Turn
from neveridle.memory.signals import signals_of
from neveridle.memory.store import MemoryStore
from neveridle.memory.tidy import tidy, tidy_line, tidy_tags

BATCH: Final = 64
"""Texts embedded in one call of the model."""
PROVABLE: Final = frozenset({"person", "agent"})
"""Whose words may be trusted. What tools and trackers say is data."""


class Writer:
    """Stores notes, whole or not at all.

    Args:
        store: the board.
        embedder: makes the vectors.
        limit: memories an agent may have; beyond, its least valuable ones go. 0: any number.
    """

    def __init__(self, store: MemoryStore, embedder: Embedder, *, limit: int = 0) -> None:
        self._store = store
        self._embedder = embedder
        self._limit = limit

    async def write(self, notes: Sequence[Note]) -> list[int]:
        """Store notes in one transaction, with their signals; their ids, in order.

        Raises:
            ModelMistake: there is nothing in a text, or nobody whose memory it is.
            ValueError: an importance, a time, a visibility or an origin is none.
        """
        new = await self.signalled([prepared(note) for note in notes])
        ids = await self._store.add(new)
        await self.keep_within(new)
        return ids

    async def write_episode(
        self, turns: Sequence[Turn], note: Note, *, key: str, title: str
    ) -> list[int]:
        """Store the turns of an episode that are not there yet; the ids of all, in order.

        Args:
            turns: who said what; a turn without text keeps no place.
            note: what holds for all of them; its text and author are not looked at.
            key: names the episode among those of its agent; empty: it is a new one.
            title: what it is about.
        """
        key = tidy_line(key) or secrets.token_hex(8)
        new: list[NewMemory] = []
        for turn in turns:
            one = prepared(replace(note, text=turn.text, author=turn.author, at=turn.at))
            new.append(replace(one, digest=digest_of(one, episode=key)))
        if not new:
            return []
        agent, source = new[0].agent, new[0].source
        episode = await self._store.begin_episode(
            agent=agent, key=key, title=tidy_line(title), source=source, at=new[0].at
        )
        known = await self._store.told(episode, [Told(one.digest, one.at) for one in new])
        # Those told before are not embedded again.
        made = iter(
            await self.signalled([one for one, i in zip(new, known, strict=True) if i is None])
        )
        whole = [next(made) if i is None else one for one, i in zip(new, known, strict=True)]
        ids = await self._store.add_turns(episode, whole)
        await self.keep_within(whole)
        return ids

    async def keep_within(self, new: Sequence[NewMemory]) -> None:
        """Forget the least valuable of what agents have beyond the limit, after an addition."""
        if self._limit:
            for agent, added in Counter(one.agent for one in new).items():
                await self._store.keep_within(agent, self._limit, added=added)

    async def signalled(self, new: Sequence[NewMemory]) -> list[NewMemory]:
        """The same memories with what recall computes with."""
        now = await self._store.now() if any(one.at is None for one in new) else None
        found: list[NewMemory] = []
        for first in range(0, len(new), BATCH):
            part = new[first : first + BATCH]
            texts, authors = [one.text for one in part], [one.author for one in part]
            ats = [now if one.at is None else one.at for one in part]
            signals = await signals_of(self._embedder, texts, ats, authors)
            found += [replace(one, signals=made) for one, made in zip(part, signals, strict=True)]
        return found


def prepared(note: Note) -> NewMemory:
    """A note as it may be kept; see ``Writer.write`` for what is raised."""
    if not (0 <= note.importance <= 1):  # false for NaN too
        msg = f"importance must be between 0 and 1, not {note.importance}"
        raise ValueError(msg)
    if note.at is not None and not math.isfinite(note.at):
        msg = f"at must be a time in seconds since 1970, not {note.at}"
        raise ValueError(msg)
    for name, value, known in (
        ("visibility", note.visibility, get_args(Visibility)),
        ("origin", note.origin, get_args(Origin)),
    ):
        if value not in known:
            msg = f"{name} must be one of {', '.join(known)}, not {value!r}"
            raise ValueError(msg)
    text, agent = tidy(note.text), tidy_line(note.agent)
    if not text:
        msg = "There is nothing to remember: the text is empty."
        raise ModelMistake(msg, remedy="Say in words what should be remembered.")
    if not agent:
        msg = "There is nobody whose memory this is: the agent's name is empty."
        raise ModelMistake(msg, remedy="Name an agent.")
    new = NewMemory(
        agent=agent,
        kind=tidy_line(note.kind) or "note",
        text=text,
        tags=tidy_tags(note.tags),
        source=tidy_line(note.source),
        importance=float(note.importance),
        at=None if note.at is None else float(note.at),
        trusted=note.trusted and note.origin in PROVABLE,
        visibility=note.visibility,
        origin=note.origin,
        task=note.task,
        author=tidy_line(note.author),
    )
    return replace(new, digest=digest_of(new))
