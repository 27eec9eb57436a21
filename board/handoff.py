"""A handoff: what one agent gives to another so that nothing is lost in between."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from neveridle.errors import StateConflict

SUMMARY = 8_000
"""Characters of a summary."""
ACTION = 1_000
"""Characters of an action."""
ITEMS = 50
"""Entries of a list, or artifacts."""
ITEM = 2_000
"""Characters of an entry, or of an artifact."""
FILES = 500
"""Files that a document names."""


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
        artifacts: links and results by name: ``pr_url``, ``docs_url``, ``test_results`` …
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

    def check(self) -> None:
        """Refuse what nobody could go on from.

        Raises:
            StateConflict: summary or action is missing, something is empty or too long, or
                there is too much of it.
        """
        _check_text("summary", self.summary, SUMMARY)
        _check_text("action", self.action, ACTION)
        for name, entries, most in (
            ("files changed", self.files_changed, FILES),
            ("decisions", self.decisions, ITEMS),
            ("open questions", self.open_questions, ITEMS),
            ("acceptance criteria", self.acceptance_criteria, ITEMS),
            ("blockers", self.blockers, ITEMS),
            ("artifacts", tuple(f"{k}: {v}" for k, v in self.artifacts.items()), ITEMS),
        ):
            if len(entries) > most:
                msg = f"The handoff has {len(entries)} {name}; {most} are allowed."
                raise StateConflict(msg, remedy="Keep to what the receiver needs.")
            for entry in entries:
                _check_text(f"entry among its {name}", entry, ITEM)

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


def _check_text(what: str, text: str, most: int) -> None:
    if not text.strip():
        article = "an empty" if what.startswith("entry") else "no"
        msg = f"The handoff has {article} {what}."
        raise StateConflict(msg, remedy="Say what was done, and what is to be done next.")
    if len(text) > most:
        msg = f"The handoff's {what} has {len(text)} characters; {most} are allowed."
        raise StateConflict(
            msg, remedy="Keep to what the receiver needs; the rest is in the files."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """A handoff as it stands on the board.

    Attributes:
        task_id: the task it was given from; it waits for ``dispatch_id``.
        dispatch_id: the task the receiver got.
        ticket: the ticket of that work; empty: it has none.
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
    ticket: str
