"""Telling people outside the team: a webhook, and a command."""
