"""What the real GitHub said: the contract's examples, recorded exchanges, webhooks."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.errors import RequestRefused
from neveridle.settings.services import GitHubSettings
from neveridle.tools.github import GitHub
from neveridle.tools.github.check_models import Annotation, CheckRun, Status
from neveridle.tools.github.models import (
    Branch,
    Comment,
    Issue,
    Merge,
    PullRequest,
    Review,
    ReviewComment,
)
from neveridle.tools.github.parsing import parse, parse_all
from neveridle.tools.github.webhooks import EVENTS, event_of
from neveridle.tools.services import ServiceKit
from neveridle.tools.standin.http import Answer, HttpStandin, StandinRequest

CONTRACT = "github/api.github.com.json"
REPO = "/repos/{owner}/{repo}"
REAL = "https://api.github.com"


@pytest.mark.parametrize(
    ("model", "method", "path", "status", "inside"),
    [
        (Issue, "GET", "/issues", 200, "[]"),
        (Issue, "GET", "/issues/{issue_number}", 200, ""),
        (Issue, "POST", "/issues", 201, ""),
        (Issue, "PATCH", "/issues/{issue_number}", 200, ""),
        (Comment, "GET", "/issues/{issue_number}/comments", 200, "[]"),
        (Comment, "POST", "/issues/{issue_number}/comments", 201, ""),
        (Branch, "GET", "/branches", 200, "[]"),
        (Branch, "GET", "/branches/{branch}", 200, ""),
        (PullRequest, "GET", "/pulls", 200, "[]"),
        (PullRequest, "GET", "/pulls/{pull_number}", 200, ""),
        (PullRequest, "POST", "/pulls", 201, ""),
        (PullRequest, "PATCH", "/pulls/{pull_number}", 200, ""),
        (Merge, "PUT", "/pulls/{pull_number}/merge", 200, ""),
        (Review, "GET", "/pulls/{pull_number}/reviews", 200, "[]"),
        (Review, "POST", "/pulls/{pull_number}/reviews", 200, ""),
        (ReviewComment, "GET", "/pulls/{pull_number}/comments", 200, "[]"),
        (CheckRun, "GET", "/commits/{ref}/check-runs", 200, "check_runs"),
        (Status, "GET", "/commits/{ref}/status", 200, "statuses"),
        (Annotation, "GET", "/check-runs/{check_run_id}/annotations", 200, "[]"),
    ],
)
def test_the_contracts_examples_are_understood(
    contract: Callable[[str], Any], model: Any, method: str, path: str, status: int, inside: str
) -> None:
    examples = contract(CONTRACT).examples(method, REPO + path, status)
    assert examples
    for example in examples.values():
        if not inside:
            assert parse(model, example)
        else:
            assert parse_all(model, example if inside == "[]" else example[inside])


def test_all_examples_of_webhooks_are_understood(contracts: Path) -> None:
    given = json.loads((contracts / "github/webhooks-examples.json").read_text(encoding="utf-8"))
    understood: dict[str, int] = {}
    for kind in given:
        for example in kind["examples"]:
            event = event_of(kind["name"], example, delivery="d")
            assert (event is not None) == (kind["name"] in EVENTS)
            if event is None:
                continue
            understood[event.name] = understood.get(event.name, 0) + 1
            assert event.repository == example["repository"]["full_name"]
            assert event.sender == example["sender"]["login"]
            assert event.action == example.get("action", "")
            assert bool(event.sha) == (event.name in ("check_run", "check_suite", "status"))
            assert (event.number is None) == bool(event.sha)
    assert set(understood) == set(EVENTS)
    assert sum(understood.values()) == 98


class Recorded(HttpStandin):
    """Answers a recorded exchange, one after the other, wherever it is asked as recorded."""

    def __init__(self, exchanges: list[dict[str, Any]]) -> None:
        super().__init__()
        self._left = exchanges

    def handle(self, request: StandinRequest) -> Answer:
        """The next answer, with this host in place of the real one."""
        one = self._left.pop(0)
        assert (request.method.lower(), request.path) == (
            one["method"], one["path"].partition("?")[0],
        )  # fmt: skip
        names = ("content-type", "etag", "link", "location", "x-ratelimit-remaining")
        headers = {
            name: str(one["headers"][name]).replace(f"{REAL}:443", self.url).replace(REAL, self.url)
            for name in names
            if name in one["headers"]
        }
        text = json.dumps(one["response"]).replace(REAL, self.url)
        return Answer(one["status"], None, headers, text.encode() if one["response"] else b"")


@pytest.fixture
def recorded(contracts: Path) -> Generator[Callable[[str], Recorded]]:
    """Serves a recording."""
    made: list[Recorded] = []

    def serve(name: str) -> Recorded:
        path = contracts / "github/octokit-fixtures" / name / "normalized-fixture.json"
        made.append(Recorded(json.loads(path.read_text(encoding="utf-8"))))
        made[-1].__enter__()
        return made[-1]

    yield serve
    for one in made:
        one.close()


@pytest.fixture
async def connect(tmp_path: Path) -> AsyncGenerator[Callable[..., GitHub]]:
    """Makes clients."""
    made: list[GitHub] = []
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as board:

        def get(service: HttpStandin, repository: str) -> GitHub:
            settings = GitHubSettings(
                url=service.url, repository=f"octokit-fixture-org/{repository}"
            )
            kit = ServiceKit(board.breakers, board.clock, {"GITHUB_TOKEN": "t"})
            made.append(GitHub.connect(settings, kit))
            return made[-1]

        yield get
        for one in made:
            await one.aclose()


async def test_recorded_pages(
    recorded: Callable[[str], Recorded], connect: Callable[..., GitHub]
) -> None:
    """Their links lead to another path of the same host."""
    service = recorded("paginate-issues")
    issues = await connect(service, "paginate-issues").issues.list()
    assert [one.number for one in issues] == list(range(13, 0, -1))
    paths = [one.path for one in service.requests]
    assert paths[1:] == ["/repositories/1000/issues"] * 4


async def test_a_recorded_rename(
    recorded: Callable[[str], Recorded], connect: Callable[..., GitHub]
) -> None:
    """GET is redirected by 301, PATCH by 307; the first exchange is the renaming itself."""
    service = recorded("rename-repository")
    rest = connect(service, "rename-repository").rest
    assert (await rest.write("PATCH", rest.path(), {"name": "new"}))["name"] != "rename-repository"
    assert (await rest.get(rest.path()))["id"] == 1000
    assert (await rest.write("PATCH", rest.path(), {"name": "old"}))["id"] == 1000
    assert [one.method for one in service.requests] == ["PATCH", "GET", "GET", "PATCH", "PATCH"]


async def test_a_recorded_refusal(
    recorded: Callable[[str], Recorded], connect: Callable[..., GitHub]
) -> None:
    service = recorded("errors")
    rest = connect(service, "errors").rest
    with pytest.raises(RequestRefused, match="422") as refused:
        await rest.write("POST", rest.path("labels"), {"name": "foo", "color": "invalid"})
    data: Any = refused.value.data
    assert data["errors"][0]["field"] == "color"


async def test_a_recorded_404(
    recorded: Callable[[str], Recorded], connect: Callable[..., GitHub]
) -> None:
    service = recorded("branch-protection")
    rest = connect(service, "branch-protection").rest
    with pytest.raises(RequestRefused, match="404"):
        await rest.get(rest.path("branches", "main", "protection"))


async def test_a_recorded_redirect_to_another_host(
    recorded: Callable[[str], Recorded], connect: Callable[..., GitHub]
) -> None:
    """An archive lies at codeload.github.com, where the token has no business."""
    service = recorded("get-archive")
    rest = connect(service, "get-archive").rest
    with pytest.raises(RequestRefused, match=r"points to codeload\.github\.com"):
        await rest.get(rest.path("tarball", "main"))
    assert len(service.requests) == 1


async def test_recorded_statuses(
    recorded: Callable[[str], Recorded], connect: Callable[..., GitHub]
) -> None:
    service = recorded("create-status")
    github = connect(service, "create-status")
    sha = "0" * 39 + "1"
    for state in ("failure", "success"):
        await github.rest.write("POST", github.rest.path("statuses", sha), {"state": state})
    statuses = await github.checks.statuses(sha)
    assert statuses
    assert {one.state for one in statuses} <= {"failure", "success", "pending", "error"}
