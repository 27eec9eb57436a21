"""Compaction: what of a conversation that outgrows its budget stays, folds, and is found again."""

from __future__ import annotations
