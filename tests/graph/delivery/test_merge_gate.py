"""A pull request is merged only once a person has said yes to this very commit."""

from __future__ import annotations

from typing import Any

from neveridle.board.inbox_item import ItemState

MERGE = "PUT /repos/octo/demo/pulls/1/merge"


async def ready(project: Any, hub: Any, team: Any) -> Any:
    """A task whose pull request could be merged, were it not for the gate; its item."""
    await hub.opened(team)
    hub.checks(1)
    hub.review(1, "APPROVE")
    assert (await hub.step(team)).endings == {"parked": 1}
    (item,) = await team.board.inbox.find()
    return item


async def test_it_waits_for_a_yes_and_still_looks(project: Any, hands: Any, hub: Any) -> None:
    project.use("approvals", merge=True)
    await project.script()
    async with project.team(worker=hands) as team:
        item = await ready(project, hub, team)
        commit = hub.standin.state.pull(1).sha
        assert (item.action, item.fingerprint) == ("merge", f"merge:1:{commit}")
        assert item.evidence["into"] == "pull request #1"
        assert (await team.run(until="idle", ticks=1)).endings == {}  # not before its time
        assert (await hub.step(team)).endings == {"parked": 1}
        assert len(await team.board.inbox.find()) == 1
        assert hub.asked(MERGE) == 0
        await team.board.answering.answer(item.id, by="eve")
        assert (await hub.step(team, after=1)).endings == {"completed": 1}
    assert hub.asked(MERGE) == 1
    assert len(hands.seen) == 1


async def test_merged_by_a_person_meanwhile_the_question_is_withdrawn(
    project: Any, hands: Any, hub: Any
) -> None:
    project.use("approvals", merge=True)
    await project.script()
    async with project.team(worker=hands) as team:
        item = await ready(project, hub, team)
        with hub.standin.lock:
            hub.standin.state.merge(1)
        assert (await hub.step(team)).endings == {"completed": 1}
        assert (await team.board.inbox.get(item.id)).state is ItemState.WITHDRAWN


async def test_a_no_is_the_next_attempts_feedback_and_its_commit_is_asked_about_anew(
    project: Any, hands: Any, hub: Any
) -> None:
    project.use("approvals", merge=True)
    await project.script()
    hands.do("Fix", hands.leave({"a.txt": "one\n"}), hands.leave({"a.txt": "two\n"}))
    async with project.team(worker=hands) as team:
        item = await ready(project, hub, team)
        await team.board.answering.answer(item.id, approved=False, text="Two!", by="eve")
        assert (await hub.step(team, after=1)).endings == {"failed": 1}
        assert (await hub.step(team, after=1)).endings == {"parked": 1}
        assert "> Two!" in hands.seen[1].failed.error
        assert hub.shows("a.txt", "neveridle/1-fix") == "two"
        hub.checks(1)
        hub.review(1, "APPROVE")
        assert (await hub.step(team)).endings == {"parked": 1}
        (again,) = await team.board.inbox.find()
        assert again.fingerprint == f"merge:1:{hub.standin.state.pull(1).sha}" != item.fingerprint
        await team.board.answering.answer(again.id, by="eve")
        assert (await hub.step(team, after=1)).endings == {"completed": 1}
    assert hub.asked(MERGE) == 1
