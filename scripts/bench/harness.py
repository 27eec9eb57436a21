"""Rows, and how they are measured.

A row is a context manager that yields a :class:`Pair`: two samplers, each of which does its
work once and returns what it cost, in seconds per operation. Set-up and tear-down stand
around the ``yield`` and are not measured::

    @row("idle tick", floor="bare graph of five no-op nodes", limit=1.3)
    def idle_tick() -> Generator[Pair]:
        with asyncio.Runner() as runner:
            yield Pair(ours=..., floor=...)

The two are measured in turn (A B A B …), so that whatever else the machine does meets both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Literal

Sampler = Callable[[], float]
SCALE = [1.0]
"""The share of the tasks that contests are about: less is quicker, and says less."""
Compare = Literal["ratio", "difference", "ours", "share", "rate"]


class Skipped(Exception):
    """A row cannot be measured here; the message says what it needs."""


@dataclass(frozen=True)
class Pair:
    """What a row compares; each sampler returns seconds per operation.

    Where ``rate`` is compared, they return what there should be much of: tasks per second.
    """

    ours: Sampler
    floor: Sampler


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: what is measured.
        floor: what it is compared with.
        compare: what the limit holds for: ours / floor, ours - floor (seconds), or ours
            alone (seconds, or the share of a core's time that is used); rate is ours / floor
            as well, of what there should be much of.
        limit: the figure to stay within, for a rate to reach; None: it is only shown.
        rounds: how many samples of each are taken.
    """

    name: str
    floor: str
    compare: Compare
    limit: float | None
    rounds: int
    prepare: Callable[[], AbstractContextManager[Pair]]


@dataclass(frozen=True)
class Result:
    """The samples of one row, in seconds per operation; the two lists run in step."""

    row: Row
    ours: list[float]
    floor: list[float]

    @property
    def value(self) -> float:
        """The median, over the rounds, of what the row compares."""
        pairs = zip(self.ours, self.floor, strict=True)
        match self.row.compare:
            case "ratio" | "rate":
                return statistics.median(ours / floor for ours, floor in pairs)
            case "difference":
                return statistics.median(ours - floor for ours, floor in pairs)
            case "ours" | "share":
                return statistics.median(self.ours)

    @property
    def reached(self) -> bool:
        """Whether the figure is within the row's limit, or reaches it."""
        limit = self.row.limit
        if limit is None:
            return True
        return self.value >= limit if self.row.compare == "rate" else self.value <= limit


ROWS: list[Row] = []


def row(
    name: str, *, floor: str, limit: float | None, compare: Compare = "ratio", rounds: int = 15
) -> Callable[[Callable[[], Generator[Pair]]], Callable[[], Generator[Pair]]]:
    """Register a row; see the module for its shape, :class:`Row` for the arguments."""

    def register(prepare: Callable[[], Generator[Pair]]) -> Callable[[], Generator[Pair]]:
        ROWS.append(Row(name, floor, compare, limit, rounds, contextmanager(prepare)))
        return prepare

    return register


def measure(item: Row, rounds: int | None = None) -> Result:
    """Take the samples of a row, after one round that is thrown away."""
    ours: list[float] = []
    floor: list[float] = []
    with item.prepare() as pair:
        pair.ours()
        pair.floor()
        for _ in range(rounds or item.rounds):
            ours.append(pair.ours())
            floor.append(pair.floor())
    return Result(item, ours, floor)


def scaled(count: int) -> int:
    """So many at full scale."""
    return max(8, int(count * SCALE[0]))


def timed(work: Callable[[], object], operations: int = 1) -> Sampler:
    """A sampler of ``work``'s wall time; one call of it does ``operations`` of them."""

    def sample() -> float:
        begin = time.perf_counter()
        work()
        return (time.perf_counter() - begin) / operations

    return sample
