"""Linear: its client, what agents may do there, and its webhooks."""

from __future__ import annotations

from neveridle.tools.linear.client import Linear
from neveridle.tools.linear.models import Comment, Issue, LinearTeam, User, WorkflowState
from neveridle.tools.linear.toolset import linear_tools
from neveridle.tools.linear.verbs import linear_verbs

__all__ = [
    "Comment",
    "Issue",
    "Linear",
    "LinearTeam",
    "User",
    "WorkflowState",
    "linear_tools",
    "linear_verbs",
]
