"""What Linear's errors mean, whichever way it says them."""

from __future__ import annotations

from typing import Any

import pytest

from neveridle.board import Board
from neveridle.board.breaker import BreakerState
from neveridle.errors import (
    AccessRefused,
    NeveridleError,
    RateLimited,
    RequestRefused,
    ServiceError,
    ServiceUnavailable,
    ServiceUnreached,
)
from neveridle.tools.linear import Linear
from neveridle.tools.linear.client import issue_filter
from neveridle.tools.linear.documents import VIEWER
from neveridle.tools.linear.failures import limit_wait
from neveridle.tools.standin.http_fault import HttpFault
from neveridle.tools.standin.linear import LinearStandin, errors, graphql_fault

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
EPOCH = 1_792_567_680


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("kind", "code", "meaning"),
    [
        ("ratelimited", "RATELIMITED", RateLimited),
        ("", "RATELIMITED", RateLimited),
        ("authentication error", "AUTHENTICATION_ERROR", AccessRefused),
        ("forbidden", "FORBIDDEN", AccessRefused),
        ("invalid input", "INPUT_ERROR", RequestRefused),
        ("user error", "", RequestRefused),
        ("usage limit exceeded", "USAGE_LIMIT_EXCEEDED", RequestRefused),
        ("feature not accessible", "FEATURE_NOT_ACCESSIBLE", RequestRefused),
        ("graphql error", "GRAPHQL_VALIDATION_FAILED", RequestRefused),
        ("internal error", "INTERNAL_SERVER_ERROR", ServiceError),
        ("lock timeout", "LOCK_TIMEOUT", ServiceError),
        ("unknown", "", ServiceError),
        ("never heard of", "", ServiceError),
    ],
)
async def test_errors_of_graphql_are_told_apart_by_type_and_code(
    client: Linear, standin: LinearStandin, kind: str, code: str, meaning: Any, status: int
) -> None:
    standin.faults.append(graphql_fault(kind, code, status=status))
    with pytest.raises(NeveridleError) as caught:
        await client.viewer()
    assert type(caught.value) is meaning
    if isinstance(caught.value, AccessRefused):
        assert caught.value.rejected == (kind == "authentication error")
    if isinstance(caught.value, ServiceError) and kind == "lock timeout":
        assert not caught.value.health


async def test_partial_data_with_errors_is_an_error_where_it_cannot_be_used(
    client: Linear, standin: LinearStandin
) -> None:
    ref = standin.store.add("Page")
    page: dict[str, Any] = {"nodes": [], "pageInfo": {"hasNextPage": False, "endCursor": None}}
    standin.faults.append(
        graphql_fault("forbidden", "FORBIDDEN", on="NeveridleIssues", data={"issues": page})
    )
    with pytest.raises(AccessRefused):
        await client.issues(issue_filter("AGT"))
    said = {
        "id": "1", "body": "Hello", "createdAt": "2026-01-01T00:00:00.000Z", "url": "https://x",
        "user": None,
    }  # fmt: skip
    standin.faults.append(
        graphql_fault(
            "forbidden", "FORBIDDEN", on="NeveridleComments",
            data={"comments": {**page, "nodes": [said]}},
        )
    )  # fmt: skip
    (comment,) = await client.comments(ref)
    assert (comment.body, comment.user) == ("Hello", None)
    for kind, meaning in (("ratelimited", RateLimited), ("authentication error", AccessRefused)):
        standin.faults.append(
            graphql_fault(kind, "", on="NeveridleComments", data={"comments": page})
        )
        with pytest.raises(meaning):  # whatever it brought along
            await client.comments(ref)
        await client._http.guard._breakers.reset("linear")  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("kind", ["malformed", "truncated", "cut", "timeout"])
async def test_what_is_no_answer_is_a_failure_of_the_service(
    client: Linear, standin: LinearStandin, kind: Any
) -> None:
    client._http.client.timeout = 0.3  # pyright: ignore[reportPrivateUsage]
    standin.faults.append(HttpFault(kind, seconds=5))
    with pytest.raises(ServiceError) as caught:
        await client.viewer()
    assert not isinstance(caught.value, ServiceUnreached)


@pytest.mark.parametrize(
    "said", [{}, {"data": None}, {"data": []}, {"data": {"viewer": {"id": 7}}}, [], None]
)
async def test_what_is_not_understood_is_never_a_validation_error(
    client: Linear, standin: LinearStandin, said: Any
) -> None:
    standin.faults.append(HttpFault("status", status=200, said=said or {"x": 1}))
    with pytest.raises(ServiceError, match="linear"):
        await client.viewer()


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7),
        ({}, 60),
        ({"x-ratelimit-requests-remaining": "0"}, 60),
        ({"x-ratelimit-requests-remaining": "0",
          "x-ratelimit-requests-reset": str((EPOCH + 90) * 1000)}, 90),
        ({"x-ratelimit-requests-remaining": "5",
          "x-ratelimit-requests-reset": str((EPOCH + 90) * 1000),
          "x-ratelimit-complexity-remaining": "0",
          "x-ratelimit-complexity-reset": str((EPOCH + 30) * 1000)}, 30),
        ({"x-ratelimit-requests-remaining": "0",
          "x-ratelimit-requests-reset": str((EPOCH + 20) * 1000),
          "x-ratelimit-endpoint-requests-remaining": "0",
          "x-ratelimit-endpoint-requests-reset": str((EPOCH + 40) * 1000)}, 40),
        ({"x-ratelimit-requests-remaining": "0", "x-ratelimit-requests-reset": "soon"}, 60),
    ],
)  # fmt: skip
def test_the_wait_is_until_all_used_up_limits_are_over(
    headers: dict[str, str], seconds: float
) -> None:
    assert limit_wait({"date": DATE, **headers}) == pytest.approx(seconds)


async def test_a_used_up_limit_keeps_everybody_away_until_its_reset(
    board: Board, client: Linear, standin: LinearStandin
) -> None:
    standin.limit(requests=1)
    await client.ask(VIEWER)
    assert client.limits.left == 0.0
    with pytest.raises(RateLimited) as limited:
        await client.viewer()
    with pytest.raises(ServiceUnavailable):
        await client.viewer()
    assert limited.value.wait is not None
    assert 3500 < limited.value.wait < 3602
    assert standin.asked() == 2
    assert (await board.breakers.get("linear")).state is BreakerState.OPEN


async def test_the_token_is_sent_as_it_is_and_never_said(
    client: Linear, standin: LinearStandin
) -> None:
    said = errors("lin_api_of_the_test is bad", "authentication error", "AUTHENTICATION_ERROR")
    standin.faults.append(HttpFault("status", status=401, said=said.json))
    with pytest.raises(AccessRefused) as caught:
        await client.viewer()
    assert all(one.authorized for one in standin.requests)
    assert "services reset linear" in str(caught.value)


async def test_more_issues_than_are_read_is_said(client: Linear, standin: LinearStandin) -> None:
    for number in range(12):
        standin.store.add(f"Page {number}")
    where = issue_filter("AGT")
    assert len(await client.issues(where, first=5, limit=12)) == 12
    with pytest.raises(RequestRefused, match="more than 11"):
        await client.issues(where, first=5, limit=11)
