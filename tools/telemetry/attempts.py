"""The trace of one attempt in one tick: it begins with the claim and ends with the attempt."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neveridle.tools.telemetry.seam import telemetry
from neveridle.tools.telemetry.spans import NOTHING, Traced, span

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.trace import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """Which attempt began.

    Attributes:
        agent: who works.
        run: this process's life of that agent.
        task: the task's id.
        attempt: the attempt's number; a resumed one keeps the number it resumes.
        fence: the fence of its lease.
        rung: where the task came from.
        resumes: run and fence of the attempt that is gone on with; None: it starts afresh.
    """

    agent: str
    run: str
    task: int
    attempt: int
    fence: int
    rung: str
    resumes: tuple[str, int] | None = None

    @property
    def fields(self) -> dict[str, str | int]:
        """What every line of the log has."""
        return {
            "run": self.run, "agent": self.agent, "task": self.task,
            "attempt": self.attempt, "fence": self.fence,
        }  # fmt: skip


class AttemptTrace:
    """The span ``tick``, under which all that is done for an attempt is found.

    Args:
        begun: which attempt.
    """

    def __init__(self, begun: Begun) -> None:
        self.begun = begun
        self._root: Traced = NOTHING
        self._context: Context | None = None
        self._over = False
        found = telemetry()
        if found is None:
            return
        from opentelemetry import trace

        attributes: dict[str, str | int] = {
            "gen_ai.agent.name": begun.agent,
            "neveridle.run": begun.run,
            "neveridle.task": begun.task,
            "neveridle.attempt": begun.attempt,
            "neveridle.fence": begun.fence,
            "neveridle.rung": begun.rung,
        }
        if begun.resumes is not None:
            attributes["neveridle.resumes"] = begun.resumes[1]
        if found.derives:
            from neveridle.tools.telemetry.ids import ids_of, with_ids

            with with_ids(ids_of(begun.run, begun.task, begun.fence)):
                made = found.tracer.start_span("tick", attributes=attributes, links=_links(begun))
        else:
            made = found.tracer.start_span("tick", attributes=attributes)
        self._root = Traced(made)
        self._context = trace.set_span_in_context(made)
        found.instruments.active.add(1)

    def node(self, name: str) -> AbstractContextManager[Traced]:
        """The span of one node of the decision tree."""
        return span(name, {"neveridle.node": name}, context=self._context)

    def end(self, ending: str, *, error: str = "") -> None:
        """The attempt is over in this process; what is said twice counts once.

        Args:
            ending: how, see ``neveridle.graph.state.Ending``.
            error: the code of what it failed for.
        """
        if self._over:
            return
        self._over = True
        self._root.set("neveridle.ending", ending)
        if error:
            self._root.failed(error)
        self._root.end()
        found = telemetry()
        if found is not None and self._context is not None:
            found.instruments.active.add(-1)
            found.instruments.tasks.add(
                1, {"neveridle.ending": ending, "neveridle.rung": self.begun.rung}
            )


def _links(begun: Begun) -> list[Link]:
    """To the trace of the attempt that is gone on with, wherever it was worked on."""
    if begun.resumes is None:
        return []
    from opentelemetry.trace import Link, SpanContext, TraceFlags

    from neveridle.tools.telemetry.ids import ids_of

    run, fence = begun.resumes
    trace, first = ids_of(run, begun.task, fence)
    context = SpanContext(trace, first, is_remote=True, trace_flags=TraceFlags(0x01))
    return [Link(context, {"neveridle.link": "resumes"})]
