"""The repository tools: how a model sees and changes its working tree."""

from __future__ import annotations

from neveridle.tools.repository.confined import ConfinedTree, Entry
from neveridle.tools.repository.paths import split_path
from neveridle.tools.repository.toolset import WorkingCopy, repository_tools

__all__ = ["ConfinedTree", "Entry", "WorkingCopy", "repository_tools", "split_path"]
