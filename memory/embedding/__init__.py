"""Text into vectors: the seam, the shipped model, any other model, a fake."""

from __future__ import annotations

from neveridle.memory.embedding.choice import embedder_for
from neveridle.memory.embedding.embedder import (
    Embedder,
    Encoded,
    TokenEmbedder,
    encode,
    model_of,
)
from neveridle.memory.embedding.hashing import HashingEmbedder
from neveridle.memory.embedding.minilm import MiniLM

__all__ = [
    "Embedder",
    "Encoded",
    "HashingEmbedder",
    "MiniLM",
    "TokenEmbedder",
    "embedder_for",
    "encode",
    "model_of",
]
