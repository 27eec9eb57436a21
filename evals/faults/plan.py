"""What goes wrong in a play: the tables ``[[faults]]`` of a recorded task.

``docs/evals_faults.md`` explains each kind.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from neveridle.evals.faults.trigger import Table, Trigger


class Matched(Table):
    """What goes wrong with some of the requests that fit.

    Attributes:
        nth: the first request that fits with which it goes wrong, from 1.
        times: with how many it goes wrong; 0: with all.
        begins: simulated seconds since the start before which nothing goes wrong; ``from``
            in the file.
        until: simulated seconds since the start after which nothing does; None: no end.
        probability: of going wrong, drawn for each request from the run's seed.
        may: whether it is right that it never happens.
    """

    nth: int = Field(default=1, ge=1)
    times: int = Field(default=1, ge=0)
    begins: float = Field(default=0.0, ge=0, alias="from")
    until: float | None = Field(default=None, gt=0)
    probability: float = Field(default=1.0, gt=0, le=1)
    may: bool = False


class ServiceFault(Matched):
    """A service answers as it should not.

    Attributes:
        service: its name, such as ``linear``.
        on: which requests, as a pattern: ``METHOD /path``, or an operation of GraphQL's.
        answer: ``429``: it limits us. ``5xx``: it is broken. ``4xx``: it says no. ``timeout``:
            nothing comes in time. ``slow``: it comes ``seconds`` late. ``malformed``: broken
            JSON. ``dropped``: it is done, but the answer is lost. ``refused``: no connection.
        status: the status of ``5xx`` and ``4xx``; 0: 502 or 400.
        retry_after: seconds that ``429`` or ``5xx`` asks us to wait; None: it does not say.
        seconds: of ``slow`` and ``timeout``; None: 5 and longer than any client waits.
        done: whether the work is done all the same; None: of ``dropped``, ``malformed``
            and ``slow`` it is.
    """

    kind: Literal["service"]
    service: str
    on: str = "*"
    answer: Literal["429", "5xx", "4xx", "timeout", "slow", "malformed", "dropped", "refused"]
    status: int = Field(default=0, ge=0, le=599)
    retry_after: float | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, gt=0)
    done: bool | None = None


class ModelFault(Matched):
    """A model answers as it should not; it is not asked then.

    Attributes:
        answer: ``refuses``: it says that it will not. ``empty``: it says nothing. ``loops``: it
            calls ``tool`` with ``args`` again. ``broken-tool-call``: see ``broken``.
            ``exceeds-context``: the request is too long. ``429``, ``5xx``, ``timeout``: of
            its provider. ``slow``: the right answer, ``seconds`` late.
        task: asked for which task, by title or key, as a pattern.
        purpose: ``work``, ``learn`` or ``compact``, as a pattern.
        agent: asked by whom, as a pattern.
        step: asked for which step, from 1; None: any.
        attempt: in which attempt, from 1; None: any.
        text: the words of ``refuses``.
        tool: what ``loops`` calls, and what ``broken-tool-call`` names.
        args: what it is called with.
        broken: ``json``: the arguments are no JSON. ``unknown-tool``: there is no such tool.
            ``wrong-args``: those of ``args``, which the tool does not take.
        status: of ``5xx``; 0: 503.
        retry_after: seconds that ``429`` or ``5xx`` asks us to wait; None: it does not say.
        seconds: of ``slow`` and ``timeout``.
    """

    kind: Literal["model"]
    answer: Literal[
        "refuses", "empty", "loops", "broken-tool-call", "exceeds-context", "429", "5xx",
        "timeout", "slow",
    ]  # fmt: skip
    task: str = "*"
    purpose: str = "work"
    agent: str = "*"
    step: int | None = Field(default=None, ge=1)
    attempt: int | None = Field(default=None, ge=1)
    text: str = "I cannot help with that."
    tool: str = "read_file"
    args: dict[str, str | int | float | bool | list[str]] = Field(
        default_factory=dict[str, str | int | float | bool | list[str]]
    )
    broken: Literal["json", "unknown-tool", "wrong-args"] = "json"
    status: int = Field(default=0, ge=0, le=599)
    retry_after: float | None = Field(default=None, ge=0)
    seconds: float = Field(default=60.0, gt=0)


class KillFault(Matched):
    """The process is killed with signal 9; another one goes on with the run.

    One of ``node``, ``service``, ``at`` and ``on`` says where.

    Attributes:
        node: a node of the decision tree (``claim``, ``work``, ``verify``, ``deliver``, …), or
            ``work step 3``: the third call of the model for a task.
        service: in a request to this service.
        request: in which requests to it, as a pattern; see ``ServiceFault.on``.
        when: before the node, the call or the request is worked on, or after, when nobody has
            been told yet.
        task: working on which task, by title or key, as a pattern.
        agent: who works, as a pattern.
        at: simulated seconds since the start.
        on: an event of the board's log, as a pattern.
    """

    kind: Literal["kill"]
    node: str = ""
    service: str = ""
    request: str = "*"
    when: Literal["before", "after"] = "before"
    task: str = "*"
    agent: str = "*"
    at: float | None = Field(default=None, ge=0)
    on: str = ""
    times: int = Field(default=1, ge=1, le=10)

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        given = [bool(self.node), bool(self.service), self.at is not None, bool(self.on)]
        if sum(given) != 1:
            msg = "give one of `node`, `service`, `at` and `on`"
            raise ValueError(msg)
        return self

    @property
    def step(self) -> int:
        """The call of the model that ``node`` names; 0: it names a node."""
        number = self.node.removeprefix("work step ")
        return int(number) if number != self.node and number.isdecimal() else 0

    @property
    def trigger(self) -> Trigger:
        """When it happens, where it is neither at a node nor in a request."""
        return Trigger(
            at=self.at, on=self.on, nth=self.nth, task=self.task, agent=self.agent, may=self.may
        )


class ClockJump(Trigger):
    """Time jumps.

    Attributes:
        seconds: by how much.
        of: ``machine``: it was suspended, all timers are late and leases have ended. ``board``:
            its clock is set forward or, where ``seconds`` is negative, back.
    """

    kind: Literal["clock-jump"]
    seconds: float
    of: Literal["machine", "board"] = "machine"

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.of == "machine" and self.seconds <= 0:
            msg = "a machine is suspended for more than 0 seconds"
            raise ValueError(msg)
        return self


class Pause(Trigger):
    """The process stands still, as when it is stopped and continued; see ``ClockJump``."""

    kind: Literal["pause"]
    seconds: float = Field(gt=0)


class StaleLock(Trigger):
    """Something that a process left behind which died.

    Attributes:
        of: ``index``, ``head`` or ``ref``: a lock file of git's in the repository.
            ``lease``: a task is held by a run of a process that is gone.
        ref: the branch whose lock file it is.
        source: the rung whose best task is held.
        seconds: of ``lease``: how long the lease lasts. Of lock files: after which the lock is
            taken away; 0: never.
    """

    kind: Literal["stale-lock"]
    of: Literal["index", "head", "ref", "lease"] = "index"
    ref: str = "main"
    source: Literal["dispatch", "backlog", "roadmap", "improvement"] = "dispatch"
    seconds: float = Field(default=60.0, ge=0)


class DiskFull(Trigger):
    """No space is left for a while.

    Attributes:
        of: whose writes fail: the board's or the checkpoints'.
        seconds: for how long.
        pages: pages of 4096 bytes that are still left.
    """

    kind: Literal["disk-full"]
    of: Literal["board", "checkpoints"] = "board"
    seconds: float = Field(default=60.0, gt=0)
    pages: int = Field(default=0, ge=0)


Fault: TypeAlias = Annotated[
    ServiceFault | ModelFault | KillFault | ClockJump | Pause | StaleLock | DiskFull,
    Field(discriminator="kind"),
]
