"""Writes happen once, whatever becomes of their answers: GitHub's state is the proof."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from neveridle.board import Board, Source
from neveridle.errors import EffectRefused, EffectUnsettled, RateLimited
from neveridle.tools.effects import Performer, Verb, Verbs
from neveridle.tools.github import GitHub, github_verbs
from neveridle.tools.github.marks import carries, keeping, marked
from neveridle.tools.standin.github import GitHubStandin
from neveridle.tools.standin.http import HttpFault

LOST = {
    "cut before": HttpFault("cut"),
    "cut after": HttpFault("cut", done=True),
    "500 before": HttpFault("status", status=500),
    "502 after": HttpFault("status", status=502, done=True),
    "truncated": HttpFault("truncated"),
    "malformed": HttpFault("malformed"),
}
"""Faults after which nobody knows whether a write was done."""

Write = tuple[str, str, dict[str, Any]]
WRITES: dict[str, Write] = {
    "POST */issues": ("create_issue", "ROADMAP: faster", {"title": "Faster", "body": "why"}),
    "POST */issues/*/comments": ("comment", "#1", {"body": "hello"}),
    "POST */pulls": ("open_pull_request", "feature", {"title": "P", "body": "b", "base": "main"}),
    "POST */pulls/*/reviews": ("review", "#2", {"event": "APPROVE"}),
    "POST */pulls/*/replies": ("reply", "#2", {"comment": 1002, "body": "because"}),
    "PUT */pulls/2/merge": ("merge", "#2", {"sha": "", "method": "squash"}),
    "PATCH */issues/1": ("set_state", "#1", {"state": "closed", "reason": "not_planned"}),
    "PATCH */pulls/2": ("update_pull_request", "#2", {"title": "Better"}),
}


@pytest.fixture
def world(standin: GitHubStandin) -> GitHubStandin:
    """An issue, a pull request with a comment on a line, and a branch that is to have one."""
    state = standin.state
    state.open_issue("one", user="ada")
    state.heads.set("other", "")
    state.heads.set("feature", "")
    state.open_pull("two", "other", "main", user="ada")
    line = {"path": "a.py", "line": 1, "body": "why?"}
    assert state.review(2, "COMMENT", "r", user="bob", comments=[line]).id == 1001
    return standin


def count(standin: GitHubStandin) -> dict[str, int]:
    state = standin.state
    return {
        "issues": len(state.issues),
        "pulls": len(state.pulls),
        "comments": len(state.comments),
        "lines": len(state.review_comments),
        "reviews": len(state.reviews),
        "closed": sum(one.state == "closed" for one in state.issues.values()),
        "merged": sum(one.merged is not None for one in state.pulls.values()),
        "better": sum(one.title == "Better" for one in state.issues.values()),
    }


def asking(standin: GitHubStandin, what: Write) -> Write:
    verb, target, request = what
    return verb, target, {**request, **({"sha": standin.state.pull(2).sha} if verb == "merge"
                                        else {})}  # fmt: skip


@pytest.mark.parametrize("route", WRITES)
async def test_each_write_with_no_fault_and_asked_for_again(
    world: GitHubStandin, performer: Performer, verbs: dict[str, Verb], route: str
) -> None:
    verb, target, request = asking(world, WRITES[route])
    before = count(world)
    done = await performer.once(verbs[verb], target, request)
    after = count(world)
    assert done.fresh
    assert done.result["number"] in world.state.issues
    assert sum(after.values()) - sum(before.values()) == {
        "open_pull_request": 2,  # an issue as well
        "merge": 2,  # it is closed as well
    }.get(verb, 1)
    asked = len(world.requests)
    again = await performer.once(verbs[verb], target, request)
    assert (again.fresh, again.result) == (False, done.result)
    assert (count(world), len(world.requests)) == (after, asked)


@pytest.mark.parametrize(
    ("route", "kind"),
    [
        *(("POST */issues/*/comments", kind) for kind in LOST),
        *((route, kind) for route in WRITES for kind in ("cut before", "502 after")),
    ],
)
async def test_a_lost_answer_leads_to_one_write(
    board: Board,
    world: GitHubStandin,
    performer: Performer,
    connect: Callable[..., GitHub],
    route: str,
    kind: str,
) -> None:
    fault, verbs = LOST[kind], {one.name: one for one in github_verbs(connect(attempts=1))}
    verb, target, request = asking(world, WRITES[route])
    before = count(world)
    world.faults.append(HttpFault(fault.kind, on=route, done=fault.done, status=fault.status))
    with pytest.raises(EffectUnsettled):
        await performer.once(verbs[verb], target, request)
    await board.clock.advance(600)

    (settled,) = await board.effects.reconcile(performer.attempt, Verbs(*verbs.values()))
    assert settled.effect.state == "done"
    done = await performer.once(verbs[verb], target, request)
    assert not done.fresh
    after = count(world)
    made = {"open_pull_request": 2, "merge": 2}.get(verb, 1)
    assert sum(after.values()) - sum(before.values()) == made
    if route.startswith("POST") and fault.works and verb != "open_pull_request":
        assert settled.effect.how == "found"


async def test_a_limit_leaves_no_doubt(
    board: Board, world: GitHubStandin, performer: Performer, verbs: dict[str, Verb]
) -> None:
    headers = {"Retry-After": "500"}
    world.faults.append(HttpFault("status", on="POST *", status=429, headers=headers))
    with pytest.raises(RateLimited):
        await performer.once(verbs["comment"], "#1", {"body": "x"})
    await board.clock.advance(501)
    assert (await performer.once(verbs["comment"], "#1", {"body": "x"})).fresh
    assert [one.method for one in world.requests] == ["POST", "POST"]  # nobody had to ask


async def test_a_cut_connection_under_a_new_owner(
    board: Board,
    world: GitHubStandin,
    performer: Performer,
    verbs: dict[str, Verb],
) -> None:
    """The first owner hangs with its answer held; its successor finds what it did."""
    world.faults.append(HttpFault("hold", on="POST */comments"))
    first = asyncio.ensure_future(performer.once(verbs["comment"], "#1", {"body": "x"}))
    await asyncio.to_thread(world.wait_held)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await board.clock.advance(10_000)
    await board.sweep()
    taken = await board.attempts.claim(
        agent="bob", run="run-2", skills=[], source=Source.BACKLOG, lease=6000
    )  # fmt: skip
    assert taken is not None
    (found,) = await board.effects.reconcile(taken.attempt, Verbs(*verbs.values()))
    assert (found.effect.how, found.effect.calls) == ("found", 1)
    assert len(world.state.comments) == 1
    world.let_go()


async def test_a_branch_has_one_pull_request_however_it_is_worded(
    world: GitHubStandin, performer: Performer, verbs: dict[str, Verb]
) -> None:
    verb = verbs["open_pull_request"]
    first = await performer.once(verb, "feature", {"title": "A", "body": "a", "base": "main"})
    second = await performer.once(verb, "feature", {"title": "B", "body": "b", "base": "main"})
    assert (second.fresh, second.differs) == (False, True)
    assert second.result == first.result


async def test_a_pull_request_that_a_person_opened_is_taken(
    world: GitHubStandin, performer: Performer, verbs: dict[str, Verb]
) -> None:
    theirs = world.state.open_pull("theirs", "feature", "main", user="ada")
    request = {"title": "ours", "body": "", "base": "main"}
    done = await performer.once(verbs["open_pull_request"], "feature", request)
    assert (done.effect.how, done.result["number"]) == ("exists", theirs.number)
    assert world.state.issues[theirs.number].title == "theirs"


async def test_a_refused_pull_request_is_refused(
    world: GitHubStandin, performer: Performer, verbs: dict[str, Verb]
) -> None:
    request = {"title": "ours", "body": "", "base": "main"}
    with pytest.raises(EffectRefused, match="head"):
        await performer.once(verbs["open_pull_request"], "never-pushed", request)
    assert len(world.state.pulls) == 1


async def test_one_that_was_closed_meanwhile_is_not_opened_again(
    board: Board, world: GitHubStandin, performer: Performer, verbs: dict[str, Verb]
) -> None:
    request = {"title": "ours", "body": "", "base": "main"}
    world.faults.append(HttpFault("cut", on="POST */pulls", done=True))
    with pytest.raises(EffectUnsettled):
        await performer.once(verbs["open_pull_request"], "feature", request)
    world.state.change(3, state="closed")
    await board.clock.advance(600)
    (found,) = await board.effects.reconcile(performer.attempt, Verbs(*verbs.values()))
    assert (found.effect.how, found.result["number"]) == ("exists", 3)
    assert len(world.state.pulls) == 2


async def test_merging_wants_the_commit_that_was_looked_at(
    world: GitHubStandin, performer: Performer, verbs: dict[str, Verb]
) -> None:
    seen = world.state.pull(2).sha
    world.state.heads.set("other", "")
    with pytest.raises(EffectRefused, match="409"):
        await performer.once(verbs["merge"], "#2", {"sha": seen})
    now = world.state.pull(2).sha
    world.state.merge(2)  # a person was quicker
    done = await performer.once(verbs["merge"], "#2", {"sha": now})
    assert done.result["merge"] == world.state.pulls[2].merge_sha
    with pytest.raises(EffectRefused, match="405"):
        await performer.once(verbs["merge"], "#2", {"sha": seen, "method": "squash"})


async def test_an_assignee_that_github_leaves_out_is_a_refusal(
    world: GitHubStandin, performer: Performer, verbs: dict[str, Verb]
) -> None:
    world.state.collaborators = {"ada", "Sam"}
    done = await performer.once(verbs["assign"], "#1", {"assignees": ["Sam"]})
    assert done.result["assignees"] == ["Sam"]
    with pytest.raises(EffectRefused, match="does not take bob") as refused:
        await performer.once(verbs["assign"], "#1", {"assignees": ["ada", "bob"]})
    assert refused.value.data == {"assignees": ["ada"]}
    both = await performer.once(verbs["add_assignees"], "#1", {"assignees": ["Sam"]})
    assert both.result["assignees"] == ["ada", "Sam"]
    with pytest.raises(EffectRefused, match="does not take bob"):
        await performer.once(verbs["add_assignees"], "#1", {"assignees": ["bob"]})
    left = await performer.once(verbs["remove_assignees"], "#1", {"assignees": ["Sam", "bob"]})
    assert left.result["assignees"] == ["ada"] == world.state.issues[1].assignees
    labels = await performer.once(verbs["set_labels"], "#1", {"labels": ["b", "a"]})
    assert labels.result["labels"] == ["b", "a"] == world.state.issues[1].labels
    world.state.push = False
    with pytest.raises(EffectRefused, match="left out labels of #1: c"):
        await performer.once(verbs["set_labels"], "#1", {"labels": ["A", "c"]})


async def test_the_mark_stays_when_the_text_is_changed(
    world: GitHubStandin, performer: Performer, verbs: dict[str, Verb]
) -> None:
    request = {"title": "ours", "body": "first", "base": "main"}
    done = await performer.once(verbs["open_pull_request"], "feature", request)
    mark = done.effect.asked().marker
    await performer.once(verbs["update_pull_request"], "#3", {"body": "second"})
    body = world.state.issues[3].body
    assert body.startswith("second")
    assert carries(body, mark)


async def test_what_is_there_twice_is_taken_back(
    world: GitHubStandin, github: GitHub, performer: Performer, verbs: dict[str, Verb]
) -> None:
    """As `retract` is called when a zombie's answer comes after its successor's."""
    for name, target, request in (
        ("comment", "#1", {"body": "x"}),
        ("create_issue", "x", {"title": "x"}),
        ("reply", "#2", {"comment": 1002, "body": "x"}),
    ):
        verb = verbs[name]
        done = await performer.once(verb, target, request)
        second = await verb.call(done.effect.asked(call=2))
        before = count(world)
        assert verb.retract is not None
        await verb.retract(done.effect.asked(call=2), second)
        assert count(world) != before
    assert len(world.state.comments) == 1
    assert (world.state.issues[4].state, world.state.issues[4].reason) == ("closed", "duplicate")
    assert world.state.issues[3].state == "open"
    assert [one.body[:4] for one in world.state.review_comments] == ["why?", "x\n\n<"]


def test_a_text_carries_one_mark_only() -> None:
    first, second = (f"neveridle-effect:{digit * 32}" for digit in "ab")
    body = marked("text", first)
    assert carries(body, first)
    quoted = marked(f"> {body}", second)
    assert (carries(quoted, first), carries(quoted, second)) == (False, True)
    assert marked("", first) == f"<!-- {first} -->"
    assert keeping("new", body) == f"new\n\n<!-- {first} -->"
    assert keeping(body, body) == body
