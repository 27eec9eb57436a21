"""Convex: the queries, mutations and actions of one deployment, by HTTP."""

from __future__ import annotations

from neveridle.tools.convex.client import Convex
from neveridle.tools.convex.models import ConvexResult
from neveridle.tools.convex.toolset import convex_tools
from neveridle.tools.convex.verbs import convex_verbs

__all__ = ["Convex", "ConvexResult", "convex_tools", "convex_verbs"]
