"""The janitor removes what nobody goes on with, and nothing else."""

from __future__ import annotations

from typing import Any

from neveridle.board import NewTask, Source, TaskState
from neveridle.board.handoff import HandoffDocument


async def begin(team: Any, title: str) -> Any:
    """An attempt with a clone and a thread, whose process then died."""
    claim = await team.board.attempts.claim(
        agent="sam", run=await team.run_of("sam"), skills=[], source=Source.BACKLOG, lease=60
    )
    assert claim is not None
    attempt = claim.attempt
    await team.workspaces.create(f"{attempt.task_id}-{attempt.fence}", branch=f"neveridle/{title}")
    return attempt


async def expire(team: Any) -> None:
    await team.board.clock.advance(1000)
    assert len(await team.board.sweep()) == 1


async def test_who_died_while_clearing_up_after_a_handoff_leaves_no_earlier_clone(
    project: Any, hands: Any
) -> None:
    """The task is not over, but nobody goes on with any of its attempts."""
    project.soul("leo")
    await project.script()
    async with project.team(worker=hands) as team:
        await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="Half"))
        for _ in range(2):
            await begin(team, "half")
            await expire(team)
        last = await begin(team, "half")
        assert project.clones == ["1-1", "1-2", "1-3"]
        await team.janitor.sweep()
        assert project.clones == ["1-1", "1-2", "1-3"]  # the third is at work, from the others
        document = HandoffDocument(summary="Half.", action="Go on")
        await team.board.handoffs.give(last, to="leo", document=document, verified=False)

        await team.janitor.sweep()

        assert (await team.board.tasks.get(1)).state is TaskState.WAITING
        assert project.clones == []


async def test_what_may_be_gone_on_with_stays(project: Any, hands: Any) -> None:
    await project.script()
    async with project.team(worker=hands) as team:
        await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="Half"))
        await begin(team, "half")
        await expire(team)
        await team.janitor.sweep()
        assert project.clones == ["1-1"]


async def test_the_end_of_a_chain_clears_what_was_left_at_its_beginning(
    project: Any, hands: Any
) -> None:
    """A person handed over a task whose attempt had been broken off."""
    project.soul("leo")
    await project.script()
    async with project.team(worker=hands) as team:
        await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="Half"))
        await begin(team, "half")
        await expire(team)
        document = HandoffDocument(summary="Half.", action="Go on")
        await team.board.handoffs.give_by_hand(1, to="leo", sender="human", document=document)
        await team.janitor.sweep()
        assert project.clones == ["1-1"]
        assert (await team.run(until="idle")).endings == {"completed": 1}
        assert (await team.board.tasks.get(1)).state is TaskState.COMPLETED
        assert project.clones == []


async def test_a_clone_of_a_claim_that_the_board_forgot_goes_with_its_task(
    project: Any, hands: Any
) -> None:
    """Claims do not wait for the disk: a power cut can undo one that was worked on already."""
    await project.script()
    async with project.team(worker=hands) as team:
        await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="Half"))
        await team.workspaces.create("1-1", branch="neveridle/half")
        await team.janitor.sweep()
        assert project.clones == ["1-1"]  # whoever claims it next makes it anew
        await team.board.tasks.cancel(1)
        await team.janitor.sweep()
        assert project.clones == []
