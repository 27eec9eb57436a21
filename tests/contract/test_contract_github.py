"""GitHub's own contract: what the client asks, what the stand-in says, what real answers hold."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.settings.services import GitHubSettings
from neveridle.tools.github import GitHub
from neveridle.tools.services import ServiceKit
from neveridle.tools.standin.github import GitHubStandin

CONTRACT = "github/api.github.com.json"
DAY = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def standin() -> Generator[GitHubStandin]:
    with GitHubStandin(token="t") as one:
        yield one


@pytest.fixture
async def github(tmp_path: Path, standin: GitHubStandin) -> AsyncGenerator[GitHub]:
    async with Board(f"sqlite:///{tmp_path / 'board.db'}") as board:
        kit = ServiceKit(board.breakers, board.clock, {"GITHUB_TOKEN": "t"})
        settings = GitHubSettings(url=standin.url, repository=standin.repository)
        one = GitHub.connect(settings, kit)
        yield one
        await one.aclose()


async def test_all_that_is_asked_and_answered_keeps_the_contract(
    contract: Callable[[str], Any], standin: GitHubStandin, github: GitHub
) -> None:
    standin.state.heads.set("feature/x", "")
    issue = await github.issues.create("Flaky", "text", labels=["bug"], assignees=["ada"])
    await github.issues.list(state="all", labels=["bug"], assignee="ada", since=DAY, sort="updated")
    await github.issues.get(issue.number)
    await github.issues.update(
        issue.number, title="T", body="B", state="closed", reason="not_planned",
        assignees=["ada", "bob"], labels=["a", "b"],
    )  # fmt: skip
    await github.issues.assign(issue.number, ["cid"])
    await github.issues.unassign(issue.number, ["cid", "ada"])
    comment = await github.issues.comment(issue.number, "hello")
    await github.issues.comments(issue.number, since=DAY)
    await github.issues.delete_comment(comment.id)
    await github.branches.list()
    branch = await github.branches.get("feature/x")
    pull = await github.pulls.create("P", head="feature/x", base="main", body="b", draft=True)
    standin.state.pulls[pull.number].draft = False
    await github.pulls.list(state="all", head="feature/x", base="main")
    await github.pulls.stale(30)
    await github.pulls.update(pull.number, title="P2", body="b2", state="open", base="main")
    standin.state.review(
        pull.number, "REQUEST_CHANGES", "no", user="ada",
        comments=[{"path": "a.py", "line": 3, "body": "why?"}],
    )  # fmt: skip
    await github.reviews.create(
        pull.number, "COMMENT", "r", commit=branch.sha,
        comments=[{"path": "a.py", "line": 1, "body": "c"}],
    )  # fmt: skip
    requested = await github.reviews.requested(pull.number)
    reply = await github.reviews.reply(pull.number, requested.comments[0].id, "because")
    await github.reviews.delete_comment(reply.id)
    standin.state.check(branch.sha, "tests", "failure", annotations=[("a.py", 3, "bad")], log="x")
    standin.state.status(branch.sha, "ci", "failure", "no")
    checks = await github.checks.of(branch.sha)
    await github.checks.report(checks)
    await github.pulls.merge(pull.number, branch.sha, method="squash", title="t", message="m")
    await github.pulls.get(pull.number)
    await github.login()
    await github.default_branch()

    used = contract(CONTRACT).check(standin, headers=("x-github-api-version", "user-agent"))
    assert len(used) == 27
    assert {one.headers["x-github-api-version"] for one in standin.requests} == {"2022-11-28"}
    assert {one.headers["accept"] for one in standin.requests} == {"application/vnd.github+json"}
