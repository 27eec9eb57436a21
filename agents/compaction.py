"""Compaction in the worker: a conversation that outgrows its budget is folded before a call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.middleware.types import ExtendedModelResponse
from langchain_core.messages import HumanMessage, RemoveMessage, SystemMessage
from langchain_core.tools import StructuredTool
from langgraph.graph.message import REMOVE_ALL_MESSAGES
from langgraph.types import Command

from neveridle.agents.account import Account, raw_answers
from neveridle.board import Attempt, Board
from neveridle.errors import NeveridleError, RecordingInvalid, RecordingMismatch
from neveridle.memory.compaction.counting import Tally, message_tokens, tool_tokens
from neveridle.memory.compaction.extract import extract
from neveridle.memory.compaction.plan import LEAST, Plan, finish, plan
from neveridle.memory.compaction.searching import search, show
from neveridle.memory.compaction.text import is_head
from neveridle.memory.compaction.writing import ASKED, SCHEMA, question, sections_from
from neveridle.tools.progress import Progress

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AnyMessage, BaseMessage

    from neveridle.memory.compaction.history import FoldedHistory
    from neveridle.memory.compaction.summary import Sections
    from neveridle.settings.compaction import CompactionSettings

COMPACT: Final = "compact"
UNKNOWN_WINDOW: Final = 128_000
"""Tokens of a window that neither the settings nor LangChain know."""
PATIENCE: Final = 180.0
"""Seconds that a summary may take."""

# Neither the agent's state nor its context gets more: the summary is one of the messages.
_Base = AgentMiddleware[Any, Any, Any]


class Compaction(_Base):
    """Middleware that keeps a conversation within its budget.

    The check wraps the call of the model, so it is no step of the graph and costs no write.
    Only when the conversation is too large is anything changed: what is folded goes to the
    history first, then the call is made, and the shorter conversation becomes the state
    together with the answer. Whoever is killed in between finds the state as it was.

    Args:
        board: where calls are logged and whose clock counts.
        attempt: whose conversation it is.
        settings: the table ``[compaction]``.
        history: where folded messages go.
        summarizer: the model that writes summaries; None: none does.
        account: what pays for its calls; None: it makes none.
        progress: told of what finishes.
    """

    def __init__(
        self,
        board: Board,
        attempt: Attempt,
        settings: CompactionSettings,
        history: FoldedHistory,
        *,
        summarizer: BaseChatModel | None = None,
        account: Account | None = None,
        progress: Progress | None = None,
    ) -> None:
        super().__init__()
        self._board = board
        self._attempt = attempt
        self._settings = settings
        self._history = history
        self._summarizer = summarizer
        self._account = account
        self._progress = progress
        self._tally = Tally()
        self._fixed: tuple[object, int, int] = (None, -1, 0)
        self.tools = [recall_tool(history)]

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any] | ExtendedModelResponse[Any]:
        """Fold what no longer fits; then make the call."""
        room = self._budget(request.model) - self._around(request)
        if self._tally.total(request.messages) <= room:
            if not request.messages or not is_head(request.messages[0]):
                request = self._without_recall(request)
            return await handler(request)
        short = await self._compacted(request.messages, max(room, LEAST))
        response = await handler(request.override(messages=cast("list[AnyMessage]", short)))
        update = [RemoveMessage(id=REMOVE_ALL_MESSAGES), *short, *response.result]
        return ExtendedModelResponse(response, Command(update={"messages": update}))

    def _without_recall(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        """The call without the tool that finds what was folded, as long as nothing was."""
        tools = [one for one in request.tools if one is not self.tools[0]]
        return request if len(tools) == len(request.tools) else request.override(tools=tools)

    def _budget(self, model: BaseChatModel) -> int:
        return int(window_of(model, self._settings.window) * self._settings.share)

    def _around(self, request: ModelRequest[Any]) -> int:
        """The tokens of the system message and of the tools; the same for all of an attempt."""
        system, tools = request.system_message, request.tools
        if self._fixed[0] is not system or self._fixed[1] != len(tools):
            tokens = tool_tokens(tools) + (message_tokens(system) if system is not None else 0)
            self._fixed = (system, len(tools), tokens)
        return self._fixed[2]

    async def _compacted(self, messages: Sequence[BaseMessage], room: int) -> list[BaseMessage]:
        before = self._tally.total(messages)
        planned = plan(messages, room, keep=self._settings.keep)
        await self._history.add(planned.store)  # durable before anything forgets it
        sections = await self._summary(planned)
        written = sections is not None
        if sections is None:
            sections = extract(planned.fold, planned.before.sections)
        short = finish(planned, sections)
        await self._board.events.append(
            "conversation.compacted",
            {
                "folded": len(planned.fold),
                "tokens_before": before,
                "tokens_after": self._tally.total(short),
                "by_model": written,
            },
            agent=self._attempt.agent, run=self._attempt.run, task=self._attempt.task_id,
            fence=self._attempt.fence,
        )  # fmt: skip
        return short

    async def _summary(self, planned: Plan) -> Sections | None:
        """The summary the model writes; None where there is none to be had."""
        if self._summarizer is None or self._account is None or not planned.fold:
            return None
        room = self._budget(self._summarizer) // 2
        asked = question(planned.fold, planned.before.sections, room)
        try:
            async with self._board.clock.timeout(PATIENCE):
                answer = await self._ask(self._summarizer, self._account, asked)
        except (RecordingInvalid, RecordingMismatch):
            raise  # a replay that goes on without its recording would prove nothing
        except (NeveridleError, TimeoutError) as error:
            code = error.code if isinstance(error, NeveridleError) else "timeout"
            await self._failed(code)
            return None
        finally:
            if self._progress is not None:
                self._progress.mark()
        sections = sections_from(answer)
        if sections is None:
            await self._failed("no-summary")
        return sections

    async def _ask(self, model: BaseChatModel, account: Account, asked: str) -> object:
        messages = [SystemMessage(ASKED), HumanMessage(asked)]

        async def once() -> dict[str, Any]:
            bound = model.with_structured_output(SCHEMA, include_raw=True)
            return cast("dict[str, Any]", await bound.ainvoke(messages))

        found = await account.call(
            COMPACT,
            once,
            tokens=sum(map(message_tokens, messages)) + tool_tokens([SCHEMA]),
            answers=raw_answers,
        )
        return found.get("parsed")

    async def _failed(self, code: str) -> None:
        await self._board.events.append(
            "summary.failed", {"code": code}, agent=self._attempt.agent, run=self._attempt.run,
            task=self._attempt.task_id, fence=self._attempt.fence,
        )  # fmt: skip


def window_of(model: BaseChatModel, setting: int) -> int:
    """The tokens of a model's window: the setting, what LangChain knows, or a usual size."""
    if setting:
        return setting
    profile = cast("dict[str, Any] | None", getattr(model, "profile", None)) or {}
    known = profile.get("max_input_tokens")
    return known if isinstance(known, int) and known > 0 else UNKNOWN_WINDOW


def recall_tool(history: FoldedHistory) -> StructuredTool:
    """The tool with which an agent reads what was folded."""

    async def recall_history(query: str = "", number: int = 0, offset: int = 0) -> str:
        """Search the earlier messages of this conversation that are no longer shown.

        Args:
            query: words that the message probably holds, such as names, keys or topics.
            number: shows this message in full, in place of a search.
            offset: where in that message to begin.
        """
        kept = await history.all()
        if number:
            return show(kept, number, offset=offset)
        return search(kept, query)

    return StructuredTool.from_function(coroutine=recall_history, parse_docstring=True)
