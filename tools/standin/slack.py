"""A stand-in for Slack's Web API: channels, messages, threads and their metadata."""

from __future__ import annotations

from typing import Any, Final

from neveridle.tools.standin.exchange import Answer, StandinRequest
from neveridle.tools.standin.http import HttpStandin

SCOPES: Final = "chat:write,channels:history,channels:read"
BOT: Final = "B19LU7CSY"


class SlackStandin(HttpStandin):
    """Slack on loopback, below ``/api``. Use as ``with SlackStandin(token="t") as slack``.

    Args:
        token: the token that is accepted.
        channels: the names of the channels there are; the bot is in all of them.

    Attributes:
        posted: all messages with the fields of Slack's own, oldest first.
        scopes: what the token may do.
        outside: names of channels the bot is not in.
        page: messages or channels on one page, at most.
    """

    def __init__(self, *, token: str = "", channels: tuple[str, ...] = ("dev",)) -> None:
        super().__init__(token=token)
        self.channels = {name: f"C{place:07d}A" for place, name in enumerate(channels)}
        self.posted: list[dict[str, Any]] = []
        self.scopes = SCOPES
        self.outside: set[str] = set()
        self.page = 200

    @property
    def api(self) -> str:
        """The address for the settings."""
        return f"{self.url}/api"

    def texts(self, channel: str = "dev") -> list[str]:
        """What was said in a channel, oldest first."""
        with self.lock:
            number = self.channels[channel]
            return [one["text"] for one in self.posted if one["channel"] == number]

    def handle(self, request: StandinRequest) -> Answer:
        """Answer as Slack does: nearly always with 200."""
        if not request.credentials:
            return _no("not_authed")
        if not request.authorized:
            return _no("invalid_auth")
        match request.segments:
            case ("api", "auth.test"):
                return self._who()
            case ("api", "chat.postMessage"):
                return self._post(request)
            case ("api", "chat.delete"):
                return self._delete(request)
            case ("api", "conversations.history"):
                return self._history(request, thread=False)
            case ("api", "conversations.replies"):
                return self._history(request, thread=True)
            case ("api", "conversations.list"):
                return self._list(request)
            case _:
                return _no("unknown_method")

    def _who(self) -> Answer:
        said = {
            "ok": True, "url": "https://team.slack.com/", "team": "Team", "user": "neveridle",
            "team_id": "T12345678", "user_id": "W12345678", "bot_id": BOT,
        }  # fmt: skip
        return Answer(200, said, {"X-OAuth-Scopes": self.scopes})

    def _channel(self, given: str) -> str | Answer:
        name = given.removeprefix("#")
        number = self.channels.get(name, name)
        if number not in self.channels.values():
            return _no("channel_not_found")
        names = {one: name for name, one in self.channels.items()}
        return _no("not_in_channel") if names[number] in self.outside else number

    def _post(self, request: StandinRequest) -> Answer:
        asked: dict[str, Any] = request.json or {}
        channel = self._channel(str(asked.get("channel", "")))
        if isinstance(channel, Answer):
            return channel
        if not asked.get("text"):
            return _no("no_text")
        ts = f"{1_700_000_000 + len(self.posted)}.000100"
        message: dict[str, Any] = {
            "type": "message", "subtype": "bot_message", "text": asked["text"], "ts": ts,
            "username": "neveridle", "bot_id": BOT,
        }  # fmt: skip
        if asked.get("thread_ts"):
            message["thread_ts"] = asked["thread_ts"]
        kept = {**message, "channel": channel}
        if "metadata" in asked:
            kept["metadata"] = asked["metadata"]
        self.posted.append(kept)
        return Answer(200, {"ok": True, "channel": channel, "ts": ts, "message": message})

    def _delete(self, request: StandinRequest) -> Answer:
        asked: dict[str, Any] = request.json or {}
        for one in self.posted:
            if (one["channel"], one["ts"]) == (asked.get("channel"), asked.get("ts")):
                self.posted.remove(one)
                return Answer(200, {"ok": True, "channel": one["channel"], "ts": one["ts"]})
        return _no("message_not_found")

    def _history(self, request: StandinRequest, *, thread: bool) -> Answer:
        if "channels:history" not in self.scopes:
            said = {"needed": "channels:history", "provided": self.scopes}
            return Answer(200, {"ok": False, "error": "missing_scope", **said})
        channel = self._channel(request.first("channel"))
        if isinstance(channel, Answer):
            return channel
        root = request.first("ts")
        found = [
            one for one in self.posted
            if one["channel"] == channel
            and ((root in (one["ts"], one.get("thread_ts"))) if thread else "thread_ts" not in one)
        ]  # fmt: skip
        if not thread:
            found.reverse()
        full = request.first("include_all_metadata") == "true"
        shown = [
            {name: value for name, value in one.items()
             if name != "channel" and (full or name != "metadata")}
            for one in found
        ]  # fmt: skip
        return self._paged(request, "messages", shown)

    def _list(self, request: StandinRequest) -> Answer:
        every = [{"id": number, "name": name} for name, number in self.channels.items()]
        return self._paged(request, "channels", every)

    def _paged(self, request: StandinRequest, what: str, every: list[dict[str, Any]]) -> Answer:
        begin = int(request.first("cursor", "0") or 0)
        end = begin + min(self.page, int(request.first("limit", "100")))
        more = end < len(every)
        said: dict[str, Any] = {"ok": True, what: every[begin:end]}
        if what == "messages":
            said |= {"has_more": more, "pin_count": 0}
        if more or what == "channels":
            said["response_metadata"] = {"next_cursor": str(end) if more else ""}
        return Answer(200, said)


def _no(error: str) -> Answer:
    return Answer(200, {"ok": False, "error": error})
