"""GitHub: issues, branches, pull requests, reviews, checks and webhooks of one repository."""

from __future__ import annotations

from neveridle.tools.github.client import GitHub

__all__ = ["GitHub"]
