"""What people and the world do in a play: the tables ``[[acts]]`` of a recorded task."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from neveridle.evals.faults.trigger import Trigger


class AnswerAct(Trigger):
    """Somebody answers what waits for a person, once it is there; each item once.

    Without ``at`` and ``on`` it is done ``after`` seconds after the item was opened.

    Attributes:
        match: which item: a part of its title or body; empty: any.
        item: only questions, approvals or alerts; empty: any.
        approved: for an approval, yes or no; a question that is not approved goes unanswered.
        text: the answer, or why.
        dismiss: put it away without an answer.
        times: how many items are answered.
        by: who answers.
    """

    kind: Literal["answer"]
    match: str = ""
    item: Literal["", "question", "approval", "alert"] = ""
    approved: bool = True
    text: str = ""
    dismiss: bool = False
    times: int = Field(default=1, ge=1)
    by: str = "somebody"


class DispatchAct(Trigger):
    """Somebody dispatches a task to an agent."""

    kind: Literal["dispatch"]
    to: str
    title: str
    description: str = ""
    priority: Literal["low", "normal", "high", "urgent"] = "normal"
    acceptance: tuple[str, ...] = ()
    needs_change: bool = True
    services: tuple[str, ...] = ()


class TicketAct(Trigger):
    """Somebody works in the tracker: opens, changes or comments on a ticket.

    Attributes:
        service: the stand-in.
        ticket: a part of its title, or its identifier; a new one's whole title.
        new: whether it is opened.
        comment: what is said there; empty: nothing.
        set: what is changed: ``state``, ``assignee``, ``labels``, ``priority``, ``title``,
            ``description``; an empty assignee: nobody.
    """

    kind: Literal["ticket"]
    service: Literal["linear"] = "linear"
    ticket: str
    new: bool = False
    comment: str = ""
    by: str = "Ada"
    set: dict[str, str | int | list[str]] = Field(default_factory=dict[str, str | int | list[str]])


class BudgetAct(Trigger):
    """Somebody raises what a task may cost.

    Attributes:
        raises: the title or key of the task, as a pattern.
    """

    kind: Literal["raise-budget"]
    raises: str
    tokens: int | None = Field(default=None, gt=0)
    cost: float | None = Field(default=None, gt=0)


class ControlAct(Trigger):
    """Somebody pauses, drains or resumes an agent, or everybody (``*``)."""

    kind: Literal["control"]
    do: Literal["pause", "drain", "resume"]
    who: str = "*"
    reason: str = ""


class CommitAct(Trigger):
    """Somebody commits to the target branch of the repository.

    Attributes:
        files: the text of each file, by its path in the repository; empty: it is deleted.
    """

    kind: Literal["commit"]
    files: dict[str, str] = Field(min_length=1)
    message: str = "A person's change"


class PostAct(Trigger):
    """Somebody says something in a channel."""

    kind: Literal["post"]
    text: str
    channel: str = "dev"
    by: str = "somebody"


Act: TypeAlias = Annotated[
    AnswerAct | DispatchAct | TicketAct | BudgetAct | ControlAct | CommitAct | PostAct,
    Field(discriminator="kind"),
]
