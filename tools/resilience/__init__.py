"""Retry and breaker: one layer for services, models and MCP tools."""

from __future__ import annotations

from neveridle.tools.resilience.failures import failure_of
from neveridle.tools.resilience.guard import Guard
from neveridle.tools.resilience.policy import RetryPolicy

__all__ = ["Guard", "RetryPolicy", "failure_of"]
