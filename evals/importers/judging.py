"""The verdict on a run, by tau-bench's own rule.

The conversation came to its end, the database is the one that the right actions lead to, and
the assistant said to the user what it had to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any

from neveridle.errors import RecordingInvalid
from neveridle.evals.importers.authored import RESPOND, SAID
from neveridle.evals.importers.database import Database, digest
from neveridle.evals.importers.taubench_runs import Goal

if TYPE_CHECKING:
    from neveridle.evals.importers.toolset import Toolset


class Judge:
    """Knows the right database of each goal; trials of one task share it.

    Args:
        toolset: the tools of the domain.
        database: its tables at the start.
        terminating: tools that end the conversation; as right actions they do nothing.
        seconds: how long one call of a tool may take.
    """

    def __init__(
        self, toolset: Toolset, database: Database, terminating: Sequence[str], seconds: float
    ) -> None:
        self._toolset = toolset
        self._database = database
        self._terminating = tuple(terminating)
        self._seconds = seconds
        self._known: dict[str, str] = {}

    async def right_hash(self, goal: Goal) -> str:
        """The hash of the database after the right actions, on one that nobody wrote to.

        Raises:
            RecordingInvalid: there is no such tool.
            ToolsUnusable, DatasetInvalid: a tool does not return, or leaves no plain data.
        """
        if goal.key not in self._known:
            self._known[goal.key] = await self._worked_out(goal)
        return self._known[goal.key]

    async def _worked_out(self, goal: Goal) -> str:
        from neveridle.evals.importers.scripted import in_time

        data = self._database.fresh()
        for action in goal.actions:
            if action.name == RESPOND or action.name in self._terminating:
                continue
            if action.name not in self._toolset:
                msg = f"One of the right actions is {action.name}, and there is no such tool."
                raise RecordingInvalid(msg, remedy="Give the tools of the runs' domain.")
            call = partial(self._toolset.call, data, action.name, deepcopy(action.args))
            # What it raises is a result like any other, also here.
            await in_time(action.name, call, self._seconds)
        return digest(data)


def outputs_said(goal: Goal, said: Sequence[str]) -> dict[str, bool]:
    """By text that had to be said, whether it was: in any case, commas left out.

    What the right actions themselves say counts as well: the benchmark goes through them on
    the same list of actions before it looks.
    """
    own: list[Any] = [one.args.get(SAID) for one in goal.actions if one.name == RESPOND]
    texts = [str(text or "").lower().replace(",", "") for text in (*said, *own)]
    return {output: any(output.lower() in text for text in texts) for output in goal.outputs}
