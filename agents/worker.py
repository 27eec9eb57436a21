"""The worker: the loop of model and tools that works on one task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from neveridle.agents.asking import AskingTools, resume_map
from neveridle.agents.checkpoints import Checkpoints, thread_config
from neveridle.agents.mending import TIMES, told
from neveridle.agents.notebook import Notebook
from neveridle.agents.outcome import TaskOutcome, checked_outcome
from neveridle.agents.prompt import released_prompt, system_prompt, task_prompt
from neveridle.agents.roster import Agent, Roster
from neveridle.board import Attempt, Board, Handoff, Task
from neveridle.board.questions import Answer
from neveridle.errors import LimitReached, OutcomeInvalid
from neveridle.settings import CompactionSettings, LimitSettings
from neveridle.settings.governing import ApprovalSettings
from neveridle.settings.model import IDLE
from neveridle.tools.progress import Progress

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.tools import BaseTool
    from langgraph.types import Command

    from neveridle.agents.account import Account
    from neveridle.agents.compaction import Compaction
    from neveridle.agents.gatekeeper import Gatekeeper
    from neveridle.agents.purse import Purse
    from neveridle.tools.effects import Performer
    from neveridle.tools.models import Models

WORK = "work"
ROUNDS = 50
"""How often one attempt goes on by itself where what it asks was answered already."""


class Interrupted(Exception):
    """The work waits for an answer from outside: the attempt is to be parked.

    Args:
        questions: what is asked, as LangGraph's interrupts carry it.
        interrupts: their ids, in the same order; empty: made from the questions.
    """

    def __init__(self, questions: Sequence[object], interrupts: Sequence[str] = ()) -> None:
        super().__init__("the work waits for an answer")
        self.questions = list(questions)
        self.interrupts = list(interrupts) or ["" for _ in self.questions]


@dataclass(frozen=True, slots=True)
class Assignment:
    """All that one attempt starts from.

    Attributes:
        task: the task.
        attempt: the attempt, whose durable thread the work goes on in.
        agent: who works.
        handoff: the handoff the task continues, if any.
        failed: the failed attempt before this one, if any.
        lessons: recalled from memory.
        memory: what memory says, as a section of the prompt; empty: nothing.
        notebook: the task's working memory; None: memory is off.
        checks: the project's checks by name.
        tools: what the agent may use.
        released: the attempt whose block was lifted, where this one goes on after that.
        feedback: what is asked for on the work's open pull request; empty: nothing.
        tree: the clone's working tree; None: there is none.
        effects: how to write to services, each thing once; None: not at all.
        answers: what people and peers said to what the task asked so far.
        approvals: what a person is asked before it is done; None: nothing.
    """

    task: Task
    attempt: Attempt
    agent: Agent
    handoff: Handoff | None
    failed: Attempt | None
    lessons: Sequence[str]
    checks: dict[str, str]
    tools: Sequence[BaseTool]
    released: Attempt | None = None
    feedback: str = ""
    tree: Path | None = None
    effects: Performer | None = None
    memory: str = ""
    notebook: Notebook | None = None
    answers: Sequence[Answer] = ()
    approvals: ApprovalSettings | None = None


class Worker(Protocol):
    """Whatever can work on a task: the built-in worker, or an agent from outside."""

    async def work(self, assignment: Assignment) -> TaskOutcome:
        """Work until there is an outcome.

        Raises:
            OutcomeInvalid: there is none.
            LimitReached: a limit came first.
            Interrupted: an answer from outside is needed.
        """
        ...


class ModelWorker:
    """The built-in worker: a LangChain agent on a durable thread.

    Args:
        board: where calls are logged and whose clock counts.
        models: where the model comes from.
        checkpoints: where the threads lie.
        roster: the team, for the prompt and for handoffs.
        limits: what one attempt may use.
        purse: what pays for calls of models.
        idle: seconds in which something must finish.
        compaction: how long conversations are folded.
    """

    def __init__(
        self,
        board: Board,
        models: Models,
        checkpoints: Checkpoints,
        roster: Roster,
        limits: LimitSettings,
        purse: Purse,
        *,
        idle: float = IDLE,
        compaction: CompactionSettings | None = None,
    ) -> None:
        self._board = board
        self._models = models
        self._checkpoints = checkpoints
        self._roster = roster
        self._limits = limits
        self._purse = purse
        self._idle = idle
        self._compaction = compaction or CompactionSettings()

    async def work(self, assignment: Assignment) -> TaskOutcome:
        """See ``Worker``; a thread that was begun before is gone on with."""
        limit = self._limits.attempt_timeout
        left = limit - await self._board.attempts.worked_before(assignment.attempt)
        progress = Progress(self._board.clock, self._idle)
        try:
            if left <= 0:  # before a model is called
                raise TimeoutError
            async with self._board.clock.timeout(left), progress.bound():
                try:
                    return await self._run(assignment, progress)
                except TimeoutError as error:  # a tool's own, not the attempt's
                    msg = f"A tool took too long: {error}"
                    raise RuntimeError(msg) from error
        except TimeoutError as error:
            msg = f"The attempt took longer than {limit:.0f} seconds."
            raise LimitReached(msg, remedy="limits.attempt_timeout sets how long.") from error

    async def _run(self, one: Assignment, progress: Progress) -> TaskOutcome:
        from langchain import agents
        from langchain.agents.structured_output import ToolStrategy

        from neveridle.agents.meter import Meter
        from neveridle.agents.note_keeper import NoteKeeper
        from neveridle.agents.vigil import Vigil

        model_calls = int(one.task.budget.get("model_calls", self._limits.model_calls))
        tool_calls = int(one.task.budget.get("tool_calls", self._limits.tool_calls))
        account = self._purse.account(one.task, one.attempt)
        meter = Meter(
            account,
            purpose=WORK,
            progress=progress,
            model_calls=model_calls,
            tool_calls=tool_calls,
        )
        graph = cast("Any", agents).create_agent(  # its own type has a part that nobody can know
            self._model(one),
            [*one.tools, *AskingTools(self._board, one.attempt, self._roster).tools()],
            system_prompt=system_prompt(
                one.agent, self._roster, one.checks, notes=one.notebook is not None
            ),
            # The vigil sees the conversation before it is folded. Both stand outside of the
            # meter: a call that is tried again is not compacted again.
            middleware=[
                Vigil(
                    self._board,
                    one.attempt,
                    repeats=self._limits.stuck_repeats,
                    quiet=self._limits.stuck_rounds,
                    model_calls=model_calls,
                    tool_calls=tool_calls,
                ),
                *self._gates(one),
                *self._folding(one, account, progress),
                meter,
                *([] if one.notebook is None else [NoteKeeper(one.notebook)]),
            ],
            response_format=ToolStrategy(TaskOutcome),
            checkpointer=await self._checkpoints.saver(),
            name="work",
        )
        config: dict[str, Any] = dict(thread_config(one.attempt.thread))
        # Two steps a round, model and tools; the meter is what ends a long attempt.
        config["recursion_limit"] = 4 * model_calls + 20
        start = await self._start(one, graph, config)
        asked: list[Any] = []
        mends = TIMES
        for _ in range(ROUNDS):
            state = await graph.ainvoke(start, config, durability="sync")
            asked = list(state.get("__interrupt__", ()))
            if not asked:
                try:
                    return checked_outcome(
                        state.get("structured_response"),
                        receivers=self._roster.receivers,
                        sender=one.agent.name,
                    )
                except OutcomeInvalid as error:
                    if not mends:
                        raise
                    mends -= 1
                    start = {"messages": told(state["messages"], error)}
                    continue
            # What was answered while the step was done, or before a process died in between.
            start = await self._answered(one, [interrupt.id for interrupt in asked])
            if start is None:
                break
        raise Interrupted([one.value for one in asked], [one.id for one in asked])

    async def _answered(self, one: Assignment, pending: list[str]) -> Command[Any] | None:
        """What the thread goes on with, once everything it waits for is answered; else None."""
        from langgraph.types import Command

        answers = await self._board.answering.answers(one.task.id)
        known = resume_map(answers, pending)
        return Command(resume=known) if pending and len(known) == len(pending) else None

    def _gates(self, one: Assignment) -> list[Gatekeeper]:
        """The middleware that asks before it lets through; none: nothing needs a yes."""
        from neveridle.agents.gatekeeper import Gatekeeper

        gates = one.approvals
        if gates is None or not (gates.deploy or gates.commands or gates.spend is not None):
            return []
        return [Gatekeeper(self._board, one.attempt, gates)]

    def _folding(self, one: Assignment, account: Account, progress: Progress) -> list[Compaction]:
        """The middleware that keeps the conversation within its budget; none: it may grow."""
        from neveridle.agents.compaction import COMPACT, Compaction
        from neveridle.agents.folded_history import ThreadHistory

        if not self._compaction.enabled:
            return []
        asked = self._compaction.summarize
        return [
            Compaction(
                self._board,
                one.attempt,
                self._compaction,
                ThreadHistory(self._checkpoints, one.attempt.thread),
                summarizer=self._model(one, COMPACT) if asked else None,
                account=account if asked else None,
                progress=progress,
            )
        ]

    async def _start(self, one: Assignment, graph: Any, config: dict[str, Any]) -> Any:
        """What the thread is given to go on with; None: it knows what comes next."""
        from langchain_core.messages import HumanMessage

        if not await self._checkpoints.exists(one.attempt.thread):
            prompt = task_prompt(
                one.task,
                memory=one.memory,
                handoff=one.handoff,
                failed=one.failed,
                released=one.released,
                feedback=one.feedback,
                answers=one.answers,
            )
            return {"messages": [HumanMessage(prompt)]}
        if one.released is not None and not (await graph.aget_state(config)).next:
            # It had ended; a killed process may have begun to go on with it since.
            return {"messages": [HumanMessage(released_prompt(one.released))]}
        state = await graph.aget_state(config)
        pending = [asked.id for step in state.tasks for asked in step.interrupts]
        return await self._answered(one, pending)

    def _model(self, one: Assignment, purpose: str = WORK) -> BaseChatModel:
        from neveridle.tools.recording import Scope

        scope = Scope(one.task.key, one.attempt.number, purpose, one.agent.name)
        return self._models.for_scope(scope, workspace=one.tree)
