"""Recorded runs of tau-bench drive our worker; the final database decides."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from neveridle.errors import NeveridleError, RecordingInvalid
from neveridle.evals.importers.authored import RESPOND, entries_of, write_recording
from neveridle.evals.importers.conversation import Conversation
from neveridle.evals.importers.database import Database, digest
from neveridle.evals.importers.judging import Judge, outputs_said
from neveridle.evals.importers.scripted import UNKNOWN, Script, langchain_tools
from neveridle.evals.importers.taubench_runs import (
    TERMINATING,
    Goal,
    TauRun,
    conversation_of,
    goal_of,
)
from neveridle.evals.importers.verdict import Verdict
from neveridle.evals.importers.workbench import RECORDING, Job, Workbench

if TYPE_CHECKING:
    from neveridle.evals.importers.toolset import Toolset

TOOL_SECONDS: Final = 30.0
"""Seconds that one call of a tool may take."""
CLOSE: Final = 1e-6
"""Rewards that differ by less are the same, as in the benchmark."""


@dataclass(frozen=True, slots=True)
class _Ready:
    """A run that can be gone through."""

    run: TauRun
    conversation: Conversation
    ended: bool
    goal: Goal

    @property
    def key(self) -> str:
        return f"tau-bench:{self.run.number}"


class TauBench:
    """Goes through recorded runs, one after the other.

    Args:
        toolset: the tools of the runs' domain.
        database: its tables.
        folder: where board, checkpoints and recording are made.
        terminating: tools that end the conversation.
        seconds: how long one call of a tool may take.
    """

    def __init__(
        self,
        toolset: Toolset,
        database: Database,
        folder: Path,
        *,
        terminating: Sequence[str] = TERMINATING,
        seconds: float = TOOL_SECONDS,
    ) -> None:
        self._toolset = toolset
        self._database = database
        self._folder = folder
        self._terminating = tuple(terminating)
        self._seconds = seconds
        self._judge = Judge(toolset, database, self._terminating, seconds)

    async def go(
        self,
        runs: Sequence[TauRun],
        *,
        among: Sequence[TauRun] = (),
        tell: Callable[[Verdict], None] = lambda _: None,
    ) -> list[Verdict]:
        """Go through runs; one that cannot be is there with its error.

        Args:
            runs: those to go through.
            among: all that were recorded: one that does not say what it is judged by is judged
                by what another trial of its task says.
            tell: told of each as it is done.

        Raises:
            DatasetInvalid: the database, as it was given, has no hash.
        """
        await asyncio.to_thread(lambda: digest(self._database.fresh()))
        verdicts = [_begun(run) for run in runs]
        ready: list[_Ready | None] = [
            self._read(run, verdict, among or runs)
            for run, verdict in zip(runs, verdicts, strict=True)
        ]
        entries = [
            entry
            for one in ready
            if one is not None
            for entry in entries_of(one.conversation, one.key)
        ]
        write_recording(self._folder / RECORDING, entries, model="as recorded by tau-bench")
        async with Workbench(self._folder) as bench:
            for one, verdict in zip(ready, verdicts, strict=True):
                if one is not None:
                    began = time.monotonic()
                    await self._go_one(bench, one, verdict)
                    verdict.seconds = round(time.monotonic() - began, 3)
                tell(verdict)
        return verdicts

    def _read(self, run: TauRun, verdict: Verdict, among: Sequence[TauRun]) -> _Ready | None:
        """What a run needs; None: there is nothing to go through, and the verdict says why."""
        if run.trouble is not None:
            verdict.troubled(run.trouble)
            return None
        if run.failed:
            verdict.status = "skipped"
            verdict.error = f"It had failed when it was recorded: {run.failed}"
            return None
        try:
            conversation, ended = conversation_of(run, self._terminating)
            self._check(conversation)
            return _Ready(run, conversation, ended, goal_of(run, among))
        except NeveridleError as error:
            verdict.troubled(error)
            return None

    def _check(self, conversation: Conversation) -> None:
        """Raises RecordingInvalid where a run uses a tool that is not there, and was then."""
        missing = {call.name for call in conversation.calls if not self._known(call.name)}
        missing -= set(_unknown_then(conversation, missing))
        if missing:
            msg = f"It calls tools that {self._toolset.named} does not have: {_listed(missing)}."
            raise RecordingInvalid(msg, remedy=f"There are {_listed(self._toolset.names)}.")

    def _known(self, name: str) -> bool:
        return name == RESPOND or name in self._toolset

    async def _go_one(self, bench: Workbench, one: _Ready, verdict: Verdict) -> None:
        data, script = self._database.fresh(), Script.of(one.conversation)
        try:
            verdict.model_calls = await self._work(bench, one, script, data)
            right = await self._judge.right_hash(one.goal)
            final = await asyncio.to_thread(digest, data)
        except NeveridleError as error:
            verdict.troubled(script.trouble or error)
        except Exception as error:  # noqa: BLE001 - a bug in one run is told of; the rest goes on
            verdict.troubled(NeveridleError(f"{type(error).__name__}: {error}"))
            verdict.code = "bug"
        else:
            verdict.ended, verdict.database = one.ended, final == right
            verdict.outputs = outputs_said(one.goal, script.said)
            if one.run.gt_hash:
                verdict.same_goal = right == one.run.gt_hash
            # What never came to its end was cut off by the harness, which then gives nothing.
            good = verdict.ended and verdict.database and all(verdict.outputs.values())
            verdict.reward = 1.0 if good else 0.0
            same = abs(verdict.reward - (one.run.reward or 0.0)) <= CLOSE
            verdict.status = "agreed" if same else "disagreed"
        verdict.tool_calls, verdict.different = script.made, script.different

    async def _work(
        self, bench: Workbench, one: _Ready, script: Script, data: dict[str, Any]
    ) -> int:
        def invoke(name: str, args: dict[str, Any]) -> str:
            if not self._known(name):
                return f"{UNKNOWN}{name}"
            return self._toolset.call(data, name, args)

        made_up = sorted({c.name for c in one.conversation.calls if not self._known(c.name)})
        functions = [*self._toolset.functions, *({"name": name} for name in made_up)]
        model_calls = await bench.work(
            Job(
                key=one.key,
                title=f"tau-bench run {one.run.number}: {one.run.name}",
                steps=len(one.conversation.turns) + 1,
                calls=len(script.calls) + 1,
                policy=one.conversation.system,
                prompt=one.conversation.opening,
                tools=langchain_tools(functions, script, invoke, self._seconds),
            )
        )
        if script.calls:
            left = f"{len(script.calls)} recorded calls were not made, first {script.calls[0].name}"
            raise RecordingInvalid(f"The worker ended early: {left}.")
        return model_calls


def _begun(run: TauRun) -> Verdict:
    return Verdict(number=run.number, task_id=run.task_id, trial=run.trial, recorded=run.reward)


def _unknown_then(conversation: Conversation, names: Collection[str]) -> list[str]:
    """Of tools that are not there, those that were not there when it was recorded, either."""
    return [
        name
        for name in names
        if all(
            (call.result or "").startswith(UNKNOWN)
            for call in conversation.calls
            if call.name == name
        )
    ]


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))
