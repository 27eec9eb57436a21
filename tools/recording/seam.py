"""What recording and replaying chat models have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import ConfigDict, Field

from neveridle.tools.recording.canonical import Names
from neveridle.tools.recording.scope import Scope


class SeamChatModel(BaseChatModel):
    """A chat model that sees the whole request, whatever is bound to it.

    Attributes:
        scope: who asks.
        roots: folders whose paths differ between runs, by name; see ``Names``.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    scope: Scope
    roots: Mapping[str, Path] = Field(default_factory=dict[str, Path])

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | dict[str, Any] | bool | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Keep tools (as OpenAI schemas) and all other options with the call."""
        strict = kwargs.get("strict")
        made = [convert_to_openai_tool(tool, strict=strict) for tool in tools]
        return self.bind(tools=made, tool_choice=tool_choice, **kwargs)

    def names(self) -> Names:
        """The names of one request."""
        return Names(self.roots)
