"""Writes to Slack: messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from neveridle.board.effect import Asked, Safety
from neveridle.tools.effects import Verb
from neveridle.tools.slack.models import Posted

if TYPE_CHECKING:
    from neveridle.tools.slack.client import Slack

LATE: Final = 10.0
"""Seconds after which a message that was posted is in the history for sure."""


def slack_verbs(client: Slack) -> tuple[Verb, ...]:
    """``post``: a message to a channel or a thread.

    Where the token may read the channel (``history``), a message carries a marker in its
    metadata, and is looked for before it is posted again. Otherwise it is posted at least
    once, and an event ``effect.repeated`` says where it may be there twice.

    The target is the channel; the request holds ``text``, and ``thread``, which may be empty.
    """

    async def call(asked: Asked) -> Any:
        posted = await client.post(
            asked.request["text"], channel=asked.target, thread=asked.request["thread"],
            marker=asked.marker if client.history else "",
        )  # fmt: skip
        return posted.model_dump()

    async def find(asked: Asked) -> Any:
        posted = await client.find(
            asked.marker, channel=asked.target, thread=asked.request["thread"]
        )
        return None if posted is None else posted.model_dump()

    async def retract(asked: Asked, result: Any) -> None:
        del asked
        await client.delete(Posted.model_validate(result))

    timeout = 4 * client.timeout  # connecting, sending, waiting and reading may each take as long
    if not client.history:
        return (
            Verb(
                service="slack", name="post", safety=Safety.AT_LEAST_ONCE, identity="content",
                call=call, timeout=timeout,
            ),
        )  # fmt: skip
    return (
        Verb(
            service="slack", name="post", safety=Safety.MARKER, identity="content", call=call,
            find=find, settles=timeout + LATE, retract=retract, timeout=timeout,
        ),
    )  # fmt: skip
