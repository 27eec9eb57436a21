"""The souls that ``neveridle init`` writes."""

from __future__ import annotations

from importlib.resources import files

NAMES = ("sam", "leo", "quinn", "max")
FOLDERS = ("agents", "souls", "neveridle-agents")
"""Where they may lie, by preference: a repository can have a folder of the first name."""


def soul_text(name: str) -> str:
    """The text of one soul's file."""
    return (files(__package__ or "") / "souls" / f"{name}.md").read_text(encoding="utf-8")
