"""Which layer a row is in: it changes as time goes on and tasks are done."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

DAY = 86_400.0


class Layers:
    """The tasks of rows by slot, and each agent's last ones.

    Args:
        days: after so many a row is long-term.
        tasks: rows of so many last tasks of their agent are short-term.
    """

    def __init__(self, days: float, tasks: int) -> None:
        self._days, self._tasks = days, tasks
        self._task: NDArray[np.int64] = np.full(16, -1, np.int64)
        self._newest: dict[str, dict[int, int]] = {}  # agent → task → its newest row

    def put(self, slot: int, row: int, agent: str, task: int | None) -> None:
        """Say which task a row is of."""
        if slot >= len(self._task):
            grown = np.full(max(slot + 1, 2 * len(self._task)), -1, np.int64)
            grown[: len(self._task)] = self._task
            self._task = grown
        self._task[slot] = -1 if task is None else task
        if task is not None:
            mine = self._newest.setdefault(agent, {})
            mine[task] = max(row, mine.get(task, 0))

    def last(self, agent: str) -> frozenset[int]:
        """An agent's last tasks."""
        mine = self._newest.get(agent, {})
        return frozenset(sorted(mine, key=lambda task: -mine[task])[: self._tasks])

    def of(self, *, working: bool, at: float, agent: str, task: int | None, now: float) -> str:
        """The layer of one row."""
        if working:
            return "working"
        if at < now - self._days * DAY:
            return "long"
        return "short" if task is None or task in self.last(agent) else "long"

    def mask(
        self, columns: Any, wanted: Collection[str], now: float, names: dict[str, int], working: int
    ) -> NDArray[np.bool_] | None:
        """Which slots are in one of these layers; None: all are.

        Args:
            columns: the corpus's, with ``at``, ``agent`` and ``kind``.
            wanted: names of layers; those that no row is in are ignored.
            now: seconds since 1970.
            names: the numbers of agents.
            working: the number of the kind of rows of working memory; -2: there are none.
        """
        layers = {"working", "short", "long"} & set(wanted)
        if layers == {"working", "short", "long"}:
            return None
        is_working = columns["kind"] == working
        if layers == {"short", "long"}:
            return None if working < 0 else ~is_working
        recent = columns["at"] >= now - self._days * DAY
        if "short" in layers or "long" in layers:
            task = self._task[: len(recent)]
            of_late = task < 0
            for agent, number in names.items():
                last = self.last(agent)
                if last:
                    of_late |= (columns["agent"] == number) & np.isin(task, list(last))
            recent &= of_late
        found = np.zeros(len(recent), np.bool_)
        if "working" in layers:
            found |= is_working
        if "short" in layers:
            found |= recent & ~is_working
        if "long" in layers:
            found |= ~recent & ~is_working
        return found
