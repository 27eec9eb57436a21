"""More than half of at least five agents silent at once: our outage, not their deaths."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from neveridle.board import Board, NewTask, Source, TaskState
from neveridle.board.outage import Census, Outage, SweepRule, Verdict, judge

LEASE, HOLD, BEAT = 60.0, 600.0, 20.0
RULE = SweepRule(lease=LEASE, hold=HOLD)


class Fleet:
    """Agents of one team, each with a run of its own and a task in its hands."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.runs: dict[str, str] = {}

    async def start(self, *names: str, works: bool = True) -> None:
        """Let agents begin, and take a task each."""
        for name in names:
            self.runs[name] = await self.board.runs.start(name, role="backend", skills=[])
            if works:
                new = NewTask(source=Source.DISPATCH, title=f"for {name}", assignee=name)
                await self.board.tasks.add(new)
                await self.claim(name)

    async def claim(self, name: str) -> Any:
        """Let an agent take its task; None: it cannot."""
        return await self.board.attempts.claim(
            agent=name, run=self.runs[name], skills=[], source=Source.DISPATCH, lease=LEASE
        )

    async def beat(self, alive: Sequence[str]) -> None:
        """One heartbeat of those who live."""
        await self.board.attempts.renew([self.runs[name] for name in alive], lease=LEASE)

    async def pass_(self, seconds: float, *, alive: Sequence[str]) -> list[int]:
        """Let time pass with heartbeats and sweeps; the tasks that were taken back."""
        back: list[int] = []
        for _ in range(round(seconds / BEAT)):
            await self.board.clock.advance(BEAT)
            await self.beat(alive)
            back += [task for task, _ in await self.sweep()]
        return back

    async def sweep(self, **how: Any) -> list[tuple[int, int]]:
        """One sweep."""
        return await self.board.sweep(lease=LEASE, outage_hold=HOLD, **how)

    async def log(self) -> list[tuple[str, dict[str, Any]]]:
        """What was said of outages."""
        found = await self.board.events.find()
        return [(one.kind, one.data) for one in found if one.kind.startswith("outage.")]


@pytest.fixture
async def fleet(board: Board) -> Fleet:
    return Fleet(board)


FIVE = ("ann", "bob", "cem", "dan", "eva")


async def test_an_outage_is_said_once_and_nothing_is_taken_over(fleet: Fleet) -> None:
    await fleet.start(*FIVE)
    assert await fleet.pass_(200, alive=["ann", "bob"]) == []
    ((kind, data),) = await fleet.log()
    assert (kind, data) == (
        "outage.began",
        {"silent": ["cem", "dan", "eva"], "agents": 5, "hold": HOLD},
    )
    (said,) = await fleet.board.messages.latest("dev")
    assert said.author == "team"
    assert "3 of 5 agents fell silent at once (cem, dan, eva)" in said.content
    assert "`neveridle recover`" in said.content
    shown = (await fleet.board.status())["outage"]
    assert shown == {
        "began_at": 1e6 + 60,
        "held_until": 1e6 + 660,
        "silent": ["cem", "dan", "eva"],
        "agents": 5,
    }
    counts = await fleet.board.tasks.counts()
    assert counts[TaskState.IN_PROGRESS] == 5
    # Who rests is told when something will come of it, not that it is overdue.
    assert await fleet.board.next_due() == 1e6 + 660


async def test_it_ends_by_itself_when_they_are_back(fleet: Fleet) -> None:
    await fleet.start(*FIVE)
    await fleet.pass_(120, alive=["ann", "bob"])
    assert await fleet.pass_(20, alive=["ann", "bob", "cem"]) == [4, 5]  # the others are dead
    assert [kind for kind, _ in await fleet.log()] == ["outage.began", "outage.ended"]
    assert (await fleet.log())[1][1] == {"how": "back", "seconds": 80.0}
    assert (await fleet.board.status())["outage"] is None
    said = await fleet.board.messages.latest("dev")
    assert said[-1].content == "The outage is over after 80 seconds: enough agents are back."


async def test_it_is_not_believed_in_for_ever(fleet: Fleet) -> None:
    await fleet.start(*FIVE)
    assert await fleet.pass_(60 + HOLD - BEAT, alive=["ann"]) == []
    assert await fleet.pass_(BEAT, alive=["ann"]) == [2, 3, 4, 5]
    assert [data.get("how") for _, data in await fleet.log()] == [None, "held long enough"]
    # It does not begin again for the same silence.
    assert await fleet.claim("ann") is None
    assert await fleet.pass_(HOLD, alive=["ann"]) == []
    assert len(await fleet.log()) == 2


async def test_a_person_can_end_it(fleet: Fleet) -> None:
    await fleet.start(*FIVE)
    await fleet.pass_(100, alive=["ann"])
    back = await fleet.board.recover(lease=LEASE, outage_hold=HOLD)
    assert sorted(task for task, _ in back) == [2, 3, 4, 5]
    assert (await fleet.log())[-1] == ("outage.ended", {"how": "by hand", "seconds": 40.0})
    # What ann holds is not overdue, and is left to her.
    assert (await fleet.board.tasks.get(1)).state is TaskState.IN_PROGRESS
    # They stay silent, which a person has accepted: who dies now is simply dead.
    await fleet.start("fay")
    assert await fleet.pass_(100, alive=["ann"]) == [6]
    assert len(await fleet.log()) == 2


