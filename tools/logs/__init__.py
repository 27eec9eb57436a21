"""Logs."""
from __future__ import annotations


def configure_logs() -> None:
    """Later."""
