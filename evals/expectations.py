"""What must hold at the end of a recorded task: the table ``[expect]``."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, model_validator

State: TypeAlias = Literal[
    "pending", "in_progress", "waiting", "blocked", "completed", "failed", "cancelled"
]
Level: TypeAlias = Literal["SELF_HEAL", "PEER_ASSIST", "HUMAN_ALERT", "EMERGENCY"]


class Table(BaseModel):
    """A table of ``task.toml``: nothing in it that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Bounds(Table):
    """A number that must lie between two; either may be left out, not both."""

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _some(self) -> Bounds:
        if self.at_least is None and self.at_most is None:
            msg = "give at_least, at_most or both"
            raise ValueError(msg)
        if (self.at_least or 0) > (self.at_most if self.at_most is not None else float("inf")):
            msg = "at_least is more than at_most"
            raise ValueError(msg)
        return self


Amount: TypeAlias = StrictInt | StrictFloat | Bounds
"""A number, or what it lies between: ``3`` or ``{ at_least = 1, at_most = 5 }``."""

Rung: TypeAlias = Literal["dispatch", "backlog", "roadmap", "improvement"]


class ExpectedHandoff(Table):
    """A handoff that must have happened."""

    sender: str = Field(alias="from")
    receiver: str = Field(alias="to")


class ExpectedLesson(Table):
    """A lesson that must have changed how a later task was done.

    Attributes:
        learnt_in: the title of the task it was drawn from.
        used_in: the title of a task in whose prompt it stood.
        calls: model calls that this task then took.
        without: model calls that it takes without memory.
    """

    learnt_in: str
    used_in: str
    calls: int
    without: int


class FileHolds(Table):
    """What stands in a file of the target branch; both hold where both are given.

    Attributes:
        contains: this text, or each of these.
        lacks: not this text, or none of these.
    """

    contains: str | tuple[str, ...] = ()
    lacks: str | tuple[str, ...] = ()


class ExpectedItem(Table):
    """Something in people's inbox; what is not named is not looked at.

    Attributes:
        kind: ``question``, ``approval`` or ``alert``.
        state: what became of it.
        level: how loud it was.
        task: the title of the task it is about.
        contains: a text in its title or body.
        count: how many items are like this; unset: at least one.
    """

    kind: Literal["question", "approval", "alert"] | None = None
    state: Literal["open", "answered", "dismissed", "withdrawn"] | None = None
    level: Level | None = None
    task: str = ""
    contains: str = ""
    count: Amount | None = None


class ExpectedEscalation(Table):
    """An escalation that must have happened; what is not named is not looked at.

    Attributes:
        level: of the escalation.
        code: of the error, such as ``checks-failed``.
        to: an agent, or ``human``.
        task: the title of the task.
        count: how many are like this; unset: at least one.
    """

    level: Level | None = None
    code: str = ""
    to: str = ""
    task: str = ""
    count: Amount | None = None


class ExpectedService(Table):
    """What a stand-in for a service holds at the end.

    A place in its state is named by keys with slashes between them: ``issues/ENG-1/state``. An
    element of a list is named by its number from 0, or by its ``identifier``, ``id``,
    ``number``, ``name`` or ``key``.

    Attributes:
        values: by place, what stands there.
        counts: by place, how many elements there are.
        contains: texts that each stand in exactly one element of the state.
        lacks: texts that stand nowhere in it.
        once: whether nothing may stand in a list twice (two comments with the same words).
    """

    values: dict[str, Any] = Field(default_factory=dict[str, Any])
    counts: dict[str, Amount] = Field(default_factory=dict[str, Amount])
    contains: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    once: bool = True


class Expectations(Table):
    """What must hold at the end; what is not named is not looked at.

    A number is ``3``, or ``{ at_least = 1, at_most = 5 }`` with either of the two.

    Attributes:
        rungs: from each of these rungs something was completed.
        completed: how many tasks were completed.
        attempts: how many attempts ended.
        path: the decision path: one line per attempt, ``agent rung ending: title``, all of
            them in the order in which they ended.
        path_contains: lines of the decision path in this order; others may stand between.
        states: by title, in which state each task is at the end. A task that is named here may
            be left open.
        ends: why the run ended; unset: ``idle``, or ``timeout`` where the run is as long as that.
        files: by path, what the target branch holds at the end: ``changed`` (also: new),
            ``unchanged``, ``absent``, or ``{ contains = "…", lacks = "…" }``.
        files_changed: all files that differ from the first commit on the target branch.
        commits: how many commits the target branch has more than at the start, without merges.
        merged: how many branches were merged.
        events: by kind, how many there are in the board's log.
        measures: by name, what was counted: ``model_calls``, ``input_tokens``,
            ``output_tokens``, ``cost``, ``retries``, ``service_calls``, ``tool_calls``,
            ``escalations``, ``attempts``, ``learnings``, ``simulated_seconds``,
            ``idle_model_calls``, and what scorers add.
        refused: titles of tasks whose first "done" verify refused, and that were then repaired.
        handoffs: who handed over to whom.
        woken: titles of tasks that waited for another and were then done.
        learnings: how many lessons were stored.
        lessons: lessons that changed how a later task was done.
        proven: how many lessons a second attempt bore out, at least.
        inbox: what people were asked and told.
        inbox_items: how many items there are in the inbox, closed ones included.
        escalations: what was escalated.
        services: by name, what stands in the stand-ins at the end.
        faults: faults of the plan that happened; each text stands in one of them.
        messages_contain: texts that stand in messages between agents.
        no_secret: whether no secret may stand in the board, checkpoints, memory, logs,
            commits and stand-ins: those of ``start.secrets``, and what has a known shape.
        idle_model_calls: model calls without a task.
        checks_before: by name, whether the check passes before the run.
        checks_after: by name, whether it passes after it.
        roadmap_done: titles of the roadmap's items that the file shows as done.
    """

    rungs: tuple[Rung, ...] = ()
    completed: Amount | None = None
    attempts: Amount | None = None
    path: tuple[str, ...] | None = None
    path_contains: tuple[str, ...] = ()
    states: dict[str, State] = Field(default_factory=dict[str, State])
    ends: Literal["idle", "timeout", "stopped", "drained", "paused"] | None = None
    files: dict[str, Literal["changed", "unchanged", "absent"] | FileHolds] = Field(
        default_factory=dict[str, "Literal['changed', 'unchanged', 'absent'] | FileHolds"]
    )
    files_changed: tuple[str, ...] | None = None
    commits: Amount | None = None
    merged: Amount | None = None
    events: dict[str, Amount] = Field(default_factory=dict[str, Amount])
    measures: dict[str, Amount] = Field(default_factory=dict[str, Amount])
    refused: tuple[str, ...] = ()
    handoffs: tuple[ExpectedHandoff, ...] = ()
    woken: tuple[str, ...] = ()
    learnings: Amount | None = None
    lessons: tuple[ExpectedLesson, ...] = ()
    proven: Annotated[int, Field(ge=0)] | None = None
    inbox: tuple[ExpectedItem, ...] = ()
    inbox_items: Amount | None = None
    escalations: tuple[ExpectedEscalation, ...] = ()
    services: dict[str, ExpectedService] = Field(default_factory=dict[str, ExpectedService])
    faults: tuple[str, ...] = ()
    messages_contain: tuple[str, ...] = ()
    no_secret: bool = True
    idle_model_calls: Amount | None = None
    checks_before: dict[str, bool] = Field(default_factory=dict[str, bool])
    checks_after: dict[str, bool] = Field(default_factory=dict[str, bool])
    roadmap_done: tuple[str, ...] = ()
