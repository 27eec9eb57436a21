"""Sharing agents and ticks out among the processes of a fleet."""

from __future__ import annotations

from collections.abc import Sequence


def deal(agents: Sequence[str], processes: int) -> list[list[str]]:
    """Each process's agents, dealt round robin.

    With fewer agents than processes the names begin again: two runs under one name are two
    workers, and the board keeps them apart.

    Args:
        agents: all names, at least one.
        processes: how many processes, at least one.
    """
    if processes <= len(agents):
        return [list(agents[number::processes]) for number in range(processes)]
    return [[agents[number % len(agents)]] for number in range(processes)]


def share(ticks: int | None, processes: int) -> list[int | None]:
    """How many ticks each process may use, so that together they use ``ticks``.

    Args:
        ticks: None: no limit.
        processes: how many processes.
    """
    if ticks is None:
        return [None] * processes
    each, more = divmod(ticks, processes)
    return [each + (number < more) for number in range(processes)]
