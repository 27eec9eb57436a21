"""Asks a person before an agent does what its approvals name: commands, deploying, spending."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.middleware.types import ToolCallRequest
from langchain_core.messages import ToolMessage
from langgraph.types import Command

from neveridle.agents.asking import interrupted
from neveridle.agents.command_patterns import asked_by
from neveridle.agents.prompt import quote
from neveridle.board import Attempt, Board
from neveridle.board.budget import NANOS, task_scope
from neveridle.board.inbox_item import ItemKind, ItemState
from neveridle.board.question_rows import SPEND
from neveridle.board.questions import Ask
from neveridle.board.storable import one_line
from neveridle.errors import ApprovalDenied, BudgetReached
from neveridle.settings.governing import ApprovalSettings
from neveridle.tools.approval import DEPLOY, DEPLOYING, approval_of
from neveridle.tools.redact import redact

# The middleware neither adds to the agent's state nor to its context.
_Base = AgentMiddleware[Any, Any, Any]

COMMAND: Final = "command"
SHOWN: Final = 6_000
"""Characters of a command, or of a call, that are shown to a person."""


class Gatekeeper(_Base):
    """Middleware: what needs a yes is interrupted until a person has said yes or no.

    The step is done again from its beginning then, so nothing here may have an effect before
    the interrupt. A tool that was denied is answered to the model; spending that was denied
    blocks the task.

    Args:
        board: where money is counted, and what was approved is noted.
        attempt: whose calls these are.
        approvals: what needs a yes.
    """

    def __init__(self, board: Board, attempt: Attempt, approvals: ApprovalSettings) -> None:
        super().__init__()
        self._board = board
        self._attempt = attempt
        self._approvals = approvals

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Ask before the call where the task has cost as much as is asked about."""
        if self._approvals.spend is not None:
            await self._ask_to_spend(self._approvals.spend)
        return await handler(request)

    async def awrap_tool_call(
        self,
        request: ToolCallRequest,
        handler: Callable[[ToolCallRequest], Awaitable[ToolMessage | Command[Any]]],
    ) -> ToolMessage | Command[Any]:
        """Ask before the call where it needs a yes; make exactly this call after one."""
        ask = self._asked(request)
        if ask is None:
            return await handler(request)
        answer = interrupted(ask)
        if answer.get("approved"):
            return await handler(request)
        call = request.tool_call
        return ToolMessage(
            str(denied(answer, ask.title)),
            name=call["name"], tool_call_id=call["id"], status="error",
        )  # fmt: skip

    def _asked(self, request: ToolCallRequest) -> Ask | None:
        name, arguments = str(request.tool_call["name"]), request.tool_call["args"]
        if self._approvals.deploy and approval_of(request.tool) == DEPLOY:
            return _ask(DEPLOY, f"Deploy: {name} {_said(arguments)}", {"tool": name, **arguments})
        command = arguments.get("command")
        if not isinstance(command, str):
            return None
        pattern = asked_by(command, self._approvals.commands)
        action = COMMAND
        if not pattern and self._approvals.deploy:
            pattern, action = asked_by(command, DEPLOYING), DEPLOY
        if not pattern:
            return None
        evidence = {"tool": name, "command": command, "pattern": pattern}
        return _ask(action, f"Run: {command}", evidence)

    async def _ask_to_spend(self, step: float) -> None:
        """Interrupt at each multiple of ``step`` US dollars that nobody has agreed to yet.

        Raises:
            BudgetReached: a person said no.
        """
        task = await self._board.tasks.get(self._attempt.task_id)
        chain = [task.id]
        while task.continues is not None:  # each link is older
            task = await self._board.tasks.get(task.continues)
            chain.append(task.id)
        standing = await self._board.budgets.standing([(task_scope(task.id), "")])
        spent = sum(one.nanos for one in standing)
        times = spent // max(1, round(step * NANOS))
        if times < 1:
            return
        what = f"{task.id}x{times}"
        for one in chain:  # a yes was for the work, whoever it was handed over to since
            known = await self._board.answering.approval(f"{SPEND}:{one}:{what}")
            if known is not None and known.approved:
                return
        cost, limit = spent / NANOS, (times + 1) * step
        ask = Ask(
            kind=ItemKind.APPROVAL,
            title=f"Spend more on '{one_line(task.title, 100)}': ${cost:.2f} so far",
            body=f"The task has cost ${cost:.2f}. Yes lets it go on to ${limit:.2f}, then "
            "you are asked again. No blocks it.",
            action=SPEND,
            what=what,
            evidence={"spent": round(cost, 6), "until": limit, "step": step},
        )
        while not (answer := interrupted(ask)).get("approved"):
            # The thread keeps a no; once a person has taken the task up again, it is over, and
            # the next interrupt of this step asks anew. As many as there were such nos.
            said = await self._board.inbox.get(int(answer["item"]))
            if said.state is not ItemState.WITHDRAWN:
                told = denied(answer, f"spending more than ${times * step:.2f} on this task")
                again = f"`neveridle tasks retry {self._attempt.task_id}` asks you again."
                raise BudgetReached(told.message, remedy=again, scope=task_scope(task.id))


def denied(answer: Mapping[str, Any], what: str) -> ApprovalDenied:
    """The error that says who said no to what, and why: the words are data."""
    by = one_line(str(answer.get("by", "")), 100) or "a person"
    text = str(answer.get("text", ""))
    why = f" Their words, as data:\n{quote(text)}" if text else ""
    msg = f"{by} said no to this: {one_line(redact(what))}.{why}"
    return ApprovalDenied(msg, remedy="It was not done. Find another way, or end as blocked.")


def _ask(action: str, title: str, evidence: Mapping[str, Any]) -> Ask:
    shown = {name: _shown(value) for name, value in evidence.items()}
    body = "\n".join(f"{name}: {value}" for name, value in shown.items())
    return Ask(
        kind=ItemKind.APPROVAL,
        title=one_line(title, 200),
        body=body[:SHOWN],
        action=action,
        evidence=shown,
    )


def _shown(value: object) -> str:
    text = redact(value if isinstance(value, str) else repr(value))
    left = len(text) - SHOWN
    return text if left <= 0 else f"{text[:SHOWN]} (… {left} more characters)"


def _said(arguments: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in arguments.items())
