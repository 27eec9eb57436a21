"""Memory: what agents remember, and how they recall it."""

from __future__ import annotations

from neveridle.board.memory_row import MemoryRow
from neveridle.memory.embedder import Embedder
from neveridle.memory.hashing import HashingEmbedder
from neveridle.memory.learning import LEARNING_SCHEMA, Learning, learning_from, learning_text
from neveridle.memory.memory import Hit, Memory
from neveridle.memory.minilm import MiniLM
from neveridle.memory.store import MemoryStore

__all__ = [
    "LEARNING_SCHEMA",
    "Embedder",
    "HashingEmbedder",
    "Hit",
    "Learning",
    "Memory",
    "MemoryRow",
    "MemoryStore",
    "MiniLM",
    "learning_from",
    "learning_text",
]
