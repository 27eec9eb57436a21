"""Slack: what we ask fits its contract, what it says is told apart, and what is said is said once.

The contract is of 2021. Two things we use are younger: ``metadata`` of a message with
``include_all_metadata``, by which our own messages are found again. They are taken out before
a request or an answer is checked. Its schema of ``conversations.history`` is left out for
answers: it demands fields that its own example does not have. So is that of
``conversations.list``, which demands some thirty of each channel that nobody reads.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import replace
from typing import Any

import pytest

from neveridle.board import Attempt, Board, NewTask, Safety, Source
from neveridle.board.breaker import BreakerState
from neveridle.errors import (
    AccessRefused,
    EffectStuck,
    RateLimited,
    RequestRefused,
    ServiceError,
    ServiceUnavailable,
)
from neveridle.settings.services import SlackSettings
from neveridle.tools.effects import Performer, Verbs
from neveridle.tools.services import ServiceKit
from neveridle.tools.slack import Slack, slack_tools, slack_verbs
from neveridle.tools.slack.text import LONGEST, cut, escaped
from neveridle.tools.standin.http import Exchange, HttpFault
from neveridle.tools.standin.slack import SlackStandin

SPEC = "slack/slack_web_openapi_v2.json"
UNCHECKED = ("/api/conversations.history", "/api/conversations.replies", "/api/conversations.list")


@pytest.fixture
def slack() -> Generator[SlackStandin]:
    with SlackStandin(token="s-token", channels=("dev", "alerts")) as one:
        yield one


@pytest.fixture
def settings(slack: SlackStandin) -> SlackSettings:
    return SlackSettings(url=slack.api, attempts=1, timeout=5)


@pytest.fixture
async def client(board: Board, settings: SlackSettings) -> AsyncGenerator[Slack]:
    kit = ServiceKit(board.breakers, board.clock, {"SLACK_BOT_TOKEN": "s-token"})
    one = Slack.connect(settings, kit)
    yield one
    await one.aclose()


@pytest.fixture
async def attempt(board: Board) -> Attempt:
    await board.tasks.add(NewTask(source=Source.BACKLOG, title="work"))
    run = await board.runs.start("sam", role="", skills=())
    claim = await board.attempts.claim(
        agent="sam", run=run, skills=(), source=Source.BACKLOG, lease=6000
    )
    assert claim is not None
    return claim.attempt


def of_2021(one: Exchange) -> Exchange:
    """An exchange without what is younger than the contract."""
    data = one.request.json
    if data is not None:
        data.pop("metadata", None)
    query = {name: it for name, it in one.request.query.items() if name != "include_all_metadata"}
    body = b"" if data is None else json.dumps(data).encode()
    return replace(one, request=replace(one.request, data=body, query=query))


async def test_all_that_is_asked_and_answered_fits_the_contract(
    contract: Callable[[str], Any], slack: SlackStandin, client: Slack
) -> None:
    posted = await client.post("hello")
    answer = await client.post("reply", channel="alerts", thread=posted.ts, marker="m")
    assert answer.channel == slack.channels["alerts"]
    assert await client.find("m", channel="#alerts", thread=posted.ts) == answer
    assert await client.find("none") is None
    assert (await client.whoami()).user == "neveridle"
    assert await client.channel_id("dev") == slack.channels["dev"]
    await client.delete(posted)
    with pytest.raises(RequestRefused):
        await client.post("hello", channel="nowhere")
    spec = contract(SPEC)
    used = set[str]()
    for one in map(of_2021, slack.exchanges):
        used.add(str(spec.check_request(one.request)))
        assert one.answer is not None
        if one.request.path not in UNCHECKED:
            # An error comes inside a 200, and stands in the contract as its default.
            status = one.answer.status if one.answer.json["ok"] else 0
            spec.check_said(one.request.method, one.request.path, status, one.answer.json)
    assert used == {
        "POST /chat.postMessage", "POST /chat.delete", "GET /conversations.history",
        "GET /conversations.replies", "GET /conversations.list", "GET /auth.test",
    }  # fmt: skip
    assert all(one.authorized for one in slack.requests)


async def test_the_contracts_own_examples_are_understood(
    contract: Callable[[str], Any], slack: SlackStandin, client: Slack
) -> None:
    paths = contract(SPEC).document["paths"]
    asked: dict[str, tuple[Callable[[], Any], Callable[[Any], Any], Any]] = {
        "chat.postMessage": (lambda: client.post("x"), lambda one: one.channel, "C1H9RESGL"),
        "conversations.history": (
            lambda: client.find("m", channel="C0000000A"), lambda one: one, None,
        ),
        "conversations.list": (
            lambda: client.channel_id("general"), lambda one: one, "C012AB3CD",
        ),
        "auth.test": (client.whoami, lambda one: one.user, "grace"),
    }  # fmt: skip
    for name, (ask, seen, expected) in asked.items():
        (operation,) = paths[f"/{name}"].values()
        said = {**operation["responses"]["200"]["examples"]["application/json"], "has_more": False}
        slack.faults.append(HttpFault("status", on=f"*{name}", status=200, said=said))
        assert seen(await ask()) == expected


async def test_a_channel_is_found_by_its_name_on_any_page(
    contract: Callable[[str], Any], slack: SlackStandin, client: Slack
) -> None:
    slack.channels |= {f"c{n}": f"C{n:07d}B" for n in range(7)} | {"last": "C0000000Z"}
    slack.page = 3
    assert await client.channel_id("#last") == "C0000000Z"
    assert len(slack.requests) == 4
    assert await client.channel_id("#last") == "C0000000Z"
    assert len(slack.requests) == 4
    for one in slack.requests:
        contract(SPEC).check_request(one)
    with pytest.raises(RequestRefused, match="invited"):
        await client.channel_id("none")


@pytest.mark.parametrize(
    ("error", "kind", "state"),
    [
        ("invalid_auth", AccessRefused, BreakerState.HELD),
        ("token_revoked", AccessRefused, BreakerState.HELD),
        ("account_inactive", AccessRefused, BreakerState.HELD),
        ("not_authed", AccessRefused, BreakerState.HELD),
        ("missing_scope", AccessRefused, BreakerState.CLOSED),
        ("channel_not_found", RequestRefused, BreakerState.CLOSED),
        ("not_in_channel", RequestRefused, BreakerState.CLOSED),
        ("something_new", RequestRefused, BreakerState.CLOSED),
        ("ratelimited", RateLimited, BreakerState.OPEN),
        ("internal_error", ServiceError, BreakerState.OPEN),
    ],
)
async def test_each_error_inside_a_200_is_what_it_means(
    board: Board, slack: SlackStandin, settings: SlackSettings, error: str,
    kind: type[Exception], state: BreakerState,
) -> None:  # fmt: skip
    one = settings.model_copy(update={"breaker_threshold": 1})
    client = Slack.connect(one, ServiceKit(board.breakers, board.clock, {"SLACK_BOT_TOKEN": "s"}))
    said = {"ok": False, "error": error, "needed": "chat:write"}
    slack.faults.append(HttpFault("status", status=200, said=said))
    with pytest.raises(kind, match=error) as raised:
        await client.post("x")
    assert type(raised.value) is kind
    assert (await board.breakers.get("slack")).state is state
    if error == "missing_scope":
        assert "chat:write" in str(raised.value)
    if error == "not_in_channel":
        assert "Invite" in str(raised.value)
    await client.aclose()


async def test_a_limit_ends_when_slack_says(slack: SlackStandin, client: Slack) -> None:
    said = {"ok": False, "error": "ratelimited"}
    slack.faults.append(HttpFault("status", status=429, headers={"Retry-After": "77"}, said=said))
    with pytest.raises(RateLimited) as limited:
        await client.post("x")
    assert limited.value.wait == 77
    with pytest.raises(ServiceUnavailable):
        await client.post("x")
    assert len(slack.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [
        HttpFault("status", status=500), HttpFault("status", status=502), HttpFault("cut"),
        HttpFault("malformed"), HttpFault("truncated"), HttpFault("status", status=200, said={}),
        HttpFault("status", status=200, said={"ok": True}),
    ],
    ids=lambda one: f"{one.kind}-{one.status}-{one.said}",
)  # fmt: skip
async def test_whatever_slack_does_is_said_as_its_failure(
    slack: SlackStandin, client: Slack, fault: HttpFault
) -> None:
    slack.faults.append(fault)
    with pytest.raises(ServiceError) as failed:
        await client.post("x")
    assert failed.value.service == "slack"
    assert len(slack.requests) == 1
    assert "s-token" not in str(failed.value)


async def test_no_text_calls_anybody_and_an_alert_calls_all(
    slack: SlackStandin, client: Slack
) -> None:
    await client.post("<!channel> & <@U1> <https://x|y> @channel")
    await client.post("fire", everybody=True)
    assert slack.texts() == [
        "&lt;!channel&gt; &amp; &lt;@U1&gt; &lt;https://x|y&gt; @channel", "<!channel> fire",
    ]  # fmt: skip
    for one in slack.requests:
        assert (one.json["parse"], one.json["link_names"]) == ("none", False)
    assert len(cut("x" * 10_000)) <= LONGEST
    assert "10000" not in cut("x" * LONGEST)
    assert escaped("a & b") == "a &amp; b"


async def test_a_message_whose_answer_was_lost_is_found_and_not_posted_again(
    board: Board, slack: SlackStandin, client: Slack, attempt: Attempt
) -> None:
    await board.clock.script(5_000_000_000.0)
    (verb,) = slack_verbs(client)
    assert verb.safety is Safety.MARKER
    for thread in ("", "1700000000.000100"):
        slack.faults.append(HttpFault("cut", on="*/chat.postMessage", done=True))
        with pytest.raises(ServiceError):
            await board.effects.once(attempt, verb, "dev", {"text": "hi", "thread": thread})
        await board.clock.advance(verb.settles + 1)
        (settled,) = await board.effects.reconcile(attempt, Verbs(verb))
        assert settled.effect.how == "found"
        assert settled.result["ts"] == slack.posted[-1]["ts"]
    assert slack.texts() == ["hi", "hi"]


async def test_without_a_history_it_is_posted_at_least_once_and_that_is_said(
    board: Board, slack: SlackStandin, settings: SlackSettings, attempt: Attempt
) -> None:
    blind = settings.model_copy(update={"history": False})
    environ = {"SLACK_BOT_TOKEN": "s-token"}
    client = Slack.connect(blind, ServiceKit(board.breakers, board.clock, environ))
    (verb,) = slack_verbs(client)
    assert verb.safety is Safety.AT_LEAST_ONCE
    slack.faults.append(HttpFault("cut", done=True))
    with pytest.raises(ServiceError):
        await board.effects.once(attempt, verb, "dev", {"text": "hi", "thread": ""})
    await board.effects.reconcile(attempt, Verbs(verb))
    assert slack.texts() == ["hi", "hi"]
    assert len(await board.events.find(kind="effect.repeated")) == 1
    assert all("metadata" not in one for one in slack.posted)
    await client.aclose()


async def test_a_history_too_long_to_read_is_a_persons_matter(
    slack: SlackStandin, client: Slack
) -> None:
    for n in range(12):
        await client.post(f"{n}")
    slack.page = 1
    with pytest.raises(EffectStuck, match="settle it by hand"):
        await client.find("none")


async def test_agents_speak_in_the_teams_channel_and_nowhere_else(
    board: Board, slack: SlackStandin, client: Slack, settings: SlackSettings, attempt: Attempt
) -> None:
    (tool,) = slack_tools(client, settings, Performer(board, attempt))
    assert set(tool.args) == {"text", "thread"}
    said = await tool.ainvoke({"text": "done"})
    assert said == f"It is posted; its id is {slack.posted[0]['ts']}."
    assert "not said again" in await tool.ainvoke({"text": "done"})
    await tool.ainvoke({"text": "more", "thread": slack.posted[0]["ts"]})
    assert slack.posted[1]["thread_ts"] == slack.posted[0]["ts"]
    for wrong in ({"text": " "}, {"text": "x" * 4000}, {"text": "x", "thread": "C1"}):
        await tool.ainvoke(wrong)
    assert slack.texts() == ["done", "more"]
    slack.outside.add("dev")
    assert "Invite the bot" in await tool.ainvoke({"text": "again"})
