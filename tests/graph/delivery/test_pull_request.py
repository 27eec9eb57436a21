"""From a task to a merged pull request, through failed checks and a review."""

from __future__ import annotations

from typing import Any

import pytest

from neveridle.board import AttemptState, TaskState
from neveridle.graph.delivery.standing import standing_of


@pytest.fixture(params=["sqlite", "postgres"])
def board(request: pytest.FixtureRequest, project: Any) -> None:
    """Where the board lies."""
    if request.param == "postgres":
        project.use("team", board=request.getfixturevalue("postgres_url"))


@pytest.mark.usefixtures("board")
async def test_a_task_becomes_a_pull_request_is_repaired_reviewed_and_merged(
    project: Any, hands: Any, hub: Any
) -> None:
    await project.script()
    hands.do(
        "Fix",
        hands.leave({"a.txt": "wrong\n", "tests/test_a.txt": "t\n"}),
        hands.leave({"a.txt": "right\n"}, summary="Put it right."),
        hands.leave({"a.txt": "right, and clear\n"}, summary="Said it clearly. Thanks @ada"),
    )
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix", ticket="AGT-7", description="It is wrong.")
        report = await team.run(until="idle", ticks=1)
        assert report.endings == {"parked": 1}
        branch = f"neveridle/{task.id}-fix"
        waiting = await team.board.tasks.get(task.id)
        assert (waiting.state, waiting.waiting_on) == (TaskState.WAITING, "pull-request:1")
        pull, issue = hub.standin.state.pull(1), hub.standin.state.issues[1]
        assert (pull.head, pull.base, pull.sha) == (branch, "main", hub.head(branch))
        assert issue.title == "Fix"
        for said in ("Did Fix.", "AGT-7", "It is wrong.", "`sh check.sh` | passed",
                     "`tests/test_a.txt`", "<!-- neveridle-effect:"):  # fmt: skip
            assert said in issue.body
        first = pull.sha

        # The checks fail: the same task's next attempt gets why.
        hub.checks(1, "failure", summary="1 failed", log="E   it is wrong here\n",
                   annotations=[("a.txt", 1, "wrong word")])  # fmt: skip
        assert (await hub.step(team)).endings == {"parked": 1}
        assert (await hub.step(team, after=1)).endings == {"parked": 1}
        fed = hands.seen[1]
        assert fed.attempt.number == 2
        assert fed.failed is None
        for said in ("> E   it is wrong here", "> a.txt:1: failure: wrong word", "#1"):
            assert said in fed.feedback
        second = hub.head(branch)
        assert hub.git("rev-parse", f"{second}^") == first
        assert hub.shows("a.txt", branch) == "right"

        # They pass: a person asks for changes, with a comment on a line.
        hub.checks(1)
        on_line = [{"path": "a.txt", "line": 1, "body": "Say it clearly."}]
        hub.review(1, "REQUEST_CHANGES", "Nearly.", comments=on_line)
        assert (await hub.step(team)).endings == {"parked": 1}
        assert (await hub.step(team, after=1)).endings == {"parked": 1}
        assert "> Nearly." in hands.seen[2].feedback
        assert "ada comments on a.txt:1:\n> Say it clearly." in hands.seen[2].feedback
        assert "it is wrong here" not in hands.seen[2].feedback

        # Green again, but not approved; nobody is asked twice for the same.
        hub.checks(1)
        for _ in range(3):
            assert (await hub.step(team)).endings == {"parked": 1}
        assert len(hands.seen) == 3
        hub.review(1, "APPROVE")
        last = hub.head(branch)
        done = await hub.step(team)

        assert done.endings == {"completed": 1}
        assert (await team.board.tasks.get(task.id)).state is TaskState.COMPLETED
        attempts = await team.board.attempts.of(task.id)
        events = await team.board.events.find(task=task.id)
        effects = await team.board.effects.find(task=task.id)
        lost = await team.board.effects.find(open_only=True)

    assert hub.git("rev-parse", "main^2") == last
    assert hub.shows("a.txt") == "right, and clear"
    assert standing_of(attempts).asked == ""
    kinds = [event.kind for event in events]
    assert kinds.count("pull_request.opened") == kinds.count("pull_request.merged") == 1
    assert kinds.count("pull_request.round") == 2
    assert [one.error_code for one in attempts if one.state is AttemptState.FAILED] == [
        "pull-request", "pull-request",
    ]  # fmt: skip
    assert attempts[-1].number == 3
    assert {one.state for one in attempts if one.number == 3} == {
        AttemptState.PARKED, AttemptState.COMPLETED,
    }  # fmt: skip
    assert (hub.asked("POST /repos/octo/demo/pulls"), lost) == (1, [])
    assert hub.asked("PUT /repos/octo/demo/pulls/1/merge") == 1
    comments = [one.body for one in hub.standin.state.comments]
    assert len(comments) == 2
    assert comments[0].startswith("Round 1: Put it right.")
    assert comments[1].startswith("Round 2: Said it clearly. Thanks @\u200bada")
    assert [effect.name for effect in effects].count("git.push") == 3
    assert project.clones == []
    assert [one for one in project.branches if one.startswith("neveridle/")] == []
    files = [path for path in project.root.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if hub.standin.token.encode() in path.read_bytes()] == []
