"""The fixture that checks contracts refuses what breaks one: else no contract test means much."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from neveridle.tools.standin.http import StandinRequest

GITHUB = "github/api.github.com.json"
ISSUES = "/repos/o/r/issues"


def asked(method: str, path: str, body: Any = None, **query: str) -> StandinRequest:
    data = b"" if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} if data else {}
    given = {name: (value,) for name, value in query.items()}
    return StandinRequest(1, method, path, given, headers, data)


@pytest.mark.parametrize(
    "request_",
    [
        asked("GET", ISSUES, state="open", per_page="100", labels="a,b"),
        asked("POST", ISSUES, {"title": "t", "labels": ["a"]}),
        asked("GET", "/repos/o/r/branches/a%2Fb"),
        asked("PUT", "/repos/o/r/pulls/7/merge", {"sha": "a" * 40, "merge_method": "squash"}),
    ],
    ids=str,
)
def test_good_requests_pass(contract: Callable[[str], Any], request_: StandinRequest) -> None:
    contract(GITHUB).check_request(request_)


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (asked("GET", "/repos/o/r/tickets"), "in no contract"),
        (asked("GET", ISSUES, stat="open"), "there is no stat"),
        (asked("GET", ISSUES, state="opened"), "state in its query"),
        (asked("GET", ISSUES, per_page="many"), "per_page in its query"),
        (asked("GET", f"{ISSUES}/seven"), "issue_number in its path"),
        (asked("POST", ISSUES, {"title": "t", "asignees": []}), "no asignees"),
        (asked("POST", ISSUES, {"body": "b"}), "title"),
        (asked("POST", ISSUES), "body is missing"),
        (asked("PUT", "/repos/o/r/pulls/7/merge", {"merge_method": "fast"}), "fast"),
        (asked("GET", ISSUES, {"title": "t"}), "has no body"),
    ],
    ids=str,
)
def test_bad_requests_are_refused(
    contract: Callable[[str], Any], request_: StandinRequest, why: str
) -> None:
    with pytest.raises(AssertionError, match=why):
        contract(GITHUB).check_request(request_)


def test_answers_are_checked(contract: Callable[[str], Any]) -> None:
    one = contract(GITHUB)
    examples = one.examples("GET", "/repos/{owner}/{repo}/issues", 200)
    (listed,) = examples.values()
    one.check_said("GET", ISSUES, 200, listed)
    listed = json.loads(json.dumps(listed))
    listed[0]["state"] = 7
    with pytest.raises(AssertionError, match="0/state"):
        one.check_said("GET", ISSUES, 200, listed)
    with pytest.raises(AssertionError, match="not 206"):
        one.check_said("GET", ISSUES, 206, [])


@pytest.mark.parametrize(
    ("name", "request_", "why"),
    [
        ("slack/slack_web_openapi_v2.json", asked("POST", "/api/chat.postMessage", {"txt": 1}),
         "no txt"),
        ("vercel/vercel-spec.json", asked("GET", "/v6/deployments", sate="READY"), "no sate"),
        ("convex/public-deployment-openapi.json", asked("POST", "/api/query", {"path": "a:b"}),
         "args"),
    ],
    ids=["slack", "vercel", "convex"],
)  # fmt: skip
def test_the_other_contracts_refuse_too(
    contract: Callable[[str], Any], name: str, request_: StandinRequest, why: str
) -> None:
    with pytest.raises(AssertionError, match=why):
        contract(name).check_request(request_)