async def test_a_person_can_say_so_before_it_is_noticed(fleet: Fleet) -> None:
    await fleet.start(*FIVE)
    await fleet.board.clock.advance(70)
    await fleet.beat(["ann"])
    back = await fleet.board.recover(lease=LEASE, outage_hold=HOLD)
    assert sorted(task for task, _ in back) == [2, 3, 4, 5]
    assert await fleet.log() == []
    assert await fleet.board.recover(lease=LEASE, outage_hold=HOLD) == []


@pytest.mark.parametrize(
    ("names", "alive", "taken"),
    [
        pytest.param(FIVE[:4], [], [1, 2, 3, 4], id="four agents"),
        pytest.param((*FIVE, "fay"), ["ann", "bob", "cem"], [4, 5, 6], id="exactly half"),
        pytest.param(FIVE, ["ann", "bob", "cem"], [4, 5], id="fewer than half"),
    ],
)
async def test_it_takes_more_than_half_of_five(
    fleet: Fleet, names: Sequence[str], alive: Sequence[str], taken: list[int]
) -> None:
    await fleet.start(*names)
    assert await fleet.pass_(80, alive=alive) == taken
    assert await fleet.log() == []


async def test_a_team_that_was_killed_and_started_again_is_no_outage(fleet: Fleet) -> None:
    names = (*FIVE, "fay")
    await fleet.start(*names)
    died = await fleet.board.clock.now()
    await fleet.board.clock.advance(5)
    await fleet.start(*names, works=False)  # new runs; the old ones never ended
    back = await fleet.pass_(LEASE, alive=names)
    assert sorted(back) == [1, 2, 3, 4, 5, 6]
    assert await fleet.board.clock.now() - died <= LEASE + BEAT
    assert await fleet.log() == []


async def test_who_ended_or_died_long_ago_does_not_count(fleet: Fleet) -> None:
    await fleet.start("ann", "bob", "cem", "dan", works=False)
    await fleet.board.runs.end([fleet.runs["cem"], fleet.runs["dan"]])
    await fleet.start("old", "older", "oldest", works=False)
    alive = ["ann", "bob"]
    await fleet.pass_(2 * LEASE + HOLD, alive=alive)  # three died, and were never ended
    await fleet.start("eva", "fay")
    assert await fleet.pass_(100, alive=alive) == [1, 2]
    assert await fleet.log() == []


async def test_waits_end_during_an_outage(fleet: Fleet) -> None:
    await fleet.start(*FIVE)
    won = await fleet.board.attempts.get(1, 1)
    assert won is not None
    await fleet.board.attempts.park(won, on="retry", until=1e6 + 100)
    await fleet.pass_(120, alive=["bob"])
    assert (await fleet.board.tasks.get(1)).state is TaskState.PENDING
    assert len(await fleet.log()) == 1


async def test_two_who_sweep_at_once_say_it_once(board_url: str, fleet: Fleet) -> None:
    await fleet.start(*FIVE)
    await fleet.board.clock.advance(70)
    await fleet.beat(["ann"])
    async with Board(board_url) as other:
        both = (fleet.board, other, fleet.board, other)
        assert (
            await asyncio.gather(*(one.sweep(lease=LEASE, outage_hold=HOLD) for one in both))
            == [[]] * 4
        )
        assert len(await fleet.log()) == 1
        await fleet.board.clock.advance(HOLD)
        await fleet.beat(["ann"])
        back = await asyncio.gather(*(one.sweep(lease=LEASE, outage_hold=HOLD) for one in both))
    assert sorted(task for one in back for task, _ in one) == [2, 3, 4, 5]
    assert len(await fleet.log()) == 2
    assert len(await fleet.board.messages.latest("dev")) == 2


async def test_a_sweep_that_holds_back_writes_nothing(
    fleet: Fleet, contents: Callable[[], Awaitable[dict[str, list[tuple[Any, ...]]]]]
) -> None:
    await fleet.start(*FIVE)
    await fleet.pass_(100, alive=["ann"])
    before = await contents()
    assert await fleet.sweep() == []
    assert await fleet.sweep(reclaim=False) == []
    assert await contents() == before


async def test_the_rule_can_be_switched_off(fleet: Fleet) -> None:
    await fleet.start(*FIVE)
    await fleet.board.clock.advance(70)
    assert len(await fleet.board.sweep(lease=LEASE, outage_hold=0)) == 5


async def test_who_has_not_watched_for_long_enough_takes_nothing_over(fleet: Fleet) -> None:
    await fleet.start("ann")
    await fleet.board.clock.advance(70)
    assert await fleet.sweep(reclaim=False) == []
    assert await fleet.sweep() == [(1, 1)]


def test_one_who_waits_does_not_end_an_outage() -> None:
    census = Census(now=1000.0, late=True, heard={"ann": 999.0}, outage=Outage(1, 900.0, 950.0))
    assert judge(census, RULE).verdict is Verdict.END
    patient = SweepRule(lease=LEASE, hold=HOLD, reclaim=False)
    assert judge(census, patient).verdict is Verdict.HOLD
