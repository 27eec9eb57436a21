"""Which state of a team's workflow stands for a word of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from neveridle.tools.linear.models import WorkflowState

TYPES: Final[dict[str, tuple[str, ...]]] = {
    "started": ("started",),
    "review": ("started",),
    "done": ("completed",),
    "reopened": ("unstarted", "backlog"),
}
"""The types of states that stand for words of ours."""


def state_of(states: Sequence[WorkflowState], word: str, named: str = "") -> WorkflowState | None:
    """The state that stands for a word; None: there is none.

    Args:
        states: a team's.
        word: ``started``, ``done`` and ``reopened`` are the first state of their type;
            ``review`` is the first started one that is called so, or else as ``started``.
        named: the name of the state that settings give for the word; empty: none.
    """
    if named:
        return next((one for one in states if one.name.lower() == named.lower()), None)
    ordered = sorted(states, key=lambda one: one.position)
    if word == "review":
        called = [one for one in ordered if one.type == "started" and "review" in one.name.lower()]
        if called:
            return called[0]
    for kind in TYPES.get(word, ()):
        of_kind = [one for one in ordered if one.type == kind]
        if word in ("started", "review"):  # what is called review comes after it was started
            of_kind.sort(key=lambda one: "review" in one.name.lower())
        if of_kind:
            return of_kind[0]
    return None
