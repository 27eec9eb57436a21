"""What issues are called here, and what our tasks are called in Beads."""

from __future__ import annotations

import hashlib
import re

SOURCE = "beads"
"""The mirror's name for what was read from files of issues."""
PREFIX = "neveridle"
CANCELLED_HERE = "cancelled in neveridle"
"""Why an issue was closed whose task was cancelled: Beads has no other word for it."""


def ref_of(issue: str) -> str:
    """The source reference of an issue's task."""
    return f"{SOURCE}:{issue}"


def issue_of(ref: str | None) -> str | None:
    """The issue behind a source reference; None: it is a task of our own."""
    return ref.removeprefix(f"{SOURCE}:") if ref and ref.startswith(f"{SOURCE}:") else None


def own_id(task: int, created_at: float) -> str:
    """What a task of our own is called in Beads: the same in every export, on no other board."""
    mark = hashlib.sha256(f"{task} {created_at:.6f}".encode()).hexdigest()[:6]
    return f"{PREFIX}-{task}-{mark}"


def own_task(issue: str) -> int | None:
    """The number in the id of a task that was exported, from this board or another one."""
    found = re.fullmatch(rf"{PREFIX}-([1-9][0-9]{{0,14}})-[0-9a-f]{{6}}", issue)
    return int(found[1]) if found else None
