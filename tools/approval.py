"""Marking tools that a person may have to approve, each time they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

DEPLOY: Final = "deploy"
"""What deploys, promotes or rolls back."""
DEPLOYING: Final = (
    "vercel", "vercel -*", "vercel deploy*", "vercel promote*", "vercel rollback*",
    "vercel redeploy*", "vercel alias*", "convex deploy*",
)  # fmt: skip
"""Commands that do, as patterns."""
_KEY: Final = "neveridle_approval"


def needs_approval(tool: BaseTool, action: str = DEPLOY) -> BaseTool:
    """The same tool, marked: where ``action`` needs a yes, each of its calls does."""
    tool.metadata = {**(tool.metadata or {}), _KEY: action}
    return tool


def approval_of(tool: BaseTool | None) -> str:
    """What a tool was marked as; empty: nothing."""
    return str(((tool and tool.metadata) or {}).get(_KEY, ""))
