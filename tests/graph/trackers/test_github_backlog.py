"""Issues of GitHub's are worked on, and closed when the work is merged."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from neveridle.board import EffectState, TaskState
from neveridle.tools.standin.github import GitHubStandin
from neveridle.tools.standin.http_fault import HttpFault

TOKEN = "ghp_of_the_test"
BOT = "neveridle-bot"


@pytest.fixture
def github() -> Generator[GitHubStandin]:
    with GitHubStandin(token=TOKEN) as one:
        yield one


@pytest.fixture
def tracked(project: Any, github: GitHubStandin, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The project with that repository's issues as its backlog."""
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    project.use("tracker", kind="github")
    project.use(
        "services",
        github={"url": github.url, "repository": github.repository, "attempts": 1,
                "breaker_threshold": 1},
    )  # fmt: skip
    return project


async def test_issues_are_taken_worked_on_and_closed_in_their_order(
    tracked: Any, hands: Any, github: GitHubStandin
) -> None:
    state = github.state
    state.open_issue("Second", "Blocked by #2, and see #3.", labels=["python", "P0"])
    state.open_issue("First", labels=["priority: low"])
    state.open_issue("Ada's", assignees=["ada"])
    state.open_issue("After Ada's", "Depends on #3")
    state.change(state.open_issue("Over").number, state="closed")
    async with tracked.team(worker=hands) as team:
        report = await team.run(until="idle", timeout=60)
        tasks = {one.title: one for one in await team.board.tasks.find()}
    assert [line.title for line in report.attempts] == ["First", "Second"]
    assert report.endings == {"completed": 2}
    assert sorted(tasks) == ["First", "Second"]
    assert (tasks["Second"].skills, tasks["Second"].priority.name) == (("python",), "URGENT")
    assert tasks["First"].ticket == "#2"
    for number in (1, 2):
        issue = state.issue(number)
        assert (issue.state, issue.reason, issue.assignees) == ("closed", "completed", [BOT])
    assert report.problems == []


@pytest.mark.parametrize("how", ["before we look", "before we write", "after we wrote"])
async def test_a_person_who_was_a_moment_earlier_keeps_the_issue(
    tracked: Any, hands: Any, github: GitHubStandin, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = github.state.open_issue("Add a page").number
    asked: Callable[..., Any] = github.handle
    moment = {"before we write": "GET", "after we wrote": "POST"}.get(how)

    def meanwhile(request: Any) -> Any:
        answer = asked(request)
        if request.method == moment and f"/issues/{number}" in request.path:
            github.state.assign(number, ["ada"])
        return answer

    async with tracked.team(worker=hands) as team:
        if moment is None:
            github.state.assign(number, ["ada"])
        monkeypatch.setattr(github, "handle", meanwhile)
        report = await team.run(until="idle", timeout=60)
        (task,) = await team.board.tasks.find()
        (event,) = await team.board.events.find(kind="ticket.taken")
    assert (report.endings, hands.seen) == ({}, [])
    assert (task.state, event.data["by"]) == (TaskState.CANCELLED, "ada")
    assert github.state.issue(number).assignees == ["ada"]  # ours is not left behind


async def test_looks_that_find_nothing_new_cost_nothing(
    tracked: Any, hands: Any, github: GitHubStandin
) -> None:
    github.state.open_issue("Ada's", assignees=["ada"])
    await tracked.script()
    async with tracked.team(worker=hands) as team:
        for _ in range(3):
            await team.board.clock.advance(120)
            team.sources.stale = True
            await team.sources.refresh()
        github.forget()
        for _ in range(20):
            await team.board.clock.advance(120)
            team.sources.stale = True
            await team.sources.refresh()
        said = [
            one.answer.status
            for one in github.exchanges
            if one.answer is not None and one.request.path.endswith("/issues")
        ]
    assert said == [304] * 20  # which GitHub does not count


async def test_while_it_is_down_ours_goes_on_and_is_closed_after(
    tracked: Any, hands: Any, github: GitHubStandin
) -> None:
    number = github.state.open_issue("Ours", assignees=[BOT]).number
    github.state.open_issue("Free")
    await tracked.script()
    async with tracked.team(worker=hands) as team:
        github.faults.append(HttpFault("status", status=502, times=100_000))
        await team.board.clock.advance(120)
        team.sources.stale = True
        report = await team.run(until="idle", ticks=2)
        assert [line.title for line in report.attempts] == ["Ours"]
        assert github.state.issue(number).state == "open"
        github.faults.clear()
        await team.board.clock.advance(120)
        assert await team.later.look() == 1
        effects = await team.board.effects.find()
    assert github.state.issue(number).state == "closed"
    assert [one.state for one in effects] == [EffectState.DONE]
