"""A name for what a memory says, so that the same one is found again."""

from __future__ import annotations

import hashlib
import json

from neveridle.board.memory_row import NewMemory


def digest_of(new: NewMemory, *, episode: str = "") -> str:
    """The digest of a memory: of its agent, kind, words, author and episode.

    Not of its time and position: what comes without them is given them when it is stored.

    Args:
        new: the memory, with its text tidied.
        episode: the key of its episode.
    """
    said = json.dumps([new.agent, new.kind, new.text, new.author, episode], ensure_ascii=False)
    return hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=16).hexdigest()
