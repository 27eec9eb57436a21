"""Memory: what agents remember, and how they recall it."""

from __future__ import annotations

from neveridle.board.memory_row import MemoryRow
from neveridle.memory.embedding import (
    Embedder,
    Encoded,
    HashingEmbedder,
    MiniLM,
    TokenEmbedder,
    embedder_for,
    encode,
    model_of,
)
from neveridle.memory.hit import Hit
from neveridle.memory.learning import LEARNING_SCHEMA, Learning, learning_from, learning_text
from neveridle.memory.memory import Memory
from neveridle.memory.note import Note, Turn
from neveridle.memory.store import MemoryStore

__all__ = [
    "LEARNING_SCHEMA",
    "Embedder",
    "Encoded",
    "HashingEmbedder",
    "Hit",
    "Learning",
    "Memory",
    "MemoryRow",
    "MemoryStore",
    "MiniLM",
    "Note",
    "TokenEmbedder",
    "Turn",
    "embedder_for",
    "encode",
    "learning_from",
    "learning_text",
    "model_of",
]
