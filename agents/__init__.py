"""Agents: roster and souls, the worker, outcome, handoff, escalation."""
