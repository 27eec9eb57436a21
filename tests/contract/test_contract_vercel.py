"""Vercel: what we ask fits its contract, and what it says is understood."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.board.breaker import BreakerState
from neveridle.errors import (
    AccessRefused,
    ModelMistake,
    RateLimited,
    RequestRefused,
    ServiceError,
    ServiceUnavailable,
)
from neveridle.settings.services import VercelSettings
from neveridle.tools.services import ServiceKit
from neveridle.tools.standin.http import HttpFault
from neveridle.tools.standin.vercel import VercelStandin
from neveridle.tools.vercel import Vercel, vercel_tools, vercel_verbs

SPEC = "vercel/vercel-spec.json"
SHA, OTHER = "a" * 40, "b" * 40


@pytest.fixture
def vercel() -> Generator[VercelStandin]:
    with VercelStandin(token="v-token", team="team_1") as one:
        yield one


@pytest.fixture
def settings(vercel: VercelStandin) -> VercelSettings:
    return VercelSettings(url=vercel.url, project="web", team="team_1", attempts=1, timeout=5)


@pytest.fixture
async def client(board: Board, settings: VercelSettings) -> AsyncGenerator[Vercel]:
    kit = ServiceKit(board.breakers, board.clock, {"VERCEL_TOKEN": "v-token"})
    one = Vercel.connect(settings, kit)
    yield one
    await one.aclose()


async def test_all_that_is_asked_and_answered_fits_the_contract(
    contract: Callable[[str], Any], vercel: VercelStandin, client: Vercel, settings: VercelSettings
) -> None:
    first = vercel.deploy(SHA, target="production")
    vercel.log(first, "ready")
    await client.deployments(SHA, branch="main", target="production", state="READY")
    await client.deployments()
    await client.deployment(first)
    await client.logs(first)
    await client.viewer()
    used = contract(SPEC).check(vercel)
    assert used == {
        "GET /v6/deployments", "GET /v13/deployments/{idOrUrl}", "GET /v2/user",
        "GET /v3/deployments/{idOrUrl}/events",
    }  # fmt: skip
    assert all(one.authorized for one in vercel.requests)


async def test_the_deployments_of_a_commit_come_newest_first_over_all_pages(
    vercel: VercelStandin, client: Vercel
) -> None:
    vercel.deploy(OTHER)
    made = [vercel.deploy(SHA) for _ in range(230)]
    found = await client.deployments(SHA, limit=500)
    assert [one.id for one in found] == made[::-1]
    assert {one.sha for one in found} == {SHA}
    asked = [one for one in vercel.requests if one.path == "/v6/deployments"]
    assert [one.first("limit") for one in asked] == ["100"] * 3
    assert len(await client.deployments(SHA, limit=7)) == 7
    assert [one.sha for one in await client.deployments(limit=300)].count(OTHER) == 1


async def test_how_a_deployment_stands(vercel: VercelStandin, client: Vercel) -> None:
    number = vercel.deploy(SHA, state="BUILDING")
    building = await client.deployment("https://web-0.vercel.app/some/page")
    assert (building.id, building.state, building.ended) == (number, "BUILDING", False)
    for state, ready in (("READY", True), ("ERROR", False), ("CANCELED", False)):
        vercel.become(number, state)
        stands = await client.deployment(number)
        assert (stands.state, stands.ended, stands.ready) == (state, True, ready)
    vercel.become(number, "SOMETHING_NEW")
    assert not (await client.deployment(number)).ended
    with pytest.raises(RequestRefused) as refused:
        await client.deployment("dpl_none")
    assert refused.value.status == 404


async def test_a_log_is_its_newest_lines_in_order_without_what_is_for_terminals(
    vercel: VercelStandin, client: Vercel
) -> None:
    number = vercel.deploy(SHA, state="ERROR")
    for count in range(50):
        vercel.log(number, f"line {count}", old=count % 2 == 0)
    vercel.log(number, "\x1b[31merror\x1b[0m \x1b]0;title\x07in\tit\x07\r", kind="stderr")
    vercel.log(number, "")
    lines = await client.logs(number, limit=12)
    assert [one.text for one in lines] == [f"line {n}" for n in range(40, 50)] + ["error in\tit"]
    assert lines[-1].kind == "stderr"
    (asked,) = vercel.requests
    assert (asked.first("limit"), asked.first("follow")) == ("12", "0")


async def test_no_part_of_an_argument_becomes_a_path(vercel: VercelStandin, client: Vercel) -> None:
    for which in ("", "..", "/", "https://"):
        with pytest.raises(ModelMistake):
            await client.deployment(which)
    with pytest.raises(ModelMistake, match="40 hexadecimal"):
        await client.deployments("abc1234")
    assert not vercel.requests
    with pytest.raises(RequestRefused):
        await client.deployment("a?b=c#d")
    assert vercel.requests[0].path == "/v13/deployments/a%3Fb%3Dc%23d"


async def test_a_bad_token_holds_the_service_and_a_missing_right_does_not(
    board: Board, vercel: VercelStandin, client: Vercel, settings: VercelSettings
) -> None:
    foreign = settings.model_copy(update={"team": "other"})
    kit = ServiceKit(board.breakers, board.clock, {"VERCEL_TOKEN": "v-token"})
    other = Vercel.connect(foreign, kit)
    with pytest.raises(AccessRefused, match="permission") as refused:
        await other.deployments()
    await other.aclose()
    assert not refused.value.rejected
    assert vercel.requests[-1].query["slug"] == ("other",)
    assert (await board.breakers.get("vercel")).state is BreakerState.CLOSED
    vercel.token = "another"
    with pytest.raises(AccessRefused, match="services reset vercel"):
        await client.viewer()
    assert (await board.breakers.get("vercel")).state is BreakerState.HELD
    with pytest.raises(ServiceUnavailable):
        await client.viewer()


@pytest.mark.parametrize("where", ["header", "body", "after", "nowhere"])
async def test_a_limit_ends_when_vercel_says(
    board: Board, vercel: VercelStandin, client: Vercel, where: str
) -> None:
    vercel.now = lambda: 1_700_000_000.0
    end = 1_700_000_000 + 400
    limit = {"remaining": 0, "reset": end, "total": 6} if where == "body" else None
    headers = {"header": {"X-RateLimit-Reset": str(end)}, "after": {"Retry-After": "400"}}
    said = {"error": {"code": "rate_limited", "message": "slow down", "limit": limit}}
    vercel.faults.append(HttpFault("status", status=429, headers=headers.get(where, {}), said=said))
    with pytest.raises(RateLimited) as limited:
        await client.viewer()
    assert limited.value.wait == (60 if where == "nowhere" else 400)
    with pytest.raises(ServiceUnavailable):
        await client.viewer()
    assert len(vercel.requests) == 1


@pytest.mark.parametrize(
    "fault",
    [
        HttpFault("status", status=500), HttpFault("status", status=502), HttpFault("cut"),
        HttpFault("malformed"), HttpFault("truncated"),
        HttpFault("status", status=200, said={"deployments": "none"}),
        HttpFault("status", status=200, said=[1, 2]),
    ],
    ids=lambda one: f"{one.kind}-{one.status}-{str(one.said)[:4]}",
)  # fmt: skip
async def test_whatever_vercel_does_is_said_as_its_failure(
    vercel: VercelStandin, client: Vercel, fault: HttpFault
) -> None:
    vercel.faults.append(fault)
    with pytest.raises(ServiceError) as failed:
        await client.deployments()
    assert failed.value.service == "vercel"
    assert "v-token" not in str(failed.value)


async def test_a_redirect_to_another_host_gets_no_token(
    vercel: VercelStandin, client: Vercel
) -> None:
    with VercelStandin() as other:
        vercel.faults.append(HttpFault("redirect", location=f"{other.url}/v2/user"))
        with pytest.raises(RequestRefused):
            await client.viewer()
        assert not other.requests


async def test_the_tools_only_read(
    vercel: VercelStandin, client: Vercel, settings: VercelSettings
) -> None:
    tools = {one.name: one for one in vercel_tools(client, settings, None)}  # type: ignore[arg-type]  # it is not used
    assert set(tools) == {"vercel_deployments", "vercel_deployment", "vercel_build_log"}
    assert vercel_verbs(client) == ()
    number = vercel.deploy(SHA, state="ERROR", error="the build broke")
    vercel.log(number, "x" * 30_000)
    vercel.log(number, "the last line")
    listed = await tools["vercel_deployments"].ainvoke({"commit": SHA})
    assert listed.startswith(f"{number} ERROR (preview)")
    assert "the build broke" in listed
    log = await tools["vercel_build_log"].ainvoke({"deployment": number})
    assert log.endswith("the last line")
    assert len(log) < 21_000
    assert "40 hexadecimal" in await tools["vercel_deployments"].ainvoke({"commit": "short"})
    assert {one.method for one in vercel.requests} == {"GET"}
