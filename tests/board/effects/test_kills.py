"""kill -9 around a call, zombies, and races: real processes, and one object in the service."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from neveridle.board import Attempt, Board, EffectState
from neveridle.tools.standin import Fault, StandinServer

both = pytest.mark.parametrize("board_url", ["sqlite", "postgres"], indirect=True)

Over = Callable[..., Awaitable[Attempt]]
Until = Callable[[Callable[[], object]], Awaitable[None]]

WINDOWS = ["before the call", "in the call", "before the result"]
SAFE = ["set", "create", "mark"]


@pytest.fixture
def asked(board_url: str, standin: StandinServer) -> dict[str, Any]:
    """What every process is told."""
    return {"url": board_url, "standin": standin.url}


def made(standin: StandinServer, verb: str) -> int:
    return len(standin.store.states() if verb == "set" else standin.store.objects())


@pytest.mark.parametrize(
    ("board_url", "verb"),
    [*(("sqlite", verb) for verb in (*SAFE, "post")), ("postgres", "mark"), ("postgres", "post")],
    indirect=["board_url"],
)
@pytest.mark.parametrize("window", WINDOWS)
async def test_a_kill_around_the_call_leaves_one_object_in_the_end(
    board: Board, standin: StandinServer, attempt: Attempt, taken_over: Over, until: Until,
    driver: Any, asked: dict[str, Any], window: str, verb: str,
) -> None:  # fmt: skip
    if window == "in the call":
        standin.store.plan(Fault("hold"))
    first = driver.start(**asked, fence=attempt.fence, verb=verb, window=window)
    if window == "in the call":
        await until(lambda: made(standin, verb))
        os.kill(first, signal.SIGKILL)
    assert driver.wait(first)["ended"] == -signal.SIGKILL
    (effect,) = await board.effects.find()
    assert (effect.state, effect.calls) == (EffectState.INTENDED, 1)
    written = made(standin, verb)
    assert written == (window != "before the call")

    later = await taken_over()
    second = driver.do(**asked, fence=later.fence, verb=verb, window="recover")

    assert second["ended"] == 0
    assert second["result"]["target"] == "A-1"
    repeated = await board.events.find(kind="effect.repeated")
    assert made(standin, verb) == 1 + (verb == "post" and written)
    assert len(repeated) == (verb == "post")
    (effect,) = await board.effects.find()
    assert (effect.state, effect.fence) == (EffectState.DONE, later.fence)
    if verb == "mark" and written:
        assert standin.store.requests("create") == 1


@both
async def test_a_zombie_that_wakes_before_its_call_makes_none(
    board: Board, standin: StandinServer, attempt: Attempt, taken_over: Over,
    driver: Any, asked: dict[str, Any],
) -> None:  # fmt: skip
    zombie = driver.start(**asked, fence=attempt.fence, verb="post", window="stop")
    driver.wait(zombie, "stopped")
    later = await taken_over()
    done = driver.do(**asked, fence=later.fence, verb="post", window="recover")
    os.kill(zombie, signal.SIGCONT)

    assert driver.wait(zombie)["error"] == "lease-lost"
    assert len(standin.store.objects()) == standin.store.requests("create") == 1
    (effect,) = await board.effects.find()
    assert effect.result == done["result"]


@pytest.mark.parametrize(
    ("board_url", "verb"),
    [*(("sqlite", verb) for verb in SAFE), ("postgres", "mark")],
    indirect=["board_url"],
)
async def test_a_zombie_that_wakes_in_its_call_makes_nothing_twice(
    board: Board, standin: StandinServer, attempt: Attempt, taken_over: Over, until: Until,
    driver: Any, asked: dict[str, Any], verb: str,
) -> None:  # fmt: skip
    standin.store.plan(Fault("hold"))
    zombie = driver.start(**asked, fence=attempt.fence, verb=verb, window="")
    await until(lambda: made(standin, verb))
    os.kill(zombie, signal.SIGSTOP)
    driver.wait(zombie, "stopped")
    standin.store.let_go()  # the answer waits for whoever reads it
    later = await taken_over()
    done = driver.do(**asked, fence=later.fence, verb=verb, window="recover")
    os.kill(zombie, signal.SIGCONT)

    assert driver.wait(zombie)["error"] == "lease-lost"
    assert made(standin, verb) == 1
    (effect,) = await board.effects.find()
    assert (effect.state, effect.result) == (EffectState.DONE, done["result"])
    assert await board.events.find(kind="effect.duplicated") == []


@both
async def test_processes_that_race_for_one_key_call_once(
    board_url: str, standin: StandinServer, claimed: Callable[[str], Awaitable[Attempt]],
    until: Until, driver: Any, asked: dict[str, Any],
) -> None:  # fmt: skip
    attempt = await claimed(board_url)
    standin.store.plan(Fault("hold"))
    how = {**asked, "fence": attempt.fence, "verb": "post", "window": "", "timeout": 60}
    racers = [driver.start(**how) for _ in range(4)]
    await until(standin.store.objects)
    standin.store.let_go()

    said = [driver.wait(pid) for pid in racers]

    assert [one["ended"] for one in said] == [0] * 4
    assert sorted(one["fresh"] for one in said) == [False, False, False, True]
    assert len({one["result"]["id"] for one in said}) == 1
    assert standin.store.requests() == 1


async def test_a_racer_whose_rival_died_goes_on_when_its_time_is_over(
    board_url: str, standin: StandinServer, claimed: Callable[[str], Awaitable[Attempt]],
    driver: Any, asked: dict[str, Any],
) -> None:  # fmt: skip
    attempt = await claimed(board_url)
    how = {**asked, "fence": attempt.fence, "verb": "mark", "timeout": 1.0}
    dead = driver.do(**how, window="before the result")
    assert dead["ended"] == -signal.SIGKILL

    other = driver.do(**how, window="")

    assert (other["ended"], other["how"]) == (0, "found")
    assert len(standin.store.objects()) == 1
