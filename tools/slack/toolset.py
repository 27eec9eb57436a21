"""What agents may say on Slack."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from neveridle.errors import ModelMistake
from neveridle.tools.effects import Performer, service_tool
from neveridle.tools.slack.text import LONGEST
from neveridle.tools.slack.verbs import slack_verbs

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from neveridle.settings.services import SlackSettings
    from neveridle.tools.slack.client import Slack

_TS: Final = re.compile(r"\d{1,12}\.\d{1,9}")


class SlackTools:
    """The tools as plain methods, for one attempt.

    Args:
        client: the client.
        performer: by which messages are posted.
    """

    def __init__(self, client: Slack, performer: Performer) -> None:
        self._client = client
        self._performer = performer
        (self._verb,) = slack_verbs(client)

    async def slack_post(self, text: str, thread: str = "") -> str:
        """Say something in the team's channel on Slack, where people read it.

        Args:
            text: What to say, plainly; at most 3500 characters. Nobody is called by it.
            thread: The id of the message to answer in its thread; empty for a new message.
        """
        if not text.strip() or len(text) > LONGEST - 500:
            msg = f"The text has {len(text)} characters."
            raise ModelMistake(msg, remedy=f"Say it in 1 to {LONGEST - 500}.")
        if thread and not _TS.fullmatch(thread):
            msg = f"{thread[:80]!r} is no message's id."
            raise ModelMistake(msg, remedy="Give one as it was told, such as 1700000000.000100.")
        request = {"text": text, "thread": thread}
        done = await self._performer.once(self._verb, self._client.channel, request)
        if not done.fresh:
            return "It was said before, for this task; it was not said again."
        return f"It is posted; its id is {done.result['ts']}."


def slack_tools(client: Slack, settings: SlackSettings, performer: Performer) -> Sequence[BaseTool]:
    """What an agent may do on Slack: speak in the team's channel, and nowhere else.

    Args:
        client: the client.
        settings: the settings; the client has what counts here.
        performer: by which messages are posted.
    """
    del settings
    return [service_tool(SlackTools(client, performer).slack_post)]
