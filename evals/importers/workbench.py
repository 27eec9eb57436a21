"""A workbench: the real worker on a real board, with a recording in the model's place."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final

from neveridle.agents.checkpoints import Checkpoints
from neveridle.agents.purse import Purse
from neveridle.agents.roster import Agent, Roster
from neveridle.agents.soul import Soul
from neveridle.agents.worker import Assignment, ModelWorker
from neveridle.board import Board, NewTask, Source
from neveridle.errors import NeveridleError
from neveridle.settings import Settings
from neveridle.tools.models import Models

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

AGENT: Final = "imported"
SECONDS: Final = 3600.0
"""Seconds that one conversation may take, by the board's clock."""
CALLS: Final = 100_000
"""Model calls of one conversation that are counted."""
RECORDING: Final = "recording.jsonl"


@dataclass(frozen=True, slots=True)
class Job:
    """One conversation to be gone through.

    Attributes:
        key: what its answers are recorded under.
        title: for people.
        steps: how many answers the recording has for it.
        calls: how many calls of tools.
        policy: what the recorded system message said.
        prompt: what the user said first.
        tools: what the agent may use.
    """

    key: str
    title: str
    steps: int
    calls: int
    policy: str
    prompt: str
    tools: Sequence[BaseTool]


class Workbench:
    """Use as ``async with Workbench(folder) as bench``.

    Everything is the team's own: board, checkpoints, worker with its middleware, the replaying
    model. Lifted are what ends or nudges a live agent (``stuck_*``; calls as many as were
    recorded), since what was recorded is to be gone through to its end; budgets and folding
    are off.

    Args:
        folder: where board, checkpoints and ``recording.jsonl`` lie; the recording is there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = AsyncExitStack()
        # Validated, not called: what the environment says of a team does not count here.
        self._settings = Settings.model_validate(
            {
                "root": folder,
                "model": {"default": f"replay:{RECORDING}"},
                "limits": {"attempt_timeout": SECONDS, "stuck_repeats": 0, "stuck_rounds": 0},
                "compaction": {"enabled": False},
            }
        )

    async def __aenter__(self) -> Workbench:
        async with AsyncExitStack() as stack:
            url = f"sqlite:///{(self._folder / 'board.db').as_posix()}"
            self.board = await stack.enter_async_context(Board(url))
            self._models = Models(self._settings.model, {}, root=self._folder)
            stack.push_async_callback(self._models.aclose)
            self._models.check()
            self._purse = Purse(self.board, self._settings, self._models)
            stack.push_async_callback(self._purse.close)
            self._checkpoints = Checkpoints(self._folder / "checkpoints.db")
            stack.push_async_callback(self._checkpoints.close)
            self._run = await self.board.runs.start(AGENT, role="assistant", skills=[])
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def work(self, job: Job) -> int:
        """Let the worker go through a recorded conversation to its end; its model calls.

        Raises:
            NeveridleError: it did not come to its end; says why.
        """
        task = await self.board.tasks.add(
            NewTask(
                source=Source.DISPATCH,
                title=job.title,
                description=job.prompt,
                ref=job.key,
                assignee=AGENT,
                needs_change=False,
            )
        )
        claim = await self.board.attempts.claim(
            agent=AGENT, run=self._run, skills=[], source=Source.DISPATCH, lease=2 * SECONDS
        )
        if claim is None or claim.task.id != task.id:  # one is open at a time
            msg = f"{job.title} could not be claimed."
            raise NeveridleError(msg)
        agent = Agent(Soul(AGENT, "assistant", (), job.policy or "You help."), ())
        worker = ModelWorker(
            self.board,
            self._models,
            self._checkpoints,
            Roster({AGENT: agent}),
            # Twice as many as there are: nobody is told that the end is near.
            self._settings.limits.model_copy(
                update={"model_calls": 2 * job.steps + 10, "tool_calls": 2 * job.calls + 10}
            ),
            self._purse,
            compaction=self._settings.compaction,
        )
        try:
            await worker.work(
                Assignment(
                    task=claim.task,
                    attempt=claim.attempt,
                    agent=agent,
                    handoff=None,
                    failed=None,
                    lessons=(),
                    checks={},
                    tools=job.tools,
                )
            )
        except BaseException as error:  # raised on: the board says how it ended, too
            code = error.code if isinstance(error, NeveridleError) else "bug"
            await self.board.attempts.fail(
                claim.attempt, code=code, error=str(error)[:2000], limit=1
            )
            raise
        await self.board.attempts.complete(claim.attempt)
        return len(await self.board.events.find(kind="model.call", task=task.id, limit=CALLS))
