"""Doctor asks each service once, all at once, and writes nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.board.breaker import BreakerPolicy
from neveridle.health import Finding, Grade, examine
from neveridle.settings import Settings
from neveridle.settings.loader import settings_from
from neveridle.tools.health import CHECKS, look_at_reach
from neveridle.tools.standin.convex import ConvexStandin
from neveridle.tools.standin.http import Answer, HttpFault, HttpStandin, StandinRequest
from neveridle.tools.standin.slack import SlackStandin
from neveridle.tools.standin.vercel import VercelStandin

TOKENS = {
    "VERCEL_TOKEN": "v-token", "SLACK_BOT_TOKEN": "s-token", "CONVEX_DEPLOY_KEY": "c-key",
    "GITHUB_TOKEN": "g-token", "LINEAR_API_KEY": "l-token",
}  # fmt: skip
ODD = Path(__file__).parents[1] / "mcp" / "odd_server.py"


class Repository(HttpStandin):
    """GitHub and Linear as far as they are asked here."""

    def __init__(self, token: str) -> None:
        super().__init__(token=token)
        self.push = True
        self.archived = False

    def handle(self, request: StandinRequest) -> Answer:
        if not request.authorized:
            return Answer(401, {"message": "Bad credentials"})
        if request.method == "POST":
            return Answer(200, {"data": {"viewer": {"id": "u", "name": "Sam"}}})
        return Answer(200, {"permissions": {"push": self.push}, "archived": self.archived})


@pytest.fixture(autouse=True)
def tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def settings(tmp_path: Path) -> Callable[..., Settings]:
    def make(**services: Any) -> Settings:
        return settings_from({"team": {"repository": "."}, "services": services}, tmp_path)

    return make


@pytest.fixture
def vercel() -> Generator[VercelStandin]:
    with VercelStandin(token="v-token") as one:
        one.deploy("a" * 40)
        yield one


@pytest.fixture
def slack() -> Generator[SlackStandin]:
    with SlackStandin(token="s-token") as one:
        yield one


def by_name(found: Any) -> dict[str, Finding]:
    return {one.about: one for one in found}


async def test_all_that_is_configured_is_asked_and_fine(
    settings: Callable[..., Settings], vercel: VercelStandin, slack: SlackStandin, tmp_path: Path
) -> None:
    with (
        ConvexStandin(token="c-key") as convex, Repository("g-token") as github,
        Repository("l-token") as linear,
    ):  # fmt: skip
        given = settings(
            vercel={"url": vercel.url, "project": "web"}, slack={"url": slack.api},
            convex={"url": convex.url}, github={"url": github.url, "repository": "o/r"},
            linear={"url": f"{linear.url}/graphql"},
            mcp={"odd": {"command": [sys.executable, "-I", str(ODD)], "tools": ["echo"]}},
        )  # fmt: skip
        found = by_name(await look_at_reach(given))
    assert {name: str(one.grade) for name, one in found.items()} == dict.fromkeys(
        ("vercel", "slack", "convex", "github", "linear", "mcp:odd"), "ok"
    ), found
    assert found["github"].facts["push"] is True
    assert found["slack"].facts["scopes"]
    assert not list(tmp_path.rglob("*.db"))  # noqa: ASYNC240 - nothing else runs here


async def test_each_failure_has_a_remedy_and_costs_one_request(
    settings: Callable[..., Settings], vercel: VercelStandin, slack: SlackStandin
) -> None:
    vercel.token = "another"
    slack.faults.append(HttpFault("status", status=500))
    with Repository("g-token") as github:
        github.push = False
        found = by_name(
            await look_at_reach(
                settings(
                    vercel={"url": vercel.url}, slack={"url": slack.api},
                    github={"url": github.url, "repository": "o/r"},
                    convex={"url": "http://127.0.0.1:9"}, linear={"enabled": False},
                    mcp={"odd": {"command": [sys.executable, "-I", str(ODD)], "tools": ["nothing"]},
                         "two": {"command": ["x"], "url": "http://127.0.0.1:9"}},
                )
            )
        )  # fmt: skip
    assert set(found) == {"vercel", "slack", "github", "convex", "mcp:odd", "mcp:two"}
    assert (found["vercel"].grade, found["slack"].grade) == (Grade.PROBLEM, Grade.PROBLEM)
    assert "services reset vercel" in found["vercel"].remedy
    assert "500" in found["slack"].message
    assert (found["github"].grade, found["github"].facts["push"]) == (Grade.WARNING, False)
    assert "cannot be reached" in found["convex"].message
    assert (found["mcp:odd"].grade, "nothing" in found["mcp:odd"].message) == (Grade.WARNING, True)
    assert "either command or url" in found["mcp:two"].message
    assert (len(vercel.requests), len(slack.requests)) == (1, 1)
    assert not any(token in str(found) for token in TOKENS.values())


async def test_scopes_that_are_missing_are_named(
    settings: Callable[..., Settings], slack: SlackStandin
) -> None:
    slack.scopes = "chat:write"
    found = by_name(await look_at_reach(settings(slack={"url": slack.api})))
    assert "channels:history" in found["slack"].message
    assert found["slack"].grade is Grade.WARNING
    assert "history = false" in found["slack"].remedy
    slack.scopes = "channels:read"
    found = by_name(await look_at_reach(settings(slack={"url": slack.api, "history": False})))
    assert found["slack"].grade is Grade.PROBLEM
    assert "chat:write" in found["slack"].message


async def test_a_service_that_is_left_alone_is_not_asked(
    settings: Callable[..., Settings], vercel: VercelStandin, slack: SlackStandin
) -> None:
    given = settings(vercel={"url": vercel.url}, slack={"url": slack.api})
    async with Board(given.board_url) as board:
        await board.clock.script(1_000.0)
        await board.breakers.hold("vercel", "the token was revoked")
        permit = await board.breakers.admit("slack", BreakerPolicy())
        await board.breakers.failed(permit, BreakerPolicy(), "limited", wait=500.0, health=False)
        before = await board.breakers.all()
        found = by_name(await look_at_reach(given))
        assert "revoked" in found["vercel"].message
        assert found["vercel"].grade is Grade.PROBLEM
        assert "not called for 500 s: limited" in found["slack"].message
        assert not vercel.requests
        assert not slack.requests
        await board.clock.advance(501)
        found = by_name(await look_at_reach(given))
        assert found["slack"].grade is Grade.OK
        assert await board.breakers.all() == before  # a look from outside is no probe


async def test_one_that_hangs_does_not_hide_the_others(
    settings: Callable[..., Settings], vercel: VercelStandin, slack: SlackStandin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("neveridle.tools.services.reach.STEP", 0.5)
    vercel.faults.append(HttpFault("hold"))
    given = settings(vercel={"url": vercel.url}, slack={"url": slack.api})
    (check,) = [one for one in CHECKS if one.name == "reach"]
    found = by_name(await examine([check], given))
    assert (found["vercel"].grade, found["slack"].grade) == (Grade.PROBLEM, Grade.OK)
