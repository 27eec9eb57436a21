"""Workspaces: one clone and one branch per attempt, and the repository they share."""

from __future__ import annotations

from neveridle.tools.workspace.results import BranchInfo, MergeResult, PublishResult
from neveridle.tools.workspace.workspace import Workspace
from neveridle.tools.workspace.workspaces import Workspaces

__all__ = ["BranchInfo", "MergeResult", "PublishResult", "Workspace", "Workspaces"]
