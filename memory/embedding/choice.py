"""The embedder that a setting names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from neveridle.memory.embedding.embedder import Embedder

_HASHING: Final = re.compile(r"hashing(?:-(\d{1,5}))?")


def embedder_for(name: str) -> Embedder:
    """What ``embedding`` in ``[memory]`` names.

    Args:
        name: ``hashing``: words hashed into vectors, without any model, with the number of
            dimensions behind a hyphen if it is not 512; anything else is a model's name.
    """
    if found := _HASHING.fullmatch(name):
        from neveridle.memory.embedding.hashing import HashingEmbedder

        return HashingEmbedder(max(2, int(found[1] or 512)))
    from neveridle.memory.embedding.minilm import MiniLM

    return MiniLM(name)
