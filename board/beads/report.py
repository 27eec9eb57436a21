"""What an import did."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Imported:
    """What an import did, in numbers.

    Attributes:
        read: issues in the file.
        changed: whether anything is different from what was read last.
        new: tasks that were added, finished ones included.
        updated: tasks whose text or priority changed.
        completed: tasks that were closed outside.
        reopened: tasks that are open again.
        cancelled: tasks whose issue was deleted.
        held: tasks that wait, or not any more, for what happens outside.
        dependencies: dependencies added.
        released: dependencies taken back.
        tombstones: deleted issues in the file.
        missing: issues read earlier that are not in the file; they are left as they are.
        loose: ties to issues that are not there, which block nothing.
        repeated: ids that occurred more than once; the last one counts.
        circles: circles that were left open, as ids of issues; their tasks are blocked.
        ready: tasks that could be claimed afterwards.
    """

    read: int = 0
    changed: bool = False
    new: int = 0
    updated: int = 0
    completed: int = 0
    reopened: int = 0
    cancelled: int = 0
    held: int = 0
    dependencies: int = 0
    released: int = 0
    tombstones: int = 0
    missing: int = 0
    loose: int = 0
    repeated: list[str] = field(default_factory=list[str])
    circles: list[list[str]] = field(default_factory=list[list[str]])
    ready: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As printed by ``--json``."""
        return dataclasses.asdict(self)
