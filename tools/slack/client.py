"""Slack's Web API, as far as a team talks through it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from neveridle.errors import EffectStuck, RequestRefused
from neveridle.tools.services.http import ServiceHttp
from neveridle.tools.services.parsed import answered_json, fields_of, parsed
from neveridle.tools.slack.failures import REMEDIES, slack_error
from neveridle.tools.slack.models import ChannelPage, Identity, Message, MessagePage, Posted
from neveridle.tools.slack.text import cut, escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from neveridle.settings.services import SlackSettings
    from neveridle.tools.services.kit import ServiceKit

EVENT: Final = "neveridle_message"
"""The kind of metadata by which our own messages are found again."""
PAGE: Final = 200
PAGES: Final = 10
"""Pages of a history, or of channels, that are read at most."""
_ID: Final = re.compile(r"[CDG][A-Z0-9]{6,}")


class Slack:
    """Posts and finds messages. Made by ``connect``; belongs to one event loop.

    Args:
        http: HTTP to the API.
        channel: where the team talks: a name or an id.
        alerts: where alerts go; empty: the same.
        history: whether the token may read the channels.
        timeout: seconds for one step of a request.
    """

    def __init__(
        self, http: ServiceHttp, *, channel: str, alerts: str = "", history: bool = True,
        timeout: float = 30.0,
    ) -> None:  # fmt: skip
        self._http = http
        self.channel = channel
        self.alerts = alerts or channel
        self.history = history
        self.timeout = timeout
        self._ids: dict[str, str] = {}

    @classmethod
    def connect(cls, settings: SlackSettings, kit: ServiceKit) -> Slack:
        """A client as the settings say; no connection is made before the first call."""
        http = ServiceHttp(
            kit.guard(settings),
            settings.url,
            headers={"Authorization": f"Bearer {kit.token(settings)}"},
            timeout=settings.timeout,
            classify=slack_error,
            transport=kit.transport_of(settings.name),
        )
        return cls(
            http, channel=settings.channel, alerts=settings.alerts, history=settings.history,
            timeout=settings.timeout,
        )  # fmt: skip

    async def aclose(self) -> None:
        """Close all connections; may be called twice."""
        await self._http.aclose()

    async def post(
        self,
        text: str,
        *,
        channel: str = "",
        thread: str = "",
        marker: str = "",
        everybody: bool = False,
    ) -> Posted:
        """Post a message; it is not repeated where it may have arrived.

        Args:
            text: what to say; it is escaped, so that it can call nobody, and cut where it
                is too long.
            channel: where; empty: where the team talks.
            thread: the ``ts`` of the message that is answered; empty: none.
            marker: by which it can be found; see ``find``.
            everybody: whether all in the channel are called: for alerts.

        Raises:
            RequestRefused: there is no such channel, or the bot is not in it.
            ServiceError, AccessRefused: see ``ServiceHttp.request``.
        """
        said = cut(escaped(text))
        body: dict[str, Any] = {
            "channel": channel or self.channel, "text": f"<!channel> {said}" if everybody else said,
            "parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False,
        }  # fmt: skip
        if thread:
            body["thread_ts"] = thread
        if marker:
            body["metadata"] = {"event_type": EVENT, "event_payload": {"marker": marker}}
        response = await self._http.request(
            "POST", "/chat.postMessage", body=body,
            headers={"Content-Type": "application/json; charset=utf-8"},
        )  # fmt: skip
        posted = parsed("slack", Posted, answered_json("slack", response.text))
        self._ids[body["channel"]] = posted.channel
        return posted

    async def delete(self, posted: Posted) -> None:
        """Take back a message of ours."""
        body = {"channel": posted.channel, "ts": posted.ts}
        headers = {"Content-Type": "application/json; charset=utf-8"}
        await self._http.request(
            "POST", "/chat.delete", body=body, headers=headers, repeatable=True
        )

    async def find(self, marker: str, *, channel: str = "", thread: str = "") -> Posted | None:
        """The message with a marker; None: there is none.

        Args:
            marker: as it was posted.
            channel: where; empty: where the team talks.
            thread: the thread it answers; empty: none.

        Raises:
            EffectStuck: there are so many messages that not all were looked at.
            AccessRefused: the token may not read the channel.
        """
        number = await self.channel_id(channel or self.channel)
        params: dict[str, Any] = {
            "channel": number, "limit": PAGE, "include_all_metadata": "true",
            "ts": thread or None,
        }  # fmt: skip
        path = "/conversations.replies" if thread else "/conversations.history"
        for _ in range(PAGES):
            page = parsed("slack", MessagePage, await self._get(path, params))
            for one in page.messages:
                if _marker(one) == marker:
                    return Posted(channel=number, ts=one.ts)
            params["cursor"] = page.response_metadata.next_cursor
            if not (page.has_more and params["cursor"]):
                return None
        msg = f"A message was not among the newest {PAGE * PAGES} of {channel or self.channel}."
        raise EffectStuck(msg, remedy="Look for it, and settle it by hand: `neveridle effects`.")

    async def channel_id(self, name: str) -> str:
        """A channel's id; names need the scope ``channels:read``.

        Raises:
            RequestRefused: there is none of this name.
        """
        bare = name.removeprefix("#")
        if _ID.fullmatch(bare):
            return bare
        if name in self._ids:
            return self._ids[name]
        params: dict[str, Any] = {"limit": PAGE, "exclude_archived": "true"}
        for _ in range(PAGES):
            page = parsed("slack", ChannelPage, await self._get("/conversations.list", params))
            for one in page.channels:
                if one.name == bare:
                    self._ids[name] = one.id
                    return one.id
            params["cursor"] = page.response_metadata.next_cursor
            if not params["cursor"]:
                break
        msg = f"slack has no channel {name!r} that the bot sees."
        raise RequestRefused(msg, remedy=REMEDIES["channel_not_found"])

    async def whoami(self) -> Identity:
        """Who the token is: also the cheapest proof that it is accepted."""
        response = await self._http.request("GET", "/auth.test")
        said = response.headers.get("x-oauth-scopes", "")
        scopes = frozenset(one.strip() for one in said.split(",") if one.strip())
        fields = fields_of(answered_json("slack", response.text))
        return parsed("slack", Identity, {**fields, "scopes": scopes})

    async def _get(self, path: str, params: Mapping[str, Any]) -> Any:
        response = await self._http.request("GET", path, params=params)
        return answered_json("slack", response.text)


def _marker(message: Message) -> str:
    if message.metadata.get("event_type") != EVENT:
        return ""
    return str(fields_of(message.metadata.get("event_payload")).get("marker", ""))
