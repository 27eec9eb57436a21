"""Vercel: the deployments of a commit, how they stand, and what their builds said."""

from __future__ import annotations

from neveridle.tools.vercel.client import Vercel
from neveridle.tools.vercel.models import BuildLine, Deployment, VercelUser
from neveridle.tools.vercel.toolset import vercel_tools
from neveridle.tools.vercel.verbs import vercel_verbs

__all__ = ["BuildLine", "Deployment", "Vercel", "VercelUser", "vercel_tools", "vercel_verbs"]
