"""Structured logs, for programs that want them; importing this imports nothing of structlog."""

from __future__ import annotations

from neveridle.tools.logs.configure import Logging, configure_logs

__all__ = ["Logging", "configure_logs"]
