"""Retry and breaker around one service's calls."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from neveridle.board import Board
from neveridle.board.breaker import BreakerPolicy, BreakerState
from neveridle.errors import (
    AccessRefused,
    CredentialsRejected,
    LeaseLost,
    NeveridleError,
    RateLimited,
    RequestRefused,
    ServiceError,
    ServiceUnavailable,
    ServiceUnreached,
)
from neveridle.tools.resilience import Guard, RetryPolicy
from neveridle.tools.resilience.testing import ScriptedTime

START = 1_000_000.0
Guards = Callable[..., Guard]


def broken(**more: Any) -> ServiceError:
    return ServiceError("it answered 500", service="linear", **more)


async def state(board: Board) -> BreakerState:
    return (await board.breakers.get("linear")).state


async def test_a_good_call_is_made_once(guard: Guard, service: Any, time: ScriptedTime) -> None:
    assert await guard.call(service, repeatable=False) == "fine"
    assert (len(service.asked), time.waited) == (1, [])


async def test_what_may_be_repeated_is_with_growing_waits(
    guard: Guard, service: Any, time: ScriptedTime
) -> None:
    service.answers = [broken(), broken(), broken()]
    assert await guard.call(service, repeatable=True) == "fine"
    assert time.waited == [1.5, 3.0, 6.0]
    assert service.asked == [START, START + 1.5, START + 4.5, START + 10.5]


async def test_attempts_are_bounded_and_the_last_error_is_told(
    make_guard: Guards, service: Any
) -> None:
    guard = make_guard(retry=RetryPolicy(attempts=3), breaker=BreakerPolicy(threshold=100))
    service.answers = [broken(), broken(), ServiceError("the last"), broken()]
    with pytest.raises(ServiceError, match="the last"):
        await guard.call(service, repeatable=True)
    assert len(service.asked) == 3


async def test_one_attempt_means_one(make_guard: Guards, service: Any) -> None:
    service.answers = [broken()]
    with pytest.raises(ServiceError):
        await make_guard(retry=RetryPolicy(attempts=1)).call(service, repeatable=True)
    assert len(service.asked) == 1


async def test_a_write_that_may_have_arrived_is_not_repeated(guard: Guard, service: Any) -> None:
    service.answers = [broken()]
    with pytest.raises(ServiceError):
        await guard.call(service, repeatable=False)
    service.answers = [ServiceUnreached("away", service="linear"), broken()]
    with pytest.raises(ServiceError, match="500"):
        await guard.call(service, repeatable=False)
    assert len(service.asked) == 3


async def test_a_limit_is_waited_for_and_passed_as_the_probe(
    guard: Guard, service: Any, time: ScriptedTime, board: Board
) -> None:
    service.answers = [RateLimited("slowly", service="linear", wait=40.0, health=False)]
    assert await guard.call(service, repeatable=False) == "fine"
    assert (time.waited, service.asked) == ([40.5], [START, START + 40.5])
    kinds = [one.kind for one in await board.events.find()]
    assert kinds == ["service.opened", "service.probed", "service.closed"]


@pytest.mark.parametrize("wait", [119.0, 121.0, 5000.0])
async def test_a_limit_that_does_not_fit_is_told_at_once(
    guard: Guard, service: Any, time: ScriptedTime, board: Board, wait: float
) -> None:
    service.answers = [RateLimited("slowly", service="linear", wait=wait, health=False)]
    call = guard.call(service, repeatable=True)
    if wait < 120:
        assert await call == "fine"
        return
    with pytest.raises(RateLimited):
        await call
    assert (time.waited, await time.now()) == ([], START)
    assert (await board.breakers.get("linear")).retry_at == START + wait


async def test_a_limit_without_a_time_closes_the_door_for_the_policys(
    make_guard: Guards, service: Any, board: Board
) -> None:
    service.answers = [RateLimited("slowly", service="linear", health=False)]
    guard = make_guard(retry=RetryPolicy(attempts=1), breaker=BreakerPolicy(reset=70.0))
    with pytest.raises(RateLimited):
        await guard.call(service, repeatable=True)
    assert (await board.breakers.get("linear")).retry_at == START + 70


async def test_the_total_counts_all_requests_and_waits(
    make_guard: Guards, service: Any, time: ScriptedTime
) -> None:
    async def slow() -> str:
        await time.sleep(7.0)
        raise broken()

    service.answers = [slow] * 5
    with pytest.raises(ServiceError):
        await make_guard(retry=RetryPolicy(total=20.0)).call(service, repeatable=True)
    # 1.5 after the first, 7, 3, 7: the next wait of 6 would end at 24.5.
    assert time.waited == [7.0, 1.5, 7.0, 3.0, 7.0]


async def test_an_open_breaker_is_not_retried_and_says_why_it_opened(
    make_guard: Guards, service: Any
) -> None:
    guard = make_guard(breaker=BreakerPolicy(threshold=2))
    service.answers = [broken(), broken()]
    with pytest.raises(ServiceUnavailable, match="500") as error:
        await guard.call(service, repeatable=True)
    assert isinstance(error.value.__cause__, ServiceError)
    with pytest.raises(ServiceUnavailable):
        await guard.call(service, repeatable=True)
    assert len(service.asked) == 2


async def test_rejected_credentials_hold_it(make_guard: Guards, service: Any, board: Board) -> None:
    rejections = (
        AccessRefused("bad token", rejected=True),
        CredentialsRejected("bad key", service="linear"),
    )
    for number, error in enumerate(rejections):
        guard = make_guard(credentials=f"fingerprint-{number}")
        service.answers = [error]
        with pytest.raises(type(error)):
            await guard.call(service, repeatable=True)
        assert await state(board) is BreakerState.HELD
        with pytest.raises(ServiceUnavailable, match="held"):
            await guard.call(service, repeatable=True)
    assert len(service.asked) == 2


@pytest.mark.parametrize(
    ("error", "then"),
    [
        (RequestRefused("no", status=404), BreakerState.CLOSED),
        (AccessRefused("not this"), BreakerState.CLOSED),
        (ServiceError("busy", service="linear", health=False), BreakerState.CLOSED),
        (broken(), BreakerState.OPEN),
        (broken(wait=9.0), BreakerState.OPEN),
        (LeaseLost("gone"), BreakerState.OPEN),
        (ServiceUnavailable("github is away", service="github"), BreakerState.OPEN),
        (KeyError("a bug"), BreakerState.OPEN),
        (asyncio.CancelledError(), BreakerState.OPEN),
    ],
    ids=str,
)
async def test_what_a_probe_says_of_the_service(
    make_guard: Guards,
    service: Any,
    board: Board,
    time: ScriptedTime,
    error: BaseException,
    then: BreakerState,
) -> None:
    guard = make_guard(retry=RetryPolicy(attempts=1), breaker=BreakerPolicy(threshold=1))
    service.answers = [broken()]
    with pytest.raises(ServiceError):
        await guard.call(service, repeatable=False)
    await time.advance(30)
    service.answers = [error]
    with pytest.raises((NeveridleError, asyncio.CancelledError)):
        await guard.call(service, repeatable=False)
    assert await state(board) is then


async def test_a_bug_of_ours_is_not_the_services(guard: Guard, service: Any, board: Board) -> None:
    service.answers = [KeyError("id")]
    with pytest.raises(NeveridleError, match="unexpected") as error:
        await guard.call(service, repeatable=True)
    assert isinstance(error.value.__cause__, KeyError)
    assert await board.breakers.all() == []


async def test_a_cancelled_probe_leaves_the_way_to_the_next(
    make_guard: Guards, service: Any, board: Board, time: ScriptedTime
) -> None:
    guard = make_guard(breaker=BreakerPolicy(threshold=1))
    service.answers = [broken()]
    with pytest.raises(ServiceError):
        await guard.call(service, repeatable=False)
    await time.advance(30)
    reached = asyncio.Event()

    async def hang() -> None:
        reached.set()
        await asyncio.Event().wait()

    service.answers = [hang]
    probe = asyncio.ensure_future(guard.call(service, repeatable=False))
    await reached.wait()
    second = asyncio.ensure_future(guard.call(service, repeatable=False))
    await asyncio.sleep(0.1)
    assert not second.done()
    probe.cancel()
    assert await second == "fine"
    assert await state(board) is BreakerState.CLOSED
    assert probe.cancelled()


async def test_a_call_may_be_given_a_limit(guard: Guard, service: Any, time: ScriptedTime) -> None:
    async def slow() -> str:
        await time.sleep(100.0)
        return "late"

    async def quick() -> str:
        await time.sleep(9.0)
        return "in time"

    service.answers = [slow, quick]
    assert await guard.call(service, repeatable=True, timeout=10.0) == "in time"
    assert service.asked == [START, START + 11.5]
    service.answers = [slow]
    with pytest.raises(ServiceError, match="did not answer within 10 s"):
        await guard.call(service, repeatable=False, timeout=10.0)


async def test_another_classification_is_asked_of_what_is_not_ours(
    make_guard: Guards, service: Any
) -> None:
    def classify(error: Exception, name: str) -> NeveridleError:
        return ServiceUnreached(f"{name}: {error}", service=name)

    service.answers = [ValueError("refused"), RequestRefused("no", status=422)]
    with pytest.raises(RequestRefused):
        await make_guard(classify=classify).call(service, repeatable=False)
    assert len(service.asked) == 2


async def test_waiting_for_a_probe_is_part_of_the_total(
    make_guard: Guards, service: Any, board: Board, time: ScriptedTime
) -> None:
    policy = BreakerPolicy(threshold=1, probe=500.0)
    service.answers = [broken()]
    with pytest.raises(ServiceError):
        await make_guard(breaker=policy).call(service, repeatable=False)
    await time.advance(30)
    assert (await board.breakers.admit("linear", policy)).probe
    guard = make_guard(breaker=policy, retry=RetryPolicy(total=40.0))
    waiting = asyncio.ensure_future(guard.call(service, repeatable=True))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    await time.advance(40)
    with pytest.raises(ServiceUnavailable):
        await waiting


def test_a_good_call_imports_no_tenacity() -> None:
    code = "import sys, neveridle.tools.resilience; assert 'tenacity' not in sys.modules"
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
