"""What Slack says, as far as it is used."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Posted(_Said):
    """A message that was posted.

    Attributes:
        channel: the channel's id.
        ts: the message's id in its channel; a thread is named by its first message's.
    """

    channel: str
    ts: str


class Identity(_Said):
    """Who the token is.

    Attributes:
        scopes: what it may do; empty: Slack did not say.
    """

    user: str
    team: str
    url: str = ""
    scopes: frozenset[str] = frozenset()


class Message(_Said):
    """A message of a channel's history."""

    ts: str
    text: str = ""
    metadata: dict[str, Any] = Field(default_factory=dict[str, Any])


class Cursor(_Said):
    """Where the next page begins; empty: this was the last."""

    next_cursor: str = ""


class MessagePage(_Said):
    """One page of a history, newest first."""

    messages: list[Message]
    has_more: bool = False
    response_metadata: Cursor = Cursor()


class Channel(_Said):
    """A channel."""

    id: str
    name: str = ""


class ChannelPage(_Said):
    """One page of channels."""

    channels: list[Channel]
    response_metadata: Cursor = Cursor()
