"""A running team clears away what is over and old, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Connection, select

from neveridle.board import AttemptState, NewTask, Source, TaskState
from neveridle.board.aging import DAY
from neveridle.board.schema import syncs


def holders(c: Connection) -> list[str]:
    """What was ever held for itself by a process."""
    return list(c.scalars(select(syncs.c.source)))


async def tidied(team: Any) -> dict[str, int]:
    """What the newest tidying removed."""
    (event,) = await team.board.events.find(kind="board.tidied")
    return dict(event.data)


async def hours(
    team: Any, condition: Callable[[], object], look: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Let hours pass until something has come true; who sleeps may begin to at any moment."""
    while not condition():
        await team.board.clock.advance(600)
        await asyncio.sleep(0.02)
        if look is not None:
            await look()


async def test_an_hour_later_it_is_gone_and_only_then_anything_is_written(
    project: Any, hands: Any, until: Any
) -> None:
    project.use("retention", tasks=1, events=2)
    await project.script()
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Task")
        await team.run(until="idle")
        newest = await team.board.events.newest()
        await team.board.clock.advance(DAY)
        await asyncio.sleep(0.1)
        assert await team.board.events.newest() == newest
        told: list[object] = []

        async def seen() -> None:
            told.extend(await team.board.events.find(kind="board.tidied"))

        await hours(team, lambda: told, seen)
        assert await tidied(team) == {"tasks": 1}
        await team.dispatch("sam", "Another")
        assert (await team.run(until="idle")).endings == {"completed": 1}


async def test_while_nothing_is_old_enough_hours_pass_without_a_write(
    project: Any, hands: Any
) -> None:
    await project.script()
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Task")
        await team.run(until="idle")
        looks = 0
        due: Callable[[Any], Awaitable[bool]] = team.board.retention.due

        async def counted(ages: Any) -> bool:
            nonlocal looks
            looks += 1
            return await due(ages)

        team.board.retention.due = counted
        while looks < 5:
            await team.board.clock.advance(3600)
            await asyncio.sleep(0.02)
        # Whoever begins to tidy says so on the board.
        assert await team.board.database.read(holders) == ["roadmap"]
        assert await team.board.events.find(kind="board.tidied") == []


async def test_a_team_that_is_opened_looks_at_once(project: Any, hands: Any) -> None:
    project.use("retention", tasks=1)
    await project.script()
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Task")
        await team.run(until="idle")
    async with project.board() as board:  # while no team is there that could look by itself
        await board.clock.advance(2 * DAY)
        assert len(await board.tasks.find()) == 1
    async with project.team(worker=hands) as team:
        async with asyncio.timeout(60):  # it is done in the background
            while not await team.board.events.find(kind="board.tidied"):  # noqa: ASYNC110 - on the board
                await asyncio.sleep(0.01)
        assert await tidied(team) == {"tasks": 1}
        assert await team.board.tasks.find() == []


async def test_what_failed_or_is_parked_is_kept_for_a_while(project: Any, hands: Any) -> None:
    from neveridle.errors import OutcomeInvalid

    project.use("retention", checkpoints=5)
    project.use("limits", attempts=1)
    await project.script()
    hands.do("Breaks", hands.fail(OutcomeInvalid("no")))
    hands.do("Waits", hands.leave({"a.txt": "a\n"}, status="blocked", owner="human",
                                  action="decide", summary="half"))  # fmt: skip
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Breaks")
        await team.dispatch("sam", "Waits")
        report = await team.run(until="idle")
        assert report.endings == {"failed": 1, "blocked": 1}
        assert project.clones == ["1-1", "2-1"]
        await team.board.clock.advance(4 * DAY)
        await asyncio.sleep(0.1)
        assert project.clones == ["1-1", "2-1"]
        await team.board.clock.advance(DAY)
        await hours(team, lambda: not project.clones)
        assert (await team.board.tasks.get(2)).state is TaskState.BLOCKED
        # It can be taken up all the same, from the beginning.
        hands.do("Waits", hands.leave({"a.txt": "b\n"}))
        await team.board.tasks.retry(2)
        assert (await team.run(until="idle")).endings == {"completed": 1}
    assert project.shows("a.txt") == "b"


async def test_work_that_passed_its_checks_is_not_thrown_away(project: Any, team: Any) -> None:
    await team.board.clock.script(1_000_000.0)
    task = await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="Verified"))
    claim = await team.board.attempts.claim(
        agent="sam", run="r", skills=[], source=Source.BACKLOG, lease=60
    )
    await team.workspaces.create(f"{task.id}-1", branch="neveridle/1-verified")
    await team.board.attempts.record(claim.attempt, phase="verified")
    await team.board.attempts.park(claim.attempt, on="ci")
    await team.board.clock.advance(400 * DAY)
    assert (await team.janitor.aged(1)).attempts == []
    assert project.clones == ["1-1"]


async def test_branches_of_what_was_given_up_go_and_no_others(project: Any, team: Any) -> None:
    await team.board.clock.script(1_000_000.0)
    for number, title in enumerate(("given-up", "moved-on", "delivered", "open"), start=1):
        await team.board.tasks.add(NewTask(source=Source.BACKLOG, title=title))
        claim = await team.board.attempts.claim(
            agent="sam", run="r", skills=[], source=Source.BACKLOG, lease=60
        )
        name = f"neveridle/{number}-{title}"
        project.git("checkout", "-q", "-b", name, "main")
        commit = project.commit({f"{number}.txt": "x\n"})
        await team.board.attempts.record(
            claim.attempt, branch=name, commit=commit,
            phase="delivered" if title == "delivered" else None,
        )  # fmt: skip
        if title == "moved-on":
            project.commit({"by hand.txt": "x\n"})
        if title != "open":
            await team.board.tasks.cancel(number)
    project.git("checkout", "-q", "main")
    project.git("branch", "neveridle/1-somebody-elses", "main")
    await team.board.clock.advance(10 * DAY)
    assert (await team.janitor.aged(11)).branches == []
    found = await team.janitor.aged(9)
    assert [branch.name for branch in found.branches] == ["neveridle/1-given-up"]
    await team.janitor.remove(found)
    assert "neveridle/1-given-up" not in project.branches
    assert len(project.branches) == 4
    (attempt,) = await team.board.attempts.of(1)
    assert attempt.state is AttemptState.CANCELLED
