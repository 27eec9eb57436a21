"""A name for what a memory says, so that the same one is found again."""

from __future__ import annotations

import hashlib
import json

from neveridle.board.memory_row import NewMemory


def digest_of(new: NewMemory, *, episode: str = "") -> str:
    """The digest of a memory: of its agent, kind, words, author and place in an episode.

    Not of its time: a note that comes without one is stored with the time of storing it.

    Args:
        new: the memory, with its text tidied.
        episode: the key of its episode.
    """
    place = [episode, new.position] if episode else None
    said = json.dumps([new.agent, new.kind, new.text, new.author, place], ensure_ascii=False)
    return hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=16).hexdigest()
