"""Random logs: what the databases answer is what a count by hand gives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from neveridle.board import Board
from neveridle.board.metrics import Window

START = 1_000_000.0
TICKS = 120
NOW = START + TICKS * 0.25
ODD: list[Any] = [
    None,
    True,
    -1,
    0,
    1,
    2.5,
    1e300,
    10**15,
    10**15 - 1,
    10**30,
    "7",
    [],
    {"a": 1},
    "",
]
WORDS: list[Any] = [
    "", 'a"b', "日本", "\ud83d", "\x00", "\\u0000", "\U0001f600", "%s :x {y}", "x" * 200,
    "y" * 80 + "z", 7, None, "a\x1fb",
]  # fmt: skip
ENDS = [
    "attempt.failed", "attempt.released", "attempt.parked", "attempt.expired", "task.blocked",
    "task.handed_off", "task.cancelled",
]  # fmt: skip
KINDS = [
    *["task.completed"] * 5, *ENDS, "run.ended", "run.died", *["task.claimed"] * 3,
    *["task.escalated"] * 2, *["model.call"] * 6, *["service.calls"] * 2, "tool.call",
]  # fmt: skip


def some_log(chance: Random, said: Any, log_of: Any) -> Any:
    """A log as full of coincidences as can be: few agents, runs, tasks and moments."""

    def time() -> float:
        return START + chance.randint(0, TICKS) * 0.25

    def mostly(usual: Any, unusual: list[Any]) -> Any:
        return chance.choice(unusual) if chance.random() < 0.1 else usual

    def data() -> dict[str, Any]:
        found: dict[str, Any] = {
            "started_at": mostly(time(), ODD),
            "heartbeat_at": mostly(time(), ODD),
            "through": mostly(chance.randint(1, 6), ODD),
            "level": mostly(
                chance.choice(["PEER_ASSIST", "HUMAN_ALERT", "EMERGENCY", "SELF_HEAL"]), WORDS
            ),
            "cost": mostly(chance.randint(0, 3_000), ODD),
            "tries": mostly(chance.randint(1, 4), ODD),
            "calls": mostly(chance.randint(0, 9), ODD),
            "retries": mostly(chance.randint(0, 3), ODD),
            "input_tokens": mostly(chance.randint(0, 3_000), ODD),
            "output_tokens": mostly(chance.randint(0, 3_000), ODD),
            "rung": mostly(chance.choice(["improvement", "backlog", ""]), WORDS),
            "purpose": mostly(chance.choice(["work", "learn"]), WORDS),
            "model": mostly(chance.choice(["gpt-5", "sonnet"]), WORDS),
            "error": mostly("", WORDS),
        }
        return {key: value for key, value in found.items() if chance.random() < 0.9}

    events = [
        said(
            time(), chance.choice(KINDS), chance.choice(["sam", "leo", "sam", "leo", None]),
            chance.choice(["r1", "r2", "r3", "r1", None]), chance.choice([*range(1, 7), None]),
            chance.choice([1, None]), data(),
        )
        for _ in range(chance.choice([0, 1, 20, 60, 120]))
    ]  # fmt: skip
    over: set[str] = set()
    for one in events:  # a run ends once, and then it is not among those alive
        if one.kind in ("run.ended", "run.died"):
            if one.run in over:
                one.kind = "tool.call"
            over.add(one.run)
    names = chance.sample(["r4", "r5", "r6"], chance.randint(0, 3))
    alive = [(run, chance.choice(["sam", "leo"]), time(), time()) for run in names]
    active = [
        (chance.choice(["r1", "r4", "r5"]), chance.choice(["sam", "leo"]), chance.randint(1, 8),
         time())
        for _ in range(chance.randint(0, 3))
    ]  # fmt: skip
    return log_of(events, NOW, alive, active)


def some_window(chance: Random) -> Window:
    """A part of that time, or a little more than all of it."""
    since = chance.randint(-4, TICKS)
    until = since + chance.choice([1, 8, 40, 60, TICKS + 8])
    return Window(START + since * 0.25, START + until * 0.25)


def test_a_random_log_counts_as_by_hand(
    boards: Sequence[Board],
    said: Any,
    log_of: Any,
    written: Any,
    by_hand: Callable[..., dict[str, Any]],
    flattened: Callable[[Any], dict[str, Any]],
) -> None:
    async def compare(board: Board, log: Any, questions: list[tuple[Window, str | None]]) -> None:
        await written(board, log)
        window, agent = questions[0]
        for window, agent in questions:
            found = await board.metrics.of(window, agent=agent)
            assert flattened(found) == by_hand(log, window, agent), (board.url, window)
            for one in found.agents:
                assert flattened(one) == by_hand(log, window, one.agent), (board.url, window)
        width = max(window.seconds / 3, 0.5)
        series = await board.metrics.series(window, width=width, agent=agent)
        assert [one.window for one in series] == window.buckets(width)
        for one in series:
            assert one == await board.metrics.of(one.window, agent=agent)

    with asyncio.Runner() as runner:
        for board in boards:
            runner.run(board.open())
        try:

            @settings(max_examples=25)
            @given(chance=st.randoms(use_true_random=True))
            def ask(chance: Random) -> None:
                log = some_log(chance, said, log_of)
                agents = [None, chance.choice([None, "sam", "leo", "nobody"])]
                questions = [(some_window(chance), agent) for agent in agents]
                for board in boards:
                    runner.run(compare(board, log, questions))

            ask()
        finally:
            for board in boards:
                runner.run(board.close())
