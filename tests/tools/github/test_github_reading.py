"""What the client reads: pages, answers that did not change, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest

from neveridle.errors import RequestRefused, SettingsInvalid
from neveridle.tools.github import GitHub
from neveridle.tools.github.cache import EtagCache, Kept
from neveridle.tools.github.rest import following
from neveridle.tools.standin.github import SIGNATURE, GitHubStandin
from neveridle.tools.standin.http import HttpFault

START = 1_700_000_000.0
NOW = datetime.fromtimestamp(START, UTC)


async def test_issues_come_in_pages_and_pull_requests_are_none(
    standin: GitHubStandin, github: GitHub
) -> None:
    state = standin.state
    state.heads.set("feature", "")
    for number in range(230):
        state.open_issue(f"issue {number}", user="ada")
    state.open_pull("not an issue", "feature", "main")
    found = await github.issues.list()
    assert [one.number for one in found] == list(range(230, 0, -1))
    pages = [one.first("page", "1") for one in standin.requests]
    assert pages == ["1", "2", "3"]
    assert len(await github.issues.list(pages=2)) == 199  # of 200, one is a pull request


async def test_issues_are_filtered(standin: GitHubStandin, github: GitHub) -> None:
    state = standin.state
    both = state.open_issue("a", labels=["bug", "ui"], assignees=["ada"])
    state.open_issue("b", labels=["bug"], assignees=["bob"])
    state.associations["eve"] = "NONE"
    closed = state.open_issue("c", "text", labels=["bug", "ui"], user="eve")
    state.change(closed.number, state="closed")
    free = state.open_issue("d")
    free.updated = START + 60

    assert [one.number for one in await github.issues.list(labels=["bug", "ui"])] == [both.number]
    assert [one.number for one in await github.issues.list(assignee="bob")] == [2]
    assert [one.number for one in await github.issues.list(assignee="none")] == [free.number]
    since = NOW + timedelta(seconds=30)
    assert [one.number for one in await github.issues.list(since=since)] == [free.number]
    (found,) = await github.issues.list(state="closed")
    assert (found.number, found.title, found.body) == (closed.number, "c", "text")
    assert (found.labels, found.state_reason) == (("bug", "ui"), "completed")
    assert (found.author, found.association, found.created_at) == ("eve", "NONE", NOW)


async def test_what_did_not_change_costs_nothing(standin: GitHubStandin, github: GitHub) -> None:
    for number in range(120):
        standin.state.open_issue(f"issue {number}")
    first = await github.issues.list()
    left = standin.remaining
    assert await github.issues.list() == first
    assert [one.answer.status for one in standin.exchanges if one.answer] == [200, 200, 304, 304]
    assert standin.remaining == left
    assert github.rate is not None
    assert (github.rate.remaining, github.rate.limit) == (left, 5000)

    standin.state.comment(120, "new")
    changed = await github.issues.list()
    assert [one.comments for one in changed[:2]] == [1, 0]
    assert standin.remaining == left - 1  # one page of two has changed


async def test_a_renamed_repository_is_found(standin: GitHubStandin, github: GitHub) -> None:
    standin.renamed, github.rest.repository = "octo/old", "octo/old"
    issue = standin.state.open_issue("here")
    assert (await github.issues.get(issue.number)).title == "here"
    assert (await github.issues.update(issue.number, title="there")).title == "there"
    made = await github.issues.create("by a redirected POST")
    assert [one.title for one in standin.state.issues.values()] == ["there", made.title]


async def test_stale_pull_requests_are_the_old_open_ones(
    standin: GitHubStandin, github: GitHub
) -> None:
    state, days = standin.state, 86400.0
    for number, age in enumerate([40, 5, 90, 30, 60], start=1):
        state.heads.set(f"b{number}", "")
        state.open_pull(f"{age}", f"b{number}", "main")
        state.issues[number].updated = START - age * days
    state.change(5, state="closed")
    state.issues[5].updated = START - 60 * days
    assert [one.title for one in await github.pulls.stale(30)] == ["90", "40", "30"]
    assert await github.pulls.stale(91) == ()
    for number in range(6, 110):
        state.heads.set(f"b{number}", "")
        state.open_pull("new", f"b{number}", "main")
    standin.forget()
    assert len(await github.pulls.stale(30)) == 3
    assert len(standin.requests) == 1  # the first page has new ones: all others are newer


async def test_pull_requests_of_a_branch(standin: GitHubStandin, github: GitHub) -> None:
    state = standin.state
    for branch in ("a", "feature/x"):
        state.heads.set(branch, "")
        state.open_pull(branch, branch, "main", "body")
    (found,) = await github.pulls.list(head="feature/x")
    assert (found.title, found.head.ref, found.base.ref) == ("feature/x", "feature/x", "main")
    assert (found.head.sha, found.head.repository) == (state.heads.all()["feature/x"], "octo/demo")
    assert found.mergeable is None
    assert (await github.pulls.get(found.number)).mergeable_state == "clean"
    assert await github.pulls.list(head="else") == ()
    assert await github.pulls.list(head="ada:feature/x") == ()
    assert (await github.branches.get("feature/x")).sha == found.head.sha
    assert [one.name for one in await github.branches.list()] == ["a", "feature/x", "main"]
    with pytest.raises(RequestRefused, match="Branch not found") as refused:
        await github.branches.get("none")
    assert refused.value.status == 404


async def test_the_last_vote_of_each_reviewer_counts(
    standin: GitHubStandin, github: GitHub
) -> None:
    state = standin.state
    state.heads.set("f", "")
    pull = state.open_pull("p", "f", "main")
    line = {"path": "a.py", "line": 3, "body": "why?"}
    state.review(pull.number, "REQUEST_CHANGES", "first", user="ada", comments=[line])
    state.review(pull.number, "REQUEST_CHANGES", "second", user="bob", comments=[line])
    state.review(pull.number, "APPROVE", user="ada")
    state.review(pull.number, "COMMENT", "still no", user="bob")
    state.reply(pull.number, state.review_comments[1].id, "because", user="cid")
    wanted = await github.reviews.requested(pull.number)
    assert [(one.author, one.body) for one in wanted.reviews] == [("bob", "second")]
    assert [one.body for one in wanted.comments] == ["why?", "because"]
    state.review(pull.number, "APPROVE", user="bob")
    assert (await github.reviews.requested(pull.number)).reviews == ()


async def test_checks_of_both_kinds_are_one_state(standin: GitHubStandin, github: GitHub) -> None:
    state, sha = standin.state, standin.state.commit("main")
    assert (await github.checks.of(sha)).state == "none"
    for number in range(103):
        state.check(sha, f"check {number}", ["success", "neutral", "skipped"][number % 3])
    checks = await github.checks.of(sha)
    assert (checks.state, len(checks.runs)) == ("success", 103)
    state.status(sha, "ci", "pending")
    assert (await github.checks.of("main")).state == "pending"
    state.status(sha, "ci", "success")
    state.check(sha, "slow", None)
    assert (await github.checks.of(sha)).state == "pending"
    state.check(sha, "slow", "timed_out")
    checks = await github.checks.of(sha)
    assert (checks.state, checks.failed) == ("failure", checks.runs[-1:])


async def test_the_log_of_a_job_is_fetched_without_the_token(
    standin: GitHubStandin, github: GitHub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    sha = standin.state.commit("main")
    lines = [f"2024-01-01T00:00:00.1234567Z line {number}" for number in range(20_000)]
    text = "\n".join([*lines, "\x1b[31mFAILED\x1b[0m token=ghp_0123456789abcdefghij", ""])
    run = standin.state.check(
        sha, "tests", "failure", summary="2 failed", annotations=[("a.py", 3, "bad")], log=text
    )
    (found,) = (await github.checks.of(sha)).runs
    assert found.job == run.id
    log = await github.checks.logs.get(run.id, limit=1000)
    assert (log.cut, log.size) == (True, len(text))
    assert log.text.endswith("line 19999\nFAILED token=<secret>\n")
    assert log.text.startswith("line 199")
    assert len(log.text) < 1000
    (asked,) = standin.log_host.requests
    assert not asked.credentials
    assert asked.first("sig") == unquote(SIGNATURE)
    assert "/logs/" in caplog.text
    assert SIGNATURE not in caplog.text

    report = await github.checks.report(await github.checks.of(sha), limit=4000)
    assert report.startswith("## tests: failure\n2 failed\na.py:3: failure: bad\n")
    assert "FAILED" in report
    assert len(report) < 4200


async def test_a_log_that_is_gone_is_said(standin: GitHubStandin, github: GitHub) -> None:
    run = standin.state.check(standin.state.commit("main"), "tests", "failure", log="x")
    with pytest.raises(RequestRefused, match="404"):
        await github.checks.logs.get(run.id + 1)
    gone = HttpFault("status", status=410, said={"message": "no"}, times=2)
    standin.log_host.faults.append(gone)
    with pytest.raises(RequestRefused, match="410") as refused:
        await github.checks.logs.get(run.id)
    assert SIGNATURE not in str(refused.value)
    report = await github.checks.report(await github.checks.of("main"))
    assert "cannot be read" in report


@pytest.mark.parametrize("name", ["", "demo", "octo/demo/x", "octo/de mo", "https://x/octo/demo"])
def test_a_repository_that_is_none_is_refused(connect: Callable[..., GitHub], name: str) -> None:
    with pytest.raises(SettingsInvalid, match="OWNER/NAME"):
        connect(repository=name)


@pytest.mark.parametrize(
    ("link", "next_"),
    [
        ("", ""),
        ('<https://a/b?page=2>; rel="next"', "https://a/b?page=2"),
        ('<https://a/1>; rel="prev", <https://a/3>; rel="next", <https://a/9>; rel="last"',
         "https://a/3"),
        ("<https://a/3>; rel=next", "https://a/3"),
        ('<https://a/3>; rel="nextish"', ""),
        ("<" * 50_000, ""),
    ],
)  # fmt: skip
def test_the_next_page_is_found(link: str, next_: str) -> None:
    assert following(link) == next_


def test_the_cache_is_bounded() -> None:
    cache = EtagCache(entries=3, size=100)
    for number in range(5):
        cache.put(f"/{number}", Kept(f"{number}", b"x" * 10, ""))
        cache.get("/0")
    assert [cache.get(f"/{number}") is not None for number in range(5)] == [
        True, False, False, True, True,
    ]  # fmt: skip
    cache.put("/0", Kept("new", b"y" * 25, ""))
    assert (len(cache), cache.size) == (3, 45)
    cache.put("/big", Kept("big", b"z" * 26, ""))
    cache.put("/0", Kept("big", b"z" * 26, ""))  # an older answer must not be given for it
    assert (len(cache), cache.size, cache.get("/0")) == (2, 20, None)
