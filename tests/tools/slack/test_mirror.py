"""The dev channel on Slack: in order, once, by one process, and quiet while Slack is down."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.errors import RateLimited, RequestRefused, ServiceError, ServiceUnavailable
from neveridle.settings.services import SlackSettings
from neveridle.tools.services import ServiceKit
from neveridle.tools.slack import Mirror, Slack
from neveridle.tools.slack.mirror import HOLD, NEWEST
from neveridle.tools.standin.http import HttpFault
from neveridle.tools.standin.slack import SlackStandin

Until = Callable[[Callable[[], object]], Awaitable[None]]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "board.db"

    async def make() -> None:
        async with Board(f"sqlite:///{path}"):
            pass

    asyncio.run(make())
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, template: Path) -> str:
    shutil.copy(template, tmp_path / "board.db")
    return f"sqlite:///{tmp_path / 'board.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def board_url(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
async def board(board_url: str) -> AsyncGenerator[Board]:
    async with Board(board_url) as one:
        await one.clock.script(1_000_000.0)
        yield one


@pytest.fixture
def slack() -> Generator[SlackStandin]:
    with SlackStandin(token="s-token", channels=("dev", "alerts")) as one:
        yield one


@pytest.fixture
async def make(board: Board, slack: SlackStandin) -> AsyncGenerator[Callable[..., Mirror]]:
    """Makes the mirror of a process."""
    clients: list[Slack] = []

    def one(holder: str = "one", **said: Any) -> Mirror:
        given = {"url": slack.api, "alerts": "alerts", "attempts": 1, "timeout": 5, **said}
        settings = SlackSettings.model_validate(given)
        environ = {"SLACK_BOT_TOKEN": "s-token"}
        kit = ServiceKit(board.breakers, board.clock, environ)
        clients.append(Slack.connect(settings, kit))
        return Mirror(board, clients[-1], holder=holder)

    yield one
    for client in clients:
        await client.aclose()


async def say(board: Board, *words: str, author: str = "sam") -> None:
    for one in words:
        await board.messages.post("dev", author, one)


async def all_of(mirror: Mirror) -> int:
    posts = 0
    while await mirror.look():
        posts += 1
    return posts


async def test_what_is_said_after_its_beginning_is_posted_in_order_and_once(
    board: Board, slack: SlackStandin, make: Callable[..., Mirror]
) -> None:
    await say(board, "long ago")
    mirror = make()
    assert await mirror.look() == 0
    assert await mirror.look() == 0
    await say(board, "one", "two <b> & c")
    await board.messages.post("other", "sam", "elsewhere")
    await say(board, "three", author="alex")
    assert await all_of(mirror) == 1
    assert slack.texts() == ["*sam*: one\n*sam*: two &lt;b&gt; &amp; c\n*alex*: three"]
    # Another process, and one after a restart, go on from there.
    for other in (make("two"), make("three")):
        assert await other.look() == 0
    await say(board, "four")
    assert await make("four").look() == 1
    assert slack.texts()[1:] == ["*sam*: four"]


async def test_alerts_go_to_their_channel_and_call_everybody(
    board: Board, slack: SlackStandin, make: Callable[..., Mirror]
) -> None:
    mirror = make()
    await mirror.look()
    await say(board, "a", "@human help", "@human again", "b @channel")
    assert await all_of(mirror) == 3
    assert slack.texts("alerts") == ["<!channel> *sam*: @human help\n*sam*: @human again"]
    assert slack.texts("dev") == ["*sam*: a", "*sam*: b @channel"]


async def test_while_a_board_says_nothing_it_writes_nothing(
    board: Board, slack: SlackStandin, make: Callable[..., Mirror]
) -> None:
    mirror = make()
    await mirror.look()
    hold: Any = board.syncs.hold
    held: list[str] = []

    async def seen(*given: Any, **more: Any) -> Any:
        held.append("held")
        return await hold(*given, **more)

    board.syncs.hold = seen  # type: ignore[method-assign]  # to see whether it is called
    for _ in range(5):
        assert await mirror.look() == 0
    assert not held
    await say(board, "x")
    await mirror.look()
    assert held
    assert len(slack.requests) == 1


async def test_only_the_newest_are_posted_after_slack_was_down_and_nothing_about_slack(
    board: Board, slack: SlackStandin, make: Callable[..., Mirror]
) -> None:
    mirror = make()
    await mirror.look()
    slack.faults.append(HttpFault("status", status=429, headers={"Retry-After": "500"}))
    await say(board, "0")
    with pytest.raises(RateLimited):
        await mirror.look()
    for number in range(1, 100):
        await say(board, f"{number}")
        if number % 20 == 0:
            with pytest.raises(ServiceUnavailable):
                await mirror.look()
    assert len(slack.requests) == 1
    await board.clock.advance(501)
    assert await all_of(mirror) == 2
    (text,) = slack.texts()
    lines = text.split("\n")
    # 100 of sam's, and one of the team's about Slack before them.
    assert lines[0] == f"[{101 - NEWEST} more messages before these are on the board only]"
    assert lines[1:] == [f"*sam*: {number}" for number in range(70, 100)]
    # That Slack can be used again was said on the board by the post itself.
    said = [one.content for one in await board.messages.latest("dev")]
    assert any(one.startswith("slack can be used again") for one in said)
    assert len(slack.requests) == 2


@pytest.mark.parametrize("done", [True, False])
async def test_a_post_whose_answer_was_lost_is_looked_for_before_it_is_made_again(
    board: Board, slack: SlackStandin, make: Callable[..., Mirror], done: bool
) -> None:
    mirror = make()
    await mirror.look()
    await say(board, "once")
    slack.faults.append(HttpFault("cut", on="*/chat.postMessage", done=done))
    with pytest.raises(ServiceError):
        await mirror.look()
    await say(board, "then")
    await all_of(make("two"))
    assert "\n".join(slack.texts()) == "*sam*: once\n*sam*: then"


@pytest.mark.parametrize("killed", [True, False])
async def test_a_process_that_ends_while_it_posts_is_taken_over(
    board: Board, slack: SlackStandin, make: Callable[..., Mirror], killed: bool
) -> None:
    mirror = make()
    await mirror.look()
    await say(board, "once")
    slack.faults.append(HttpFault("hold", on="*/chat.postMessage"))
    job = asyncio.create_task(mirror.look())
    await asyncio.to_thread(slack.wait_held)
    assert await make("two").look() == 0  # one process at a time
    release: Any = board.syncs.release

    async def dead(*given: Any, **more: Any) -> None:
        del given, more

    if killed:
        board.syncs.release = dead  # type: ignore[method-assign]  # whoever died says nothing
    job.cancel()
    await asyncio.gather(job, return_exceptions=True)
    board.syncs.release = release  # type: ignore[method-assign]  # the next one lives
    slack.let_go()
    await board.clock.advance(HOLD + 1)
    assert await make("two").look() == 1
    assert await make("two").look() == 0
    assert slack.texts() == ["*sam*: once"]


async def test_long_talk_is_several_posts_and_one_long_message_is_cut(
    board: Board, slack: SlackStandin, make: Callable[..., Mirror]
) -> None:
    mirror = make()
    await mirror.look()
    await say(board, "a" * 2000, "b" * 2000, "c" * 9000, "d")
    assert await all_of(mirror) == 4
    assert all(len(one) <= 4000 for one in slack.texts())
    assert "characters more are left out" in slack.texts()[2]


async def test_a_refusal_is_told_and_nothing_is_lost(
    board: Board, slack: SlackStandin, make: Callable[..., Mirror]
) -> None:
    mirror = make()
    await mirror.look()
    await say(board, "x")
    slack.outside.add("dev")
    with pytest.raises(RequestRefused, match="Invite"):
        await mirror.look()
    slack.outside.clear()
    assert await mirror.look() == 1


async def test_it_posts_at_most_once_a_second_and_stops(
    board: Board, slack: SlackStandin, make: Callable[..., Mirror], until: Until
) -> None:
    mirror = make()
    told: list[tuple[str, str]] = []

    async def tell(error: Exception, where: str) -> None:
        told.append((str(error), where))

    await mirror.look()
    await say(board, "@human a", "b", "@human c")
    mirror.start(tell=tell)
    await until(lambda: len(slack.posted) == 1)
    await say(board, "d")
    await asyncio.sleep(0.1)
    assert len(slack.posted) == 1  # time stands still
    while len(slack.posted) < 4:
        await board.clock.advance(1.0)
        await asyncio.sleep(0.05)
    assert slack.texts("alerts") == ["<!channel> *sam*: @human a", "<!channel> *sam*: @human c"]
    slack.outside.add("dev")
    await say(board, "e")
    while not told:
        await board.clock.advance(1.0)
        await asyncio.sleep(0.05)
    assert told[0][1] == "slack"
    await mirror.stop()
    await mirror.stop()
