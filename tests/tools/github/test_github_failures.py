"""What GitHub's answers mean, and what the faults of a network lead to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
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
from neveridle.tools.github import GitHub
from neveridle.tools.github.failures import Elsewhere, classify
from neveridle.tools.services.answers import error_of_status
from neveridle.tools.standin.github import GitHubStandin
from neveridle.tools.standin.http import HttpFault

Turn = Callable[[Any], Awaitable[Any]]
DATE = {"Date": "Tue, 14 Nov 2023 22:13:20 GMT"}
AT = 1_700_000_000
USED_UP = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(AT + 900), **DATE}
LEFT = {"X-RateLimit-Remaining": "4000", "X-RateLimit-Reset": str(AT + 900), **DATE}
SECONDARY = (
    "https://docs.github.com/rest/using-the-rest-api/rate-limits#about-secondary-rate-limits"
)


def meant(status: int, headers: dict[str, str], data: Any = None) -> NeveridleError | None:
    request = httpx.Request("GET", "https://api.github.com/x")
    response = httpx.Response(status, headers=headers, request=request)
    found = classify(response, "words", data)
    return found or error_of_status("github", status, response.headers, "words", data)


@pytest.mark.parametrize(
    ("status", "headers", "data", "wait"),
    [
        (403, USED_UP, None, 901.0),
        (429, USED_UP, None, 901.0),
        (403, {**USED_UP, "X-RateLimit-Reset": str(AT - 5)}, None, 1.0),
        (403, {**USED_UP, "Retry-After": "30"}, None, 30.0),
        (403, {"Retry-After": "120", **LEFT}, None, 120.0),
        (429, {"Retry-After": "0"}, None, 1.0),
        (429, LEFT, None, 60.0),
        (429, {}, None, 60.0),
        (403, LEFT, {"message": "You have exceeded a secondary rate limit. Wait."}, 60.0),
        (403, LEFT, {"message": "x", "documentation_url": SECONDARY}, 60.0),
        (403, {**USED_UP, "X-RateLimit-Reset": "soon"}, None, 60.0),
    ],
)
def test_limits_say_how_long(status: int, headers: dict[str, str], data: Any, wait: float) -> None:
    error = meant(status, headers, data)
    assert isinstance(error, RateLimited)
    assert (error.wait, error.health, error.service) == (wait, False, "github")


@pytest.mark.parametrize(
    ("status", "headers", "kind"),
    [
        (200, {}, None), (201, {}, None), (204, {}, None), (304, {}, None),
        (401, {}, AccessRefused), (403, LEFT, AccessRefused), (403, {}, AccessRefused),
        (400, {}, RequestRefused), (404, {}, RequestRefused), (405, {}, RequestRefused),
        (409, {}, RequestRefused), (410, {}, RequestRefused), (422, {}, RequestRefused),
        (500, {}, ServiceError), (502, {}, ServiceError), (503, {"Retry-After": "9"}, ServiceError),
        (302, {"Location": "https://logs.example/x?sig=1"}, Elsewhere),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, headers: dict[str, str], kind: Any) -> None:
    error = meant(status, headers, {"message": "no"})
    assert (None if error is None else type(error)) is kind
    if isinstance(error, AccessRefused):
        assert error.rejected is (status == 401)
    if isinstance(error, RequestRefused) and status != 302:
        assert (error.status, error.data) == (status, {"message": "no"})
    if isinstance(error, ServiceError):
        assert (error.health, error.wait) == (True, 9.0 if status == 503 else None)
    if isinstance(error, Elsewhere):
        assert error.location == "https://logs.example/x?sig=1"
        assert "sig" not in str(error)


@pytest.mark.parametrize(
    ("headers", "remedy"),
    [
        ({"X-Accepted-GitHub-Permissions": "contents=write"}, "contents=write"),
        ({"X-Accepted-OAuth-Scopes": "repo"}, "one of these scopes: repo"),
        (
            {"X-GitHub-SSO": "required; url=https://github.com/orgs/o/sso?x=secret"},
            "single sign-on",
        ),
        ({}, "docs/services/github.md"),
    ],
)
def test_a_missing_permission_is_named(headers: dict[str, str], remedy: str) -> None:
    error = meant(403, headers)
    assert isinstance(error, AccessRefused)
    assert remedy in error.remedy
    assert "secret" not in str(error)


FAULTS = {
    "500": HttpFault("status", status=500),
    "502": HttpFault("status", status=502),
    "cut": HttpFault("cut"),
    "cut, done": HttpFault("cut", done=True),
    "truncated": HttpFault("truncated"),
    "malformed": HttpFault("malformed"),
    "429": HttpFault("status", status=429, headers={"Retry-After": "5"}),
    "secondary": HttpFault("status", status=403, said={"documentation_url": SECONDARY}),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_read_gets_over_each_fault(
    standin: GitHubStandin, github: GitHub, turn: Turn, fault: HttpFault
) -> None:
    issue = standin.state.open_issue("here")
    standin.faults.append(fault)
    assert (await turn(github.issues.get(issue.number))).title == "here"
    assert len(standin.requests) == 2


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_write_is_repeated_only_after_a_no(
    standin: GitHubStandin, github: GitHub, turn: Turn, fault: HttpFault
) -> None:
    """GitHub limits before it does anything; of all else nobody knows."""
    standin.faults.append(fault)
    if fault.status in (429, 403):
        await turn(github.issues.create("once"))
        assert [one.fault for one in standin.exchanges] == ["status", ""]
        assert len(standin.state.issues) == 1
    else:
        with pytest.raises(ServiceError) as failed:
            await turn(github.issues.create("once"))
        assert not isinstance(failed.value, ServiceUnreached)
        assert len(standin.requests) == 1
        assert len(standin.state.issues) == int(fault.works)


MAKES: dict[str, Callable[[GitHub], Awaitable[Any]]] = {
    "issue": lambda one: one.issues.create("x"),
    "comment": lambda one: one.issues.comment(1, "x"),
    "pull request": lambda one: one.pulls.create("x", head="b", base="main"),
    "review": lambda one: one.reviews.create(2, "COMMENT", "x"),
    "answer": lambda one: one.reviews.reply(2, 1002, "x"),
}


@pytest.mark.parametrize("make", MAKES.values(), ids=MAKES)
async def test_nothing_that_makes_something_is_sent_twice(
    standin: GitHubStandin, github: GitHub, turn: Turn, make: Callable[[GitHub], Awaitable[Any]]
) -> None:
    state = standin.state
    state.open_issue("one")
    for branch in ("a", "b"):
        state.heads.set(branch, "")
    state.open_pull("two", "a", "main")
    line = {"path": "a.py", "line": 1, "body": "why?"}
    state.review(2, "COMMENT", "r", user="bob", comments=[line])
    standin.faults.append(HttpFault("status", status=502, done=True))
    with pytest.raises(ServiceError, match="502"):
        await turn(make(github))
    assert [one.method for one in standin.requests] == ["POST"]
    made = (state.issues, state.comments, state.reviews, state.review_comments)
    assert sum(map(len, made)) == 5  # four were there


@pytest.mark.parametrize("kind", ["timeout", "slow_body"])
async def test_what_takes_too_long_is_given_up(
    standin: GitHubStandin, connect: Callable[..., GitHub], turn: Turn, kind: Any
) -> None:
    """A body that comes byte by byte never lets one of its bytes be late."""
    github = connect(timeout=1.0)
    issue = standin.state.open_issue("here", "x" * 5000)
    standin.faults.append(HttpFault(kind, seconds=600 if kind == "timeout" else 0.05))
    assert (await turn(github.issues.get(issue.number))).title == "here"
    assert standin.exchanges[0].fault == kind
    assert len(standin.requests) >= 2
    standin.faults.append(HttpFault(kind, seconds=600 if kind == "timeout" else 0.05))
    with pytest.raises(ServiceError, match="did not answer"):
        await turn(github.issues.create("once"))

    def worked() -> None:  # a slow machine may come to it after its client gave up
        while not any(one.request.method == "POST" for one in standin.exchanges):
            time.sleep(0.01)

    await asyncio.to_thread(worked)
    assert [one.title for one in standin.state.issues.values()] == ["here", "once"]
    assert sum(one.method == "POST" for one in standin.requests) == 1


async def test_an_unreachable_service_was_not_written_to(
    board: Board, connect: Callable[..., GitHub], turn: Turn
) -> None:
    github = connect(url="http://127.0.0.1:9", attempts=2)
    with pytest.raises(ServiceUnreached):
        await turn(github.issues.create("nothing"))
    assert (await board.breakers.get("github")).state is BreakerState.CLOSED


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_the_token_never_goes_to_another_host(
    standin: GitHubStandin, github: GitHub, status: int
) -> None:
    with GitHubStandin() as other:
        where = f"{other.url}/repos/octo/demo/issues"
        standin.faults += [HttpFault("redirect", status=status, location=where)] * 2
        for ask in (github.issues.get(1), github.issues.create("x")):
            with pytest.raises(RequestRefused, match=f"answered {status}"):
                await ask
        assert other.requests == ()
    assert len(standin.requests) == 2


async def test_redirects_in_a_circle_end(standin: GitHubStandin, github: GitHub) -> None:
    where = f"{standin.url}/repos/octo/demo/issues/1"
    standin.faults.append(HttpFault("redirect", location=where, times=100))
    with pytest.raises(RequestRefused):
        await github.issues.get(1)
    assert len(standin.requests) == 6


async def test_a_used_up_limit_is_waited_for_until_its_reset(
    board: Board, standin: GitHubStandin, github: GitHub
) -> None:
    standin.remaining, standin.reset = 1, AT + 900
    issue = standin.state.open_issue("here")
    await github.issues.get(issue.number)
    with pytest.raises(RateLimited) as limited:
        await github.issues.list()
    assert limited.value.wait == 901.0
    asked = len(standin.requests)
    await board.clock.advance(890)
    with pytest.raises(ServiceUnavailable):
        await github.issues.get(issue.number)
    assert len(standin.requests) == asked
    await board.clock.advance(12)
    standin.remaining = 10
    assert (await github.issues.get(issue.number)).title == "here"


async def test_a_rejected_token_holds_the_service(
    board: Board, standin: GitHubStandin, github: GitHub
) -> None:
    standin.token = "another"
    with pytest.raises(AccessRefused, match="Bad credentials") as refused:
        await github.login()
    assert refused.value.rejected
    await board.clock.advance(10_000)
    with pytest.raises(ServiceUnavailable):
        await github.login()
    assert len(standin.requests) == 1


@pytest.mark.parametrize(
    "said", [[1], {"number": "x"}, {"message": "<html>"}, "words", [[]], 7], ids=str
)
async def test_what_is_not_understood_is_an_error_of_the_service(
    standin: GitHubStandin, github: GitHub, said: Any
) -> None:
    standin.faults.append(HttpFault("status", status=200, said=said, times=2))
    with pytest.raises(ServiceError, match="github"):
        await github.issues.get(1)
    with pytest.raises(ServiceError, match="github"):
        await github.issues.list()


async def test_no_error_shows_the_token(standin: GitHubStandin, github: GitHub, turn: Turn) -> None:
    token = "github_pat_0123456789abcdefghij"
    for fault in FAULTS.values():
        standin.faults.append(
            HttpFault(fault.kind, status=500 if fault.kind == "status" else 0, said={"is": token})
        )
        with pytest.raises(NeveridleError) as failed:
            await turn(github.issues.create("x"))
        shown = repr(failed.value) + str(failed.value) + repr(failed.value.__cause__)
        assert token not in shown
        if isinstance(failed.value, ServiceUnavailable):
            break
    assert all(token not in repr(one.request) for one in standin.exchanges)
