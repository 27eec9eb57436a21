"""The tools that every agent of a team has."""

from __future__ import annotations

from typing import Final

from neveridle.evals.importers.authored import OUTCOME

OWN: Final = (
    "list_files", "read_file", "search", "edit_file", "write_file", "delete_file", "run", "diff",
    "recall_memory", "remember", "recall_history",
    "ask_human", "ask_peer", "escalate", OUTCOME,
)  # fmt: skip
"""Those of services and MCP servers come on top, as the settings say."""
