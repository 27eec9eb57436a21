"""An end of the work that is none is told to the model, which may do it right at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from neveridle.agents.rounds import ENDING
from neveridle.errors import OutcomeInvalid

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

TIMES: Final = 2
"""How often in one go; then the attempt has failed, and the next one is told."""


def told(messages: Sequence[BaseMessage], error: OutcomeInvalid) -> list[BaseMessage]:
    """What the conversation gets so that its next answer can be right.

    Where the model called the tool that ends the work, that call's result says what is wrong
    with it, in place of the result that stood there: every provider takes it, and none is
    shown two results of one call. Where it only talked, it is answered.

    Args:
        messages: the conversation, which has ended.
        error: what is wrong with its end.
    """
    from langchain_core.messages import HumanMessage

    said = f"Error: {error} Nothing has ended yet: go on, and end the attempt as it should be."
    for message in reversed(messages):
        if message.type == "ai":
            break
        if message.type == "tool" and message.name == ENDING:  # others' results may follow it
            update: dict[str, Any] = {"content": said, "status": "error"}
            return [message.model_copy(update=update)]
    return [HumanMessage(said)]
