"""A handoff: what one agent gives to another so that nothing is lost in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoffDocument:
    """The structured document of a handoff.

    Attributes:
        summary: what was done.
        files_changed: paths in the repository.
        decisions: what was decided, and is to be kept.
        open_questions: what the receiver has to find out.
        action: the receiver's next step.
        acceptance_criteria: how the receiver knows it is done.
        blockers: what stands in the way.
        artifacts: links and results by name.
        branch: where the work lies; empty: nowhere.
        commit: its commit.
    """

    summary: str
    action: str
    files_changed: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()
    acceptance_criteria: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()
    artifacts: dict[str, str] = field(default_factory=dict[str, str])
    branch: str = ""
    commit: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As stored and as printed by ``--json``."""
        import dataclasses

        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> HandoffDocument:
        """The document stored by ``as_dict``; what an older one lacks is empty."""

        def many(name: str) -> tuple[str, ...]:
            return tuple(str(item) for item in data.get(name, ()))

        return cls(
            summary=str(data["summary"]),
            action=str(data["action"]),
            files_changed=many("files_changed"),
            decisions=many("decisions"),
            open_questions=many("open_questions"),
            acceptance_criteria=many("acceptance_criteria"),
            blockers=many("blockers"),
            artifacts={str(k): str(v) for k, v in data.get("artifacts", {}).items()},
            branch=str(data.get("branch", "")),
            commit=str(data.get("commit", "")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """A handoff as it stands on the board.

    Attributes:
        task_id: the task it was given from; it waits for ``dispatch_id``.
        dispatch_id: the task the receiver got.
        verified: whether the sender's work passed verify.
    """

    id: int
    task_id: int
    fence: int
    dispatch_id: int
    sender: str
    receiver: str
    document: HandoffDocument
    verified: bool
    created_at: float
