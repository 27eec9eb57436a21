"""Breakers of services: what opens them, who may probe, and what everybody is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from neveridle.board import Board, Claim, Task
from neveridle.board.breaker import Breaker, BreakerPolicy, BreakerState, Permit
from neveridle.errors import NotFound, ServiceUnavailable

POLICY = BreakerPolicy(threshold=3, reset=30.0, probe=60.0)
CLOSED, OPEN, HALF_OPEN, HELD = BreakerState
START = 1_000_000.0
Add = Callable[..., Awaitable[Task]]


async def admit(board: Board, credentials: str = "", **more: Any) -> Permit:
    return await board.breakers.admit("linear", POLICY, credentials, **more)


async def fail(board: Board, permit: Permit | None = None, **more: Any) -> None:
    permit = permit or await admit(board)
    await board.breakers.failed(permit, POLICY, "it answered 500", **more)


async def opened(board: Board) -> None:
    for _ in range(POLICY.threshold):
        await fail(board)


async def probing(board: Board) -> Permit:
    """The permit of a probe; the breaker is half-open now."""
    await opened(board)
    await board.clock.advance(POLICY.reset)
    permit = await admit(board)
    assert permit.probe
    return permit


async def state(board: Board) -> BreakerState:
    return (await board.breakers.get("linear")).state


async def kinds(board: Board) -> list[str]:
    events = await board.events.find(limit=100)
    return [one.kind.removeprefix("service.") for one in events if "service." in one.kind]


async def said(board: Board) -> list[str]:
    return [one.content for one in await board.messages.latest("dev")]


async def refused(board: Board, credentials: str = "") -> ServiceUnavailable:
    with pytest.raises(ServiceUnavailable) as error:
        await admit(board, credentials)
    return error.value


async def test_failures_in_a_row_open_it_and_a_success_between_them_does_not(board: Board) -> None:
    for _ in range(2):
        for _ in range(POLICY.threshold - 1):
            await fail(board)
        await board.breakers.succeeded(await admit(board))
    assert (await board.breakers.get("linear")).failures == 0
    assert (await kinds(board), await said(board)) == ([], [])
    await opened(board)
    one = await board.breakers.get("linear")
    assert one == Breaker(
        service="linear", state=OPEN, failures=3, opened_at=START, retry_at=START + 30,
        reason="it answered 500",
    )  # fmt: skip
    assert [one] == await board.breakers.all()
    assert await kinds(board) == ["opened"]
    assert await said(board) == ["linear is not called for 30 s: it answered 500"]


async def test_a_threshold_of_one_opens_at_the_first_failure(board: Board) -> None:
    policy = BreakerPolicy(threshold=1)
    await board.breakers.failed(Permit("slack"), policy, "it is away")
    assert (await board.breakers.get("slack")).state is OPEN
    assert await state(board) is CLOSED


async def test_an_open_breaker_refuses_and_says_for_how_long(board: Board) -> None:
    await opened(board)
    await board.clock.advance(10)
    error = await refused(board)
    assert (error.wait, error.service, error.health) == (20.0, "linear", False)
    assert "it answered 500" in str(error)
    assert await board.breakers.admit("github", POLICY) == Permit("github")


async def test_one_probe_goes_first_and_the_others_go_on_when_it_is_good(board: Board) -> None:
    probe = await probing(board)
    assert await state(board) is HALF_OPEN
    others = [asyncio.ensure_future(admit(board)) for _ in range(20)]
    await asyncio.sleep(0.15)
    assert not any(one.done() for one in others)
    await board.breakers.succeeded(probe)
    assert await asyncio.gather(*others) == [Permit("linear")] * 20
    assert (await state(board), await kinds(board)) == (CLOSED, ["opened", "probed", "closed"])
    assert (await said(board))[1:] == ["linear can be used again: it answers again."]


async def test_the_others_are_refused_when_the_probe_fails(board: Board) -> None:
    probe = await probing(board)
    others = [asyncio.ensure_future(admit(board)) for _ in range(5)]
    await asyncio.sleep(0.1)
    await fail(board, probe)
    answers = await asyncio.gather(*others, return_exceptions=True)
    assert {type(one) for one in answers} == {ServiceUnavailable}
    one = await board.breakers.get("linear")
    assert (one.state, one.retry_at, one.failures) == (OPEN, START + 60, 4)
    assert await kinds(board) == ["opened", "probed", "opened"]
    assert len(await said(board)) == 1  # to those who read it nothing has changed


async def test_who_has_no_time_does_not_wait_for_the_probe(board: Board) -> None:
    await probing(board)
    waiting = asyncio.ensure_future(admit(board, patience=20.0))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await board.clock.advance(20)
    with pytest.raises(ServiceUnavailable) as error:
        await waiting
    assert error.value.wait == 40.0


async def test_a_lost_probe_is_taken_over_and_its_late_word_counts_for_nothing(
    board: Board,
) -> None:
    lost = await probing(board)
    waiting = asyncio.ensure_future(admit(board))
    await asyncio.sleep(0.1)
    await board.clock.advance(POLICY.probe - 1)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await board.clock.advance(1)
    second = await waiting
    assert second.probe not in ("", lost.probe)
    await board.breakers.succeeded(lost)
    await fail(board, lost)
    await board.breakers.abandoned(lost)
    assert await state(board) is HALF_OPEN
    await board.breakers.succeeded(second)
    assert await state(board) is CLOSED


async def test_a_probe_that_is_abandoned_is_made_by_the_next(board: Board) -> None:
    probe = await probing(board)
    waiting = asyncio.ensure_future(admit(board))
    await asyncio.sleep(0.1)
    await board.breakers.abandoned(probe)
    assert (await waiting).probe not in ("", probe.probe)
    await board.breakers.abandoned(Permit("linear"))  # an ordinary call: nothing
    assert await state(board) is HALF_OPEN


async def test_an_admission_that_is_cancelled_keeps_nobody_waiting(board: Board) -> None:
    await opened(board)
    await board.clock.advance(POLICY.reset)
    given = 0
    for pause in range(400):  # until one was really cancelled as the probe
        call = asyncio.ensure_future(admit(board))
        for _ in range(pause):
            await asyncio.sleep(0.0005)
        call.cancel()
        (got,) = await asyncio.gather(call, return_exceptions=True)
        if isinstance(got, Permit):
            given += 1
            await board.breakers.abandoned(got)
        assert await state(board) is OPEN
        if (await kinds(board)).count("probed") > given:
            break
    assert (await kinds(board)).count("probed") > given
    assert (await admit(board)).probe


async def test_calls_from_before_the_opening_change_nothing(board: Board) -> None:
    early = await admit(board)
    await opened(board)
    before = await board.breakers.get("linear")
    await fail(board, early)
    await board.breakers.succeeded(early)
    assert await board.breakers.get("linear") == before
    await board.clock.advance(POLICY.reset)
    probe = await admit(board)
    await fail(board, early)
    await board.breakers.succeeded(early)
    assert await state(board) is HALF_OPEN
    await board.breakers.succeeded(probe)
    await fail(board, early)
    assert (await board.breakers.get("linear")).failures == 1


async def test_a_limit_opens_it_at_once_and_a_longer_one_extends_it(board: Board) -> None:
    early = [await admit(board) for _ in range(4)]
    for permit, wait, until in zip(
        early, (500.0, 100.0, 500.5, 900.0), (500.0, 500.0, 500.5, 900.0), strict=True
    ):
        await fail(board, permit, wait=wait, health=False)
        assert (await board.breakers.get("linear")).retry_at == START + until
    assert await kinds(board) == ["opened", "opened"]  # half a second is no news
    assert await said(board) == ["linear is not called for 500 s: it answered 500"]
    assert (await board.breakers.get("linear")).failures == 0


async def test_a_limit_named_while_a_probe_is_on_its_way_wins(board: Board) -> None:
    early = await admit(board)
    probe = await probing(board)
    await fail(board, early, wait=300.0, health=False)
    assert (await refused(board)).wait == 300.0
    await board.breakers.succeeded(probe)
    assert await state(board) is OPEN


async def test_a_probes_own_wait_wins_over_the_policys(board: Board) -> None:
    await fail(board, await probing(board), wait=5.0)
    assert (await refused(board)).wait == 5.0


@pytest.mark.parametrize(
    ("wait", "seconds"),
    [(-5.0, 0.0), (1e300, 86_400.0), (float("inf"), 30.0), (float("nan"), 30.0)],
)
async def test_an_absurd_wait_does_no_harm(board: Board, wait: float, seconds: float) -> None:
    await fail(board, wait=wait)
    assert (await board.breakers.get("linear")).retry_at == START + seconds


async def test_what_was_answered_is_no_failure(board: Board) -> None:
    await fail(board)
    await fail(board, health=False)
    assert (await board.breakers.get("linear")).failures == 0


async def test_rejected_credentials_hold_it_for_those_who_have_them(board: Board) -> None:
    await board.breakers.hold("linear", "the token was rejected.", "old")
    await board.breakers.hold("linear", "the token was rejected.", "old")
    assert (await board.breakers.get("linear")).retry_at is None
    await board.clock.advance(1_000_000)
    error = await refused(board, "old")
    assert error.wait is None
    assert "neveridle services reset linear" in error.remedy
    await refused(board)
    assert await kinds(board) == ["held"]
    assert [words.startswith("@human linear is held") for words in await said(board)] == [True]
    probe = await admit(board, "new")
    assert probe.probe
    await board.breakers.succeeded(probe)
    assert await admit(board, "new") == Permit("linear")
    assert await admit(board) == Permit("linear")
    await refused(board, "old")  # still rejected, and no second alert of it
    await board.breakers.hold("linear", "the token was rejected.", "old")
    assert (await state(board), await kinds(board)) == (CLOSED, ["held", "probed", "closed"])


async def test_two_bad_credentials_do_not_call_for_people_in_turn(board: Board) -> None:
    for token in ("one", "two"):
        await admit(board, token)
        await board.breakers.hold("linear", "rejected.", token)
    for _ in range(3):
        await refused(board, "one")
        await refused(board, "two")
    assert await kinds(board) == ["held", "probed", "held"]
    await board.breakers.reset("linear")
    assert await admit(board, "one") == Permit("linear")


async def test_having_no_credentials_is_rejected_once_too(board: Board) -> None:
    await board.breakers.hold("linear", "rejected.", "")
    await board.breakers.succeeded(await admit(board, "good"))
    await refused(board)
    assert await admit(board, "good") == Permit("linear")


async def test_a_person_resets_it(board: Board) -> None:
    await opened(board)
    before = await board.breakers.reset("linear")
    assert before.state is OPEN
    assert await board.breakers.get("linear") == Breaker(service="linear")
    assert (await said(board))[-1] == "linear can be used again: a person reset it."
    await fail(board)
    await board.breakers.reset("linear")
    assert (await board.breakers.get("linear")).failures == 0
    assert await kinds(board) == ["opened", "closed"]
    with pytest.raises(NotFound, match="linear"):
        await board.breakers.reset("linaer")
    assert (await board.breakers.reset("slack", frozenset({"slack"}))).state is CLOSED


async def test_the_claim_passes_over_what_cannot_be_served(
    board: Board, add: Add, seek: Callable[..., Awaitable[Claim | None]]
) -> None:
    await add(services=("linear",))

    async def claimable() -> bool:
        claim = await seek()
        if claim is not None:
            await board.attempts.release(claim.attempt)
        return claim is not None

    assert await claimable()
    await opened(board)
    assert (await claimable(), await board.next_due()) == (False, START + 30)
    await board.clock.advance(POLICY.reset)
    assert await claimable()  # whoever has it makes the probe
    probe = await admit(board)
    assert (await claimable(), await board.next_due()) == (False, START + 90)
    before = await board.version()
    await board.breakers.succeeded(probe)
    assert await board.version() > before  # whoever rests is woken
    assert await claimable()
    await board.breakers.hold("linear", "rejected.", "x")
    assert (await claimable(), await board.next_due()) == (False, None)
    await board.breakers.reset("linear")
    assert await claimable()
    await opened(board)
    await board.clock.advance(POLICY.reset)
    probe = await admit(board)
    before = await board.version()
    await board.breakers.abandoned(probe)
    assert await board.version() > before
    assert await claimable()
    assert await board.breakers.waiting() == {"linear": 1}


async def test_a_change_is_announced_once_whoever_fails_beside_it(
    board: Board, board_url: str
) -> None:
    boards = [board, *[Board(board_url) for _ in range(7)]]
    for one in boards[1:]:
        await one.open()
    permits = [await admit(one) for one in boards]
    await asyncio.gather(*(fail(one, permit) for one, permit in zip(boards, permits, strict=True)))
    assert (await kinds(board), len(await said(board))) == (["opened"], 1)
    for one in boards:
        await refused(one)
    await board.clock.advance(POLICY.reset)
    probes = [asyncio.ensure_future(admit(one)) for one in boards]
    done, waiting = await asyncio.wait(probes, return_when=asyncio.FIRST_COMPLETED)
    assert (len(done), len(waiting)) == (1, 7)
    probe = done.pop().result()
    await board.breakers.succeeded(probe)
    assert {one.probe for one in await asyncio.gather(*waiting)} == {""}
    assert await kinds(board) == ["opened", "probed", "closed"]
    for one in boards[1:]:
        await one.close()


async def test_a_thousand_who_wait_look_once(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    probe = await probing(board)
    store, looks = board.database.breakers, 0
    read = store.read

    async def counted() -> Any:
        nonlocal looks
        looks += 1
        return await read()

    monkeypatch.setattr(store, "read", counted)
    waiting = [asyncio.ensure_future(admit(board)) for _ in range(1000)]
    for _ in range(4):
        await asyncio.sleep(0.06)
    await board.breakers.succeeded(probe)
    await asyncio.gather(*waiting)
    assert looks < 200


async def test_a_thousand_who_end_together_write_once(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, written = board.database.breakers, 0
    clear, count = store.clear, store.count

    async def cleared(service: str) -> None:
        nonlocal written
        written += 1
        await clear(service)

    async def counted(service: str, threshold: int) -> bool:
        nonlocal written
        written += 1
        return await count(service, threshold)

    monkeypatch.setattr(store, "clear", cleared)
    monkeypatch.setattr(store, "count", counted)
    permits = [await admit(board) for _ in range(1000)]
    await fail(board)
    await asyncio.gather(*(board.breakers.succeeded(one) for one in permits))
    assert (written, (await board.breakers.get("linear")).failures) == (2, 0)
    await opened(board)
    written = 0
    await asyncio.gather(*(fail(board, one) for one in permits))
    assert written == 0


async def test_what_is_counted_late_finds_the_breaker_open(board: Board) -> None:
    store = board.database.breakers  # as one that looked just before the opening
    await opened(board)
    before = await board.breakers.get("linear")
    assert not await store.count("linear", 100)
    await store.clear("linear")
    assert await board.breakers.get("linear") == before


async def test_nobody_goes_by_a_look_that_began_before(
    board: Board, board_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, gate = board.database.breakers, asyncio.Event()
    read = store.read

    async def slow() -> Any:
        found = await read()
        await gate.wait()
        return found

    monkeypatch.setattr(store, "read", slow)
    early = asyncio.ensure_future(admit(board))
    await asyncio.sleep(0.1)
    async with Board(board_url) as other:
        await fail(other, Permit("linear"), wait=100.0)
    late = asyncio.ensure_future(admit(board))
    await asyncio.sleep(0.05)
    gate.set()
    assert await early == Permit("linear")
    with pytest.raises(ServiceUnavailable):
        await late


async def test_a_closed_board_frees_those_who_wait(board_url: str) -> None:
    async with Board(board_url) as board:
        await board.clock.script(START)
        await probing(board)
        waiting = asyncio.ensure_future(admit(board))
        await asyncio.sleep(0.1)
    with pytest.raises(Exception, match="not open"):
        await waiting
