"""What an agent says at the end of an attempt."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, cast

from pydantic import Field
from typing_extensions import TypedDict  # pydantic refuses typing's before Python 3.12

from neveridle.agents.handing import document_of
from neveridle.errors import OutcomeInvalid, StateConflict


class Artifacts(TypedDict):
    """Where the results lie."""

    pr_url: NotRequired[Annotated[str, Field(description="The pull request.")]]
    docs_url: NotRequired[Annotated[str, Field(description="The documentation.")]]
    test_results: NotRequired[
        Annotated[str, Field(description="What the tests said, in a sentence.")]
    ]


class HandoffDraft(TypedDict):
    """What the next agent needs to go on."""

    to: Annotated[str, Field(description="The name of the agent who goes on.")]
    action: Annotated[str, Field(description="What that agent should do next, in one sentence.")]
    acceptance_criteria: NotRequired[
        Annotated[list[str], Field(description="How that agent knows that it is done.")]
    ]
    blockers: NotRequired[Annotated[list[str], Field(description="What may stand in the way.")]]
    artifacts: NotRequired[Annotated[Artifacts, Field(description="Links and results.")]]
    changes: NotRequired[
        Annotated[
            bool, Field(description="False where nothing has to be changed, as for a review.")
        ]
    ]


class TaskOutcome(TypedDict):
    """End the attempt and say how it went: once, when there is nothing left to do."""

    # A plain dict, so that it can lie in checkpoints and on the board as it is.

    status: Annotated[
        Literal["completed", "failed", "blocked", "handed_off"],
        Field(
            description="completed: the task is done and the checks pass. failed: it cannot be "
            "done. blocked: somebody else must act first. handed_off: another agent must go on."
        ),
    ]
    summary: Annotated[
        str, Field(description="What was done, or why it could not be, in a few sentences.")
    ]
    files_changed: NotRequired[
        Annotated[list[str], Field(description="Paths of the files changed.")]
    ]
    decisions: NotRequired[
        Annotated[list[str], Field(description="Decisions others should know of.")]
    ]
    open_questions: NotRequired[Annotated[list[str], Field(description="What is still unclear.")]]
    owner: NotRequired[
        Annotated[str, Field(description="With blocked: who must act, an agent's name or 'human'.")]
    ]
    action: NotRequired[
        Annotated[str, Field(description="With blocked: what must be done, in one sentence.")]
    ]
    handoff: NotRequired[
        Annotated[HandoffDraft, Field(description="With handed_off: the handoff.")]
    ]


def checked_outcome(value: object, *, receivers: list[str], sender: str) -> TaskOutcome:
    """The outcome, with what belongs together present together.

    Args:
        value: what the model answered.
        receivers: names that a handoff may go to.
        sender: who hands off; not to itself.

    Raises:
        OutcomeInvalid: saying what is missing.
    """
    if not isinstance(value, dict):
        msg = "The attempt ended without a TaskOutcome."
        raise OutcomeInvalid(msg, remedy="Call the TaskOutcome tool to end an attempt.")
    data = cast("dict[str, Any]", value)
    status = data.get("status")
    if not isinstance(data.get("summary"), str):
        msg = "The outcome has no summary."
        raise OutcomeInvalid(msg, remedy="Say what was done.")
    if status == "blocked" and not (_said(data, "owner") and _said(data, "action")):
        msg = "The outcome is blocked, without an owner and an action."
        raise OutcomeInvalid(msg, remedy="Say who must do what.")
    if status == "handed_off":
        given: object = data.get("handoff")
        handoff = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
        to = str(handoff.get("to", "")).strip().lower()
        if not _said(handoff, "action") or to not in receivers or to == sender:
            others = ", ".join(name for name in receivers if name != sender)
            msg = f"The outcome is handed_off, without an action or to '{to}'."
            raise OutcomeInvalid(msg, remedy=f"Hand off to one of {others}, with an action.")
        data = {**data, "handoff": {**handoff, "to": to}}
        try:
            document_of(data).check()
        except StateConflict as error:
            raise OutcomeInvalid(error.message, remedy=error.remedy) from error
    elif status not in ("completed", "failed", "blocked"):
        msg = f"'{status}' is no status."
        raise OutcomeInvalid(msg, remedy="Use completed, failed, blocked or handed_off.")
    return cast("TaskOutcome", data)


def _said(data: dict[str, Any], name: str) -> bool:
    value = data.get(name)
    return isinstance(value, str) and bool(value.strip())
