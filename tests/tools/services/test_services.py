"""The services of a team: what is configured, connected, told of and closed."""

from __future__ import annotations

import sys
import types
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.board.effect import Safety
from neveridle.settings.services import ServicesSettings
from neveridle.tools.effects import Verb
from neveridle.tools.services import ServiceKit, Services
from neveridle.tools.services.services import MAKERS, Maker

TOKENS = {"SLACK_BOT_TOKEN": "a-token-of-slack", "GITHUB_TOKEN": " "}


class Client:
    """A client of the shape that services have."""

    made = 0

    def __init__(self, token: str) -> None:
        self.token = token
        self.closed = False
        Client.made += 1

    @classmethod
    def connect(cls, settings: Any, kit: ServiceKit) -> Client:
        """A client."""
        return cls(kit.token(settings))

    async def aclose(self) -> None:
        """Close it."""
        self.closed = True


def verbs(client: Client) -> tuple[Verb, ...]:
    """One verb."""

    async def call(asked: Any) -> Any:
        return client.token

    return (Verb(service="slack", name="post", safety=Safety.AT_LEAST_ONCE,
                 identity="content", call=call),)  # fmt: skip


def tools(client: Client, settings: Any, performer: Any) -> Sequence[Any]:
    """What it was made with."""
    return [(client, settings.channel, performer)]


@pytest.fixture(autouse=True)
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("a_service_of_the_test")
    module.__dict__.update(Client=Client, verbs=verbs, tools=tools)
    monkeypatch.setitem(sys.modules, "a_service_of_the_test", module)
    monkeypatch.setattr(Client, "made", 0)


MODULE = "a_service_of_the_test"
HERE = Maker(f"{MODULE}:Client", f"{MODULE}:verbs", f"{MODULE}:tools")


@pytest.fixture
async def kit(tmp_path: Path) -> AsyncGenerator[ServiceKit]:
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as board:
        yield ServiceKit(board.breakers, board.clock, TOKENS)


def configured(**tables: dict[str, Any]) -> ServicesSettings:
    """Settings as a file says them."""
    return ServicesSettings.model_validate(tables)


async def test_a_client_is_made_when_first_used_once_and_closed(kit: ServiceKit) -> None:
    services = Services(configured(slack={}), kit, {"slack": HERE})
    assert (services.configured, services.usable, Client.made) == (("slack",), ("slack",), 0)
    client = services.slack
    assert isinstance(client, Client)
    assert (services.slack is client, client.token, Client.made) == (True, "a-token-of-slack", 1)
    (verb,) = services.verbs()
    (make,) = services.tool_makers()
    assert verb.name == "post"
    assert make("the performer") == [(client, "dev", "the performer")]  # type: ignore[arg-type, comparison-overlap]  # pyright: ignore[reportArgumentType] - any performer will do
    await services.aclose()
    await services.aclose()
    assert client.closed


async def test_a_missing_token_is_told_and_the_service_is_not_offered(kit: ServiceKit) -> None:
    services = Services(configured(github={}, slack={}), kit, {"github": HERE, "slack": HERE})
    assert (services.configured, services.usable) == (("github", "slack"), ("slack",))
    assert (services.github, len(services.verbs()), len(services.tool_makers())) == (None, 1, 1)
    (notice,) = services.notices
    assert "github is configured, and GITHUB_TOKEN is not set" in notice


async def test_what_is_turned_off_or_not_there_is_none(kit: ServiceKit) -> None:
    services = Services(configured(slack={"enabled": False}), kit, {"slack": HERE})
    assert (services.configured, services.slack, services.notices) == ((), None, [])
    assert services.linear is None


async def test_a_client_that_cannot_be_imported_is_told_and_the_others_are_there(
    kit: ServiceKit,
) -> None:
    gone = Maker("neveridle_is_not_this:Client", "neveridle_is_not_this:verbs")
    services = Services(configured(convex={"url": "http://x"}, slack={}), kit,
                        {"convex": Maker(gone.client, anonymous=True), "slack": HERE})  # fmt: skip
    assert services.usable == ("slack",)
    assert "The client of convex cannot be loaded" in services.notices[0]


async def test_one_service_without_a_token_is_used_all_the_same(kit: ServiceKit) -> None:
    maker = Maker(HERE.client, HERE.verbs, HERE.tools, anonymous=True)
    services = Services(configured(convex={"url": "http://x"}), kit, {"convex": maker})
    assert services.usable == ("convex",)
    assert services.notices == []


def test_every_service_of_the_settings_has_its_place() -> None:
    assert set(MAKERS) == set(ServicesSettings.model_fields) - {"mcp", "record", "replay"}
