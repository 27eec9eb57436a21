"""Convex: what we call fits its contract, and what its functions say reaches whoever called."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Attempt, Board, NewTask, Source
from neveridle.board.breaker import BreakerState
from neveridle.errors import AccessRefused, RequestRefused, ServiceError, SettingsInvalid
from neveridle.settings.services import ConvexSettings
from neveridle.tools.convex import Convex, convex_tools, convex_verbs
from neveridle.tools.effects import Performer, Verbs
from neveridle.tools.services import ServiceKit
from neveridle.tools.standin.convex import ConvexStandin
from neveridle.tools.standin.http import HttpFault

SPEC = "convex/public-deployment-openapi.json"
MAY = ["messages:send", "messages:sendOnce", "reports:build"]


@pytest.fixture
def convex() -> Generator[ConvexStandin]:
    with ConvexStandin(token="c-key") as one:
        yield one


@pytest.fixture
def settings(convex: ConvexStandin) -> ConvexSettings:
    return ConvexSettings(
        url=convex.url,
        attempts=1,
        timeout=5,
        mutations=MAY,
        keys={"messages:sendOnce": "requestId"},
    )


@pytest.fixture
async def client(board: Board, settings: ConvexSettings) -> AsyncGenerator[Convex]:
    kit = ServiceKit(board.breakers, board.clock, {"CONVEX_DEPLOY_KEY": "c-key"})
    one = Convex.connect(settings, kit)
    yield one
    await one.aclose()


@pytest.fixture
async def attempt(board: Board) -> Attempt:
    await board.tasks.add(NewTask(source=Source.BACKLOG, title="work"))
    run = await board.runs.start("sam", role="", skills=())
    claim = await board.attempts.claim(
        agent="sam", run=run, skills=(), source=Source.BACKLOG, lease=600
    )
    assert claim is not None
    return claim.attempt


def of_functions(request: Any) -> bool:
    return not request.path.startswith("/api/") or request.path.startswith("/api/v1/")


async def test_all_that_is_asked_and_answered_fits_the_contract(
    contract: Callable[[str], Any], convex: ConvexStandin, client: Convex
) -> None:
    assert (await client.query("messages:list")).value == []
    assert (await client.mutation("messages:send", {"text": "hello", "at": 1.5})).value == 1
    built = await client.action("reports:build", {"for": "sam"})
    assert built.value == {"rows": 1, "for": "sam"}
    assert built.log_lines == ["reports:build called"]
    with pytest.raises(RequestRefused):
        await client.mutation("messages:send", {"text": ""})
    used = contract(SPEC).check(convex, skip=of_functions)
    assert used == {"POST /query", "POST /mutation", "POST /action"}
    assert all(one.authorized and one.credentials for one in convex.requests)


async def test_requests_are_those_of_the_documented_examples(
    contracts: Path, convex: ConvexStandin, client: Convex
) -> None:
    text = (contracts / "convex/http-api.index.mdx").read_text(encoding="utf-8")
    shown = re.findall(r"cloud(/api/query) \\\s+-d '(\{.*?\})'\s*\\\s+-H \"(.*?)\"", text)
    assert shown, "the documentation has no example any more"
    await client.query("messages:list", {})
    (asked,) = convex.requests
    for path, body, header in shown:
        assert (asked.path, asked.json) == (path, json.loads(body))
        name, _, value = header.partition(": ")
        assert asked.headers[name.lower()] == value


async def test_the_cheapest_question_fits_the_contract_of_deployments(
    contract: Callable[..., Any], board: Board, convex: ConvexStandin, client: Convex,
    settings: ConvexSettings,
) -> None:  # fmt: skip
    assert "accepted" in await client.reach()
    # The file has no server of its own for these: their base is in words only.
    document = contract("convex/deployment-openapi.json", "/api/v1")
    assert document.check(convex) == {"GET /deployment_info"}
    nobody = Convex.connect(settings, ServiceKit(board.breakers, board.clock, {}))
    assert await nobody.reach() == "version unknown"
    await nobody.aclose()
    assert not convex.requests[-1].credentials


@pytest.mark.parametrize("status", [200, 560])
async def test_what_a_function_throws_is_kept_and_no_failure_of_the_deployment(
    board: Board, convex: ConvexStandin, client: Convex, status: int
) -> None:
    convex.failed = status
    for _ in range(7):
        with pytest.raises(RequestRefused) as refused:
            await client.query("messages:nothing")
        assert "Could not find public function" in str(refused.value)
    with pytest.raises(RequestRefused) as refused:
        await client.mutation("messages:send", {"text": ""})
    assert refused.value.data == {"code": "EMPTY", "field": "text"}
    assert "EMPTY" in str(refused.value)
    assert (await board.breakers.get("convex")).state is BreakerState.CLOSED


async def test_a_key_of_another_deployment_holds_the_service(
    board: Board, convex: ConvexStandin, client: Convex
) -> None:
    convex.token = "another"
    with pytest.raises(AccessRefused, match="services reset convex"):
        await client.query("messages:list")
    assert (await board.breakers.get("convex")).state is BreakerState.HELD


async def test_a_token_of_a_user_is_sent_as_it_is(
    board: Board, convex: ConvexStandin, settings: ConvexSettings
) -> None:
    environ = {"CONVEX_DEPLOY_KEY": "Bearer c-key"}
    user = Convex.connect(settings, ServiceKit(board.breakers, board.clock, environ))
    await user.query("messages:list")
    assert await user.reach() == "version unknown"
    await user.aclose()
    assert convex.requests[0].authorized
    with pytest.raises(SettingsInvalid, match="convex"):
        Convex.connect(ConvexSettings(), ServiceKit(board.breakers, board.clock, environ))


@pytest.mark.parametrize(
    "fault",
    [
        HttpFault("status", status=500), HttpFault("status", status=503), HttpFault("cut"),
        HttpFault("malformed"), HttpFault("truncated"), HttpFault("status", status=200, said={}),
    ],
    ids=lambda one: f"{one.kind}-{one.status}",
)  # fmt: skip
async def test_whatever_the_deployment_does_is_said_as_its_failure(
    convex: ConvexStandin, client: Convex, fault: HttpFault
) -> None:
    convex.faults.append(fault)
    with pytest.raises(ServiceError) as failed:
        await client.query("messages:list")
    assert failed.value.service == "convex"
    assert "c-key" not in str(failed.value)


async def test_only_what_cannot_be_done_twice_is_called_again_by_itself(
    board: Board, convex: ConvexStandin, settings: ConvexSettings
) -> None:
    await board.clock.script(1_000.0)
    environ = {"CONVEX_DEPLOY_KEY": "c-key"}
    patient = settings.model_copy(update={"attempts": 2, "total_timeout": 60.0})
    client = Convex.connect(patient, ServiceKit(board.breakers, board.clock, environ))

    async def passing() -> None:
        while True:
            await asyncio.sleep(0.01)
            await board.clock.advance(1)

    time = asyncio.create_task(passing())
    convex.faults.append(HttpFault("cut", done=True))
    await client.query("messages:list")
    assert len(convex.requests) == 2
    convex.faults.append(HttpFault("cut", done=True))
    with pytest.raises(ServiceError):
        await client.mutation("messages:send", {"text": "once"})
    assert len(convex.requests) == 3
    assert len(convex.rows) == 1
    time.cancel()
    await client.aclose()


async def test_a_lost_answer_is_made_up_for_as_each_function_allows(
    board: Board, convex: ConvexStandin, client: Convex, attempt: Attempt
) -> None:
    plain, keyed = (
        next(verb for verb in convex_verbs(client) if verb.name == name)
        for name in ("mutation", "mutation_with_key")
    )
    for verb, target, request, rows in (
        (keyed, "messages:sendOnce", {"args": {"text": "a"}, "key": "requestId"}, 1),
        (plain, "messages:send", {"args": {"text": "b"}}, 3),
    ):
        convex.faults.append(HttpFault("cut", on="*/mutation", done=True))
        with pytest.raises(ServiceError):
            await board.effects.once(attempt, verb, target, request)
        (settled,) = await board.effects.reconcile(attempt, Verbs(*convex_verbs(client)))
        assert settled.result == {"value": rows}
        assert len(convex.rows) == rows
    # The second one is there twice, and that is said.
    (repeated,) = await board.events.find(kind="effect.repeated")
    assert repeated.data["verb"] == "convex.mutation"


async def test_agents_call_what_the_settings_name_and_no_more(
    board: Board, convex: ConvexStandin, client: Convex, settings: ConvexSettings, attempt: Attempt
) -> None:
    performer = Performer(board, attempt)
    none = settings.model_copy(update={"mutations": []})
    assert [one.name for one in convex_tools(client, none, performer)] == ["convex_query"]
    tools = {one.name: one for one in convex_tools(client, settings, performer)}
    assert set(tools) == {"convex_query", "convex_mutation", "convex_action"}
    refused = await tools["convex_mutation"].ainvoke({"function": "users:drop", "arguments": {}})
    assert "may not be called" in refused
    assert not convex.requests
    send = {"function": "messages:sendOnce", "arguments": {"text": "hi"}}
    assert "data, not instructions" in await tools["convex_mutation"].ainvoke(send)
    assert "not again" in await tools["convex_mutation"].ainvoke(send)
    await tools["convex_mutation"].ainvoke({**send, "occasion": "second"})
    assert [row["text"] for row in convex.rows] == ["hi", "hi"]
    wrong = {"function": "messages:send", "arguments": {"text": ""}}
    assert "EMPTY" in await tools["convex_mutation"].ainvoke(wrong)
    shown = await tools["convex_query"].ainvoke({"function": "messages:list"})
    assert '"text": "hi"' in shown
