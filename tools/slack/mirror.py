"""The board's ``dev`` channel on Slack: posted there in order, by one process."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from neveridle.errors import NeveridleError, ServiceError, ServiceUnreached
from neveridle.tools.redact import redact
from neveridle.tools.slack.text import LONGEST

if TYPE_CHECKING:
    from neveridle.board import Board, Message
    from neveridle.tools.slack.client import Slack

CHANNEL: Final = "dev"
SOURCE: Final = "slack:dev"
EVERY: Final = 2.0
"""Seconds between two looks at the channel."""
APART: Final = 1.0
"""Seconds between two posts: Slack takes one a second for each channel."""
AGAIN: Final = 60.0
"""Seconds at most until the next try where Slack cannot be used."""
NEWEST: Final = 30
"""Messages that are still posted after Slack could not be used; of older ones their number."""
ROOM: Final = LONGEST - 500
"""Characters of several messages in one post."""
HOLD: Final = 600.0
"""Seconds for which one process posts before another may take over; longer than a post takes."""

# What is said of Slack itself stays off Slack: it could only be read when it is over.
_OF_SLACK: Final = re.compile(r"(@human )?slack (is|can) ")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Place:
    """How far the channel is posted.

    Attributes:
        done: the id of the last message that is.
        upto: that of the last message of a post whose answer is not known; 0: there is none.
        marker: by which that post can be found.
    """

    done: int
    upto: int = 0
    marker: str = ""

    def __str__(self) -> str:
        return f"{self.done}>{self.upto}:{self.marker}" if self.upto else str(self.done)

    @classmethod
    def read(cls, token: str) -> _Place:
        done, _, rest = token.partition(">")
        upto, _, marker = rest.partition(":")
        return cls(int(done), int(upto or 0), marker)


class Mirror:
    """Posts what is said on the board's ``dev`` channel.

    Only one process of a team posts, and only what is new since the first one began. While
    Slack cannot be used nothing is queued: the messages are on the board, and the newest of
    them are posted when it can be used again, with the number of those that are left out.

    Args:
        board: the board.
        slack: the client; alerts (``@human``) go to its channel for alerts, and call everybody.
        holder: who posts, as a name on the board.
    """

    def __init__(self, board: Board, slack: Slack, *, holder: str) -> None:
        self._board = board
        self._slack = slack
        self._holder = holder
        self._task: asyncio.Task[None] | None = None

    async def look(self) -> int:
        """Post once, if there is something to post; how many messages are done with by it.

        Raises:
            ServiceError: Slack cannot be used now; nothing is lost.
            NeveridleError: it does not want the message.
        """
        token = await self._board.syncs.token(SOURCE)
        newest = await self._board.messages.newest(CHANNEL)
        if token and _Place.read(token) == _Place(newest):
            return 0
        if not await self._hold():
            return 0
        after: _Place | None = None  # whoever is cut off in between leaves the board as it is
        try:
            # Another one may have posted since the first look.
            token = await self._board.syncs.token(SOURCE)
            before = place = _Place.read(token) if token else _Place(newest)
            if place.upto:
                place = await self._settled(place)
            found, more = await self._board.messages.since(CHANNEL, place.done, limit=NEWEST)
            group = _first_group(found)
            after = await self._post(place, group, more) if group else place
            return after.done - before.done
        except _Unknown as unknown:
            after = unknown.place
            raise unknown.error from None
        finally:
            await self._board.syncs.release(
                SOURCE, self._holder, token=None if after is None else str(after)
            )

    async def _hold(self) -> bool:
        return await self._board.syncs.hold(SOURCE, self._holder, seconds=HOLD)

    async def _settled(self, place: _Place) -> _Place:
        """What became of a post whose answer was lost; without a history it is made again."""
        if not self._slack.history:
            return _Place(place.done)
        for channel in dict.fromkeys((self._slack.channel, self._slack.alerts)):
            if await self._slack.find(place.marker, channel=channel) is not None:
                return _Place(place.upto)
        return _Place(place.done)

    async def _post(self, place: _Place, group: Sequence[Message], more: int) -> _Place:
        said = [one for one in group if not _is_of_slack(one)]
        after = _Place(group[-1].id)
        if not said:
            return after
        lines = [f"*{one.author}*: {redact(one.content)}" for one in said]
        if more:
            lines.insert(0, f"[{more} more messages before these are on the board only]")
        begun = _Place(place.done, after.done, f"dev-{secrets.token_hex(8)}")
        # On the board before anything is sent: whoever comes after us knows what to look for.
        await self._board.syncs.release(SOURCE, self._holder, token=str(begun))
        if not await self._hold():
            raise _Unknown(begun, ServiceUnreached("Another process posts.", service="slack"))
        alert = _is_alert(group[0])
        try:
            await self._slack.post(
                "\n".join(lines), channel=self._slack.alerts if alert else "",
                marker=begun.marker, everybody=alert,
            )  # fmt: skip
        except ServiceError as error:
            nothing = isinstance(error, ServiceUnreached)
            raise _Unknown(place if nothing else begun, error) from error
        except NeveridleError as error:  # a definite no
            raise _Unknown(place, error) from error
        return after

    def start(self, *, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        """Begin to look, now and then every other second.

        Args:
            tell: whom to tell what went wrong, and where.
        """
        self._task = asyncio.create_task(self._keep(tell), name="neveridle-slack-mirror")

    async def _keep(self, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        while True:
            pause = EVERY
            try:
                if await self.look():
                    pause = APART
            except ServiceError as error:  # its breaker says so to everybody
                pause = AGAIN if error.wait is None else min(max(error.wait, APART), AGAIN)
            except Exception as error:  # noqa: BLE001 - the team works on; it is told of
                log.warning("posting to slack failed: %s", redact(str(error)))
                await _told(tell, error)
                pause = AGAIN
            try:
                await self._board.clock.sleep(pause)
            except Exception:  # noqa: BLE001 - the next look may reach the board again
                await asyncio.sleep(AGAIN)

    async def stop(self) -> None:
        """Stop looking; what is not posted yet is posted by whoever looks next."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class _Unknown(Exception):
    """How far it is posted after a post that failed, and why it did."""

    def __init__(self, place: _Place, error: NeveridleError) -> None:
        super().__init__(str(error))
        self.place = place
        self.error = error


async def _told(tell: Callable[[Exception, str], Awaitable[None]], error: Exception) -> None:
    try:
        await tell(error, "slack")
    except Exception as other:  # noqa: BLE001 - the board cannot be reached either
        log.warning("the board was not told: %s", redact(str(other)))


def _is_alert(message: Message) -> bool:
    return message.content.startswith("@human")


def _is_of_slack(message: Message) -> bool:
    return message.author == "team" and _OF_SLACK.match(message.content) is not None


def _first_group(found: Sequence[Message]) -> list[Message]:
    """The first messages that go into one post: all alerts or none, and not too long."""
    group: list[Message] = []
    length = 0
    for one in found:
        length += len(one.author) + len(one.content) + 5
        if group and (length > ROOM or _is_alert(one) != _is_alert(group[0])):
            break
        group.append(one)
    return group
