"""What people say of agents: pauses and drains, of one or of everybody."""

from __future__ import annotations

from neveridle.board import Board
from neveridle.board.control import DRAINING, EVERYBODY, PAUSED
from neveridle.board.controls import Controls


async def said(controls: Controls) -> list[tuple[str, str, str]]:
    return [(one.agent, one.mode, one.reason) for one in await controls.all()]


async def test_the_newest_word_of_each_kind_counts(board: Board) -> None:
    before = await board.version()
    await board.controls.set("sam", PAUSED, reason="lunch", by="a person")
    await board.clock.advance(60)
    await board.controls.set("sam", PAUSED, reason="a long lunch")
    await board.controls.set("sam", DRAINING)

    drained, paused = await board.controls.all()
    assert (drained.mode, paused.mode, paused.reason) == (DRAINING, PAUSED, "a long lunch")
    assert paused.since == await board.clock.now()
    assert await board.version() == before + 3
    kinds = [event.kind for event in await board.events.find()]
    assert kinds == ["agent.paused", "agent.paused", "agent.draining"]


async def test_a_reason_is_kept_as_far_as_there_is_room(board: Board) -> None:
    await board.controls.set("sam", PAUSED, reason="\0" + "x" * 10_000)
    (paused,) = await board.controls.all()
    (event,) = await board.events.find(kind="agent.paused")
    assert (len(paused.reason), event.data["reason"]) == (500, paused.reason)


async def test_everybody_is_resumed_at_once(board: Board) -> None:
    await board.controls.set(EVERYBODY, PAUSED)
    await board.controls.set("sam", DRAINING)

    assert await board.controls.clear(EVERYBODY)
    assert await board.controls.all() == []
    assert not await board.controls.clear(EVERYBODY)


async def test_one_is_resumed_while_the_others_stay_paused(board: Board) -> None:
    await board.controls.set(EVERYBODY, PAUSED, reason="all")
    await board.controls.set("leo", PAUSED, reason="his own")
    version = await board.version()

    assert await board.controls.resume(["sam"], among=["leo", "max", "sam"]) == ["sam"]
    assert await said(board.controls) == [("leo", PAUSED, "his own"), ("max", PAUSED, "all")]
    assert await board.version() == version + 1
    assert await board.controls.resume(["sam"], among=["leo", "max", "sam"]) == []
    assert await board.version() == version + 1


async def test_a_drain_is_forgotten_once_nobody_is_left_to_whom_it_was_said(board: Board) -> None:
    old = await board.runs.start("sam", role="backend", skills=[])
    mine = await board.runs.start("sam", role="backend", skills=[])
    await board.clock.advance(1)
    await board.controls.set("sam", DRAINING)
    await board.controls.set(EVERYBODY, DRAINING)
    await board.controls.set("leo", DRAINING)
    await board.controls.set("sam", PAUSED)
    await board.clock.advance(1)
    await board.runs.start("leo", role="frontend", skills=[])  # later: not concerned

    await board.controls.settle(mine=[mine])
    assert await said(board.controls) == [
        (EVERYBODY, DRAINING, ""), ("sam", DRAINING, ""), ("sam", PAUSED, ""),
    ]  # fmt: skip
    await board.runs.end([old])
    await board.controls.settle(mine=[mine])
    assert await said(board.controls) == [("sam", PAUSED, "")]
