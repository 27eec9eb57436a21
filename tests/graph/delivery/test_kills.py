"""Killed at any step, or left without an answer, nothing is done twice and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from neveridle.board import Phase, TaskState
from neveridle.tools.standin.http_fault import HttpFault

PULLS = "POST /repos/octo/demo/pulls"
MERGE = "PUT /repos/octo/demo/pulls/1/merge"
COMMENT = "POST /repos/octo/demo/issues/1/comments"


async def assert_done_once(hub: Any, project: Any, hands: Any) -> None:
    """A new process goes on until the task is completed; the checks fail once on the way."""
    async with project.team(worker=hands) as team:
        for _ in range(20):
            report = await hub.step(team)
            if report.endings.get("completed"):
                break
            if 1 in hub.standin.state.pulls:
                checks(hub)
        (task,) = await team.board.tasks.find()
        assert task.state is TaskState.COMPLETED, task
        events = await team.board.events.find(task=task.id)
        effects = await team.board.effects.find(open_only=True)
    kinds = [event.kind for event in events]
    state = hub.standin.state
    assert kinds.count("pull_request.opened") == kinds.count("pull_request.merged") == 1
    assert kinds.count("pull_request.round") <= 1  # told after the fact, so perhaps not at all
    assert len(state.pulls) == 1
    assert len(state.comments) == 1, [one.body for one in state.comments]
    assert effects == []
    assert len(hub.git("rev-list", "--merges", "main").split()) == 1
    assert hub.shows("a.txt") == "right"
    assert project.clones == []


def checks(hub: Any) -> None:
    """What CI and a reviewer say of the head, once: no for the first, yes for the second."""
    pull = hub.standin.state.pull(1)
    if any(one.sha == pull.sha for one in hub.standin.state.checks):
        return
    good = hub.shows("a.txt", pull.head) == "right"
    hub.checks(1, "success" if good else "failure")
    if good:
        hub.review(1, "APPROVE")


def repairs(hands: Any) -> None:
    """Wrong at first, right afterwards, whoever of the killed has begun."""

    async def act(assignment: Any) -> Any:
        text = "right\n" if assignment.feedback else "wrong\n"
        return await hands.leave({"a.txt": text})(assignment)

    hands.do("Fix", act)


@pytest.mark.parametrize("lost", [PULLS, MERGE, COMMENT], ids=["opened", "merged", "answered"])
async def test_an_answer_that_is_lost_is_found_out(
    project: Any, hands: Any, hub: Any, lost: str
) -> None:
    await project.script()
    repairs(hands)
    hub.standin.faults.append(HttpFault("cut", on=lost, done=True))
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
    await assert_done_once(hub, project, hands)
    assert hub.standin.faults == []


DELIVERED = 0
"""In place of a number: the call that says so."""
EDGES: list[tuple[str, Callable[[Any], Any], str, int, bool]] = [
    ("pushed", lambda team: team.forge.remote, "push", 1, True),
    ("before it is noted", lambda team: team.board.attempts, "record", 5, False),
    ("before it is parked", lambda team: team.board.attempts, "park", 1, False),
    ("before the round", lambda team: team.board.attempts, "fail", 1, False),
    ("after the round", lambda team: team.board.attempts, "fail", 1, True),
    ("answered", lambda team: team.forge.github.issues, "comment", 1, True),
    ("before it is delivered", lambda team: team.board.attempts, "record", DELIVERED, False),
    ("before it is completed", lambda team: team.board.attempts, "complete", 1, False),
]


@pytest.mark.parametrize(("where", "name", "number", "after"), [e[1:] for e in EDGES],
                         ids=[e[0] for e in EDGES])  # fmt: skip
async def test_whoever_goes_on_after_a_kill_does_nothing_twice(
    project: Any, hands: Any, hub: Any, monkeypatch: pytest.MonkeyPatch, reaches: Any,
    where: Callable[[Any], Any], name: str, number: int, after: bool,
) -> None:  # fmt: skip
    await project.script()
    repairs(hands)
    team = project.team(worker=hands)
    await team.open()
    there, calls = asyncio.Event(), 0
    part = where(team)
    real = getattr(part, name)

    async def stops(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        hit = calls >= number if number else kwargs.get("phase") is Phase.DELIVERED
        if not hit:
            return await real(*args, **kwargs)
        if after:
            await real(*args, **kwargs)
        there.set()
        return await asyncio.Event().wait()

    monkeypatch.setattr(part, name, stops, raising=False)

    async def until_then() -> None:
        await team.dispatch("sam", "Fix")
        for _ in range(20):
            await hub.step(team)
            if 1 in hub.standin.state.pulls:
                checks(hub)

    running = asyncio.create_task(until_then())
    await reaches(there, running)
    # As a kill leaves it: nobody returns the task, its lease has to end.
    monkeypatch.setattr(team.board.attempts, "release", _dead)
    monkeypatch.setattr(team.board.attempts, "release_runs", _dead)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await team.close()
    monkeypatch.undo()
    monkeypatch.setenv("GITHUB_TOKEN", hub.standin.token)

    await assert_done_once(hub, project, hands)


async def _dead(*args: Any) -> int:
    """What a dead process does."""
    return 0
