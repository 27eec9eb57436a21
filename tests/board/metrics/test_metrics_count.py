"""Random logs: what the databases answer is what a count by hand gives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from neveridle.board import Board
from neveridle.board.metrics import Window

START = 1_000_000.0
TICKS = 120

times = st.integers(0, TICKS).map(lambda ticks: START + ticks * 0.25)
agents = st.sampled_from(["sam", "leo", "sam", "leo", None])
runs = st.sampled_from(["r1", "r2", "r3", None])
tasks = st.sampled_from([1, 2, 3, 4, None])
odd = st.sampled_from(
    [None, True, -1, 0, 1, 5, 2.5, 1e300, 10**15, 10**15 - 1, 10**30, "7", [], {"a": 1}, ""]
)
words = st.sampled_from(
    ["improvement", "backlog", "", "gpt-5", "ein Modell", 'a"b', "日本", "\ud83d", "\x00", "\\u0000",
     "\U0001f600", "%s :x {y}", "x" * 200, "y" * 80 + "z", 7, None, "a\x1fb"]
)  # fmt: skip
KINDS = (
    "task.completed", "task.completed", "attempt.failed", "attempt.released", "attempt.parked",
    "attempt.expired", "task.blocked", "task.handed_off", "task.cancelled", "run.ended",
    "run.died", "task.claimed", "task.claimed", "task.escalated", "model.call", "model.call",
    "service.calls", "tool.call",
)  # fmt: skip


def maybe(usual: st.SearchStrategy[Any], unusual: st.SearchStrategy[Any]) -> Any:
    """Mostly what is usual; now and then what is not."""
    return st.integers(0, 5).flatmap(lambda n: unusual if n == 0 else usual)


counts = maybe(st.integers(0, 2_000), odd)
data = st.fixed_dictionaries(
    {},
    optional={
        "started_at": maybe(times, odd),
        "heartbeat_at": maybe(times, odd),
        "through": maybe(st.integers(1, 4), odd),
        "level": maybe(
            st.sampled_from(["PEER_ASSIST", "HUMAN_ALERT", "EMERGENCY", "SELF_HEAL"]), words
        ),
        "cost": counts,
        "tries": maybe(st.integers(1, 4), odd),
        "calls": counts,
        "retries": counts,
        "input_tokens": counts,
        "output_tokens": counts,
        "rung": maybe(st.sampled_from(["improvement", "backlog", ""]), words),
        "purpose": maybe(st.sampled_from(["work", "learn"]), words),
        "model": maybe(st.sampled_from(["gpt-5", "sonnet"]), words),
        "error": words,
    },
)
windows = (
    st.tuples(st.integers(-4, TICKS), st.integers(1, TICKS + 8))
    .map(lambda two: Window(START + two[0] * 0.25, START + (two[0] + two[1]) * 0.25))
)  # fmt: skip
asked = st.lists(
    st.tuples(windows, st.sampled_from([None, None, "sam", "leo", "nobody"])),
    min_size=1, max_size=2,
)  # fmt: skip


logs = st.fixed_dictionaries(
    {
        "events": st.lists(
            st.tuples(times, st.sampled_from(KINDS), agents, runs, tasks,
                      st.sampled_from([1, 2, None]), data),
            max_size=40,
        ),
        "alive": st.lists(
            st.tuples(st.sampled_from(["r1", "r4", "r5"]), st.sampled_from(["sam", "leo"]), times,
                      times),
            max_size=3, unique_by=lambda one: one[0],
        ),
        "active": st.lists(
            st.tuples(st.sampled_from(["r1", "r4", "r5"]), st.sampled_from(["sam", "leo"]),
                      st.integers(1, 5), times),
            max_size=3,
        ),
    }
)  # fmt: skip


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
        for window, agent in questions:
            found = await board.metrics.of(window, agent=agent)
            assert flattened(found) == by_hand(log, window, agent), (board.url, window)
        for one in found.agents:
            assert one == await board.metrics.of(window, agent=one.agent)
        width = max(window.seconds / 3, 0.5)
        pieces = window.buckets(width)
        series = await board.metrics.series(window, width=width, agent=agent)
        assert [one.window for one in series] == pieces
        for piece, one in zip(pieces, series, strict=True):
            assert one == await board.metrics.of(piece, agent=agent)

    with asyncio.Runner() as runner:
        for board in boards:
            runner.run(board.open())
        try:

            @settings(max_examples=50)
            @given(given_log=logs, questions=asked)
            def ask(given_log: Any, questions: list[tuple[Window, str | None]]) -> None:
                events = [said(*one) for one in given_log["events"]]
                now = START + TICKS * 0.25
                log = log_of(events, now, given_log["alive"], given_log["active"])
                for board in boards:
                    runner.run(compare(board, log, questions))

            ask()
        finally:
            for board in boards:
                runner.run(board.close())
