"""What agents may do on GitHub, and what they are told."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from neveridle.board import Attempt, Board
from neveridle.errors import RequestRefused
from neveridle.settings.services import GitHubSettings
from neveridle.tools.effects import Performer
from neveridle.tools.github import GitHub, github_tools
from neveridle.tools.github.targets import number_of
from neveridle.tools.standin.github import GitHubStandin

Claim = Callable[..., Awaitable[Attempt]]
SETTINGS = GitHubSettings(mergers=["quinn"])
READING = {
    "github_issues", "github_issue", "github_pull_request", "github_checks", "github_job_log",
}  # fmt: skip
WRITING = {
    "github_comment", "github_open_pull_request", "github_request_changes", "github_close_ticket",
}  # fmt: skip
MERGING = {"github_approve", "github_merge"}


@pytest.fixture
def tools(board: Board, github: GitHub, claim: Claim) -> Callable[..., Awaitable[dict[str, Any]]]:
    """The tools of an attempt at a task with a ticket, by name."""

    async def get(agent: str = "sam", ticket: str = "", branch: str = "") -> dict[str, Any]:
        attempt = replace(await claim(agent, ticket), branch=branch)
        made = github_tools(github, SETTINGS, Performer(board, attempt))
        return {one.name: one for one in made}

    return get


async def test_only_mergers_have_what_merges(tools: Callable[..., Any]) -> None:
    assert set(await tools()) == READING | WRITING
    assert set(await tools("quinn")) == READING | WRITING | MERGING


async def test_reading(standin: GitHubStandin, tools: Callable[..., Any]) -> None:
    state = standin.state
    state.open_issue("Flaky", "text " * 3000, labels=["bug"], user="ada")
    state.comment(1, "look <!-- neveridle-effect:" + "a" * 32 + " -->", user="bob")
    state.heads.set("f", "")
    pull = state.open_pull("P", "f", "main", "why", user="ada")
    state.review(2, "REQUEST_CHANGES", "no", user="bob",
                 comments=[{"path": "a.py", "line": 3, "body": "why?"}])  # fmt: skip
    run = state.check(pull.sha, "tests", "failure", summary="2 failed", log="x\ny\n")
    state.status(pull.sha, "ci", "error", "broken")
    use = await tools()

    (listed,) = json.loads(await use["github_issues"].ainvoke({"labels": "bug, "}))
    assert (listed["number"], listed["title"], listed["labels"]) == (1, "Flaky", ["bug"])
    issue = json.loads(await use["github_issue"].ainvoke({"number": 1}))
    assert issue["body"].endswith("… (15000 characters)")
    assert [(one["by"], one["body"]) for one in issue["comments"]] == [("bob", "look")]
    shown = json.loads(await use["github_pull_request"].ainvoke({"number": 2}))
    assert (shown["state"], shown["sha"], shown["mergeable"]) == ("open", pull.sha, "clean")
    assert (shown["reviews"][0]["state"], shown["on_lines"][0]["line"]) == ("CHANGES_REQUESTED", 3)
    checks = json.loads(await use["github_checks"].ainvoke({"ref": "f"}))
    assert (checks["state"], checks["checks"][0]["job"]) == ("failure", run.id)
    assert [one["said"] for one in checks["failed"]] == ["2 failed", "broken"]
    assert await use["github_job_log"].ainvoke({"job": run.id}) == "x\ny\n"
    # What is refused is told to the model, which may ask differently.
    assert "404" in await use["github_issue"].ainvoke({"number": 7})
    assert "use open, closed, all" in await use["github_issues"].ainvoke({"state": "any"})


async def test_writing(standin: GitHubStandin, tools: Callable[..., Any]) -> None:
    state = standin.state
    for _ in range(2):
        state.open_issue("issue", user="ada")
    state.heads.set("work", "")
    use = await tools("quinn", ticket="#2", branch="work")

    assert "issuecomment" in await use["github_comment"].ainvoke({"number": 1, "text": "hi"})
    opened = await use["github_open_pull_request"].ainvoke({"title": "T", "body": "B"})
    assert opened.startswith("Pull request #3: https://")
    assert (state.pulls[3].head, state.pulls[3].base) == ("work", "main")
    state.issues[3].user = "ada"  # else it would be the reviewer's own
    asked = await use["github_request_changes"].ainvoke({"number": 3, "text": "no"})
    assert asked.startswith(f"Reviewed #3 at {state.pulls[3].sha}")
    await use["github_approve"].ainvoke({"number": 3})
    assert [one.state for one in state.reviews] == ["CHANGES_REQUESTED", "APPROVED"]
    state.pulls[3].draft = True
    assert "405" in await use["github_merge"].ainvoke(
        {"number": 3, "sha": state.pulls[3].sha, "method": "rebase"}
    )
    state.pulls[3].draft = False
    assert "use merge, squash" in await use["github_merge"].ainvoke(
        {"number": 3, "sha": "x", "method": "octopus"}
    )
    merged = await use["github_merge"].ainvoke({"number": 3, "sha": state.pulls[3].sha})
    assert merged == f"Merged #3 as {state.pulls[3].merge_sha}."
    assert "use completed" in await use["github_close_ticket"].ainvoke({"reason": "tired"})
    assert await use["github_close_ticket"].ainvoke({"reason": "not_planned"}) == "#2 is closed."
    assert [state.issues[number].state for number in (1, 2)] == ["open", "closed"]


@pytest.mark.parametrize("ticket", ["", "AGT-275", "other/repo#1"])
async def test_no_issue_is_closed_but_the_own_ticket(
    standin: GitHubStandin, tools: Callable[..., Any], ticket: str
) -> None:
    standin.state.open_issue("issue")
    use = await tools("sam", ticket=ticket)
    said = await use["github_close_ticket"].ainvoke({})
    assert "ticket" in said or "names no issue" in said or "another repository" in said
    assert "no branch" in await use["github_open_pull_request"].ainvoke({"title": "T", "body": "B"})
    assert standin.requests == ()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12), ("#12", 12), ("GH-12", 12), ("octo/demo#12", 12), (" Octo/Demo#7 ", 7),
        ("https://github.com/octo/demo/issues/12", 12),
        ("https://github.com/octo/demo/pull/3/files#r1", 3),
    ],
)  # fmt: skip
def test_issues_are_named_in_these_ways(text: str, number: int) -> None:
    assert number_of(text, "octo/demo") == number


@pytest.mark.parametrize(
    "text",
    ["", "0", "#0", "AGT-275", "x#12", "a/b#12", "12 13", "#12345678901", "https://x/octo/demo/1",
     "https://github.com/a/b/issues/1"],
)  # fmt: skip
def test_what_names_no_issue_of_ours_is_refused(text: str) -> None:
    with pytest.raises(RequestRefused):
        number_of(text, "octo/demo")
