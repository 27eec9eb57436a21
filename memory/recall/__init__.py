"""Which remembered rows answer a question, and why. Pure: no board, no model, no network."""

from __future__ import annotations
