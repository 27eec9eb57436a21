"""Boards whose log is written by hand, and a count of it by hand."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Connection, text

from neveridle.board import Board
from neveridle.board.metrics import Window

TICK = 0.25
"""All times lie on a grid of quarters of a second, so that sums of them are exact."""
ENDS = {
    "task.completed", "attempt.failed", "attempt.released", "attempt.parked", "attempt.expired",
    "task.blocked", "task.handed_off", "task.cancelled",
}  # fmt: skip
MOST = 999_999_999_999_999


@dataclass
class Said:
    """One event as it is written to the log."""

    at: float
    kind: str
    agent: str | None = None
    run: str | None = None
    task: int | None = None
    fence: int | None = None
    data: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class Log:
    """A whole log, and what is still going on at the moment ``now``.

    Attributes:
        alive: run, agent, start, last heartbeat.
        active: run, agent, task, start.
    """

    events: list[Said]
    now: float
    alive: list[tuple[str, str, float, float]] = field(
        default_factory=list[tuple[str, str, float, float]]
    )
    active: list[tuple[str, str, int, float]] = field(
        default_factory=list[tuple[str, str, int, float]]
    )


async def write(board: Board, log: Log) -> None:
    """Let a board hold this log, and nothing else."""

    def work(c: Connection) -> None:
        for table in ("events", "attempts", "tasks", "runs"):
            c.execute(text(f"DELETE FROM {table}"))  # noqa: S608 (a name of our own)
        if log.events:
            rows = [
                {"at": one.at, "kind": one.kind, "agent": one.agent, "run": one.run,
                 "task": one.task, "fence": one.fence, "data": json.dumps(one.data)}
                for one in log.events
            ]  # fmt: skip
            given = ":data" if c.dialect.name == "sqlite" else "CAST(:data AS json)"
            c.execute(
                text(
                    "INSERT INTO events (at, kind, agent, run, task_id, fence, data)"  # noqa: S608 - ours
                    f" VALUES (:at, :kind, :agent, :run, :task, :fence, {given})"
                ),
                rows,
            )
        for run, agent, since, beat in log.alive:
            c.execute(
                text(
                    "INSERT INTO runs (id, agent, pid, started_at, heartbeat_at)"
                    " VALUES (:run, :agent, 1, :since, :beat)"
                ),
                {"run": run, "agent": agent, "since": since, "beat": beat},
            )
        for number, (run, agent, task, since) in enumerate(log.active):
            values = {"task": task, "fence": number, "run": run, "agent": agent, "at": since}
            c.execute(
                text(
                    "INSERT INTO tasks (id, source, title, skills, services, acceptance, budget,"
                    " created_at, updated_at)"
                    " VALUES (:task, 'backlog', '', '[]', '[]', '[]', '{}', 0, 0)"
                    " ON CONFLICT DO NOTHING"
                ),
                {"task": task},
            )
            c.execute(
                text(
                    "INSERT INTO attempts (task_id, fence, run, agent, number, lease_until,"
                    " started_at) VALUES (:task, :fence, :run, :agent, 1, 0, :at)"
                ),
                values,
            )

    await board.database.write(work)
    await board.clock.script(log.now)


def number(value: object, least: int = 0) -> int | None:
    """A number as the log's reader takes it."""
    return value if type(value) is int and least <= value <= MOST else None


def moment(value: Any) -> float | None:
    """A time, likewise."""
    if type(value) not in (int, float):
        return None
    return float(value) if 1 <= value <= 99_999_999_999 else None


def name(data: dict[str, Any], key: str) -> str:
    """A name, likewise: nothing where anything in the event had to be escaped."""
    value = data.get(key)
    return value[:80] if isinstance(value, str) and "\\" not in json.dumps(data) else ""


def count(log: Log, window: Window, agent: str | None = None) -> dict[str, Any]:
    """Everything again, in the most obvious way."""
    ordered = [one for _, one in sorted(enumerate(log.events), key=lambda e: (e[1].at, e[0]))]
    inside = [one for one in ordered if window.since <= one.at < window.until]
    lives = {run: (who, a, b) for run, who, a, b in log.alive}
    for one in ordered:
        start = moment(one.data.get("started_at"))
        if one.kind in ("run.ended", "run.died") and one.run and start is not None:
            beat: Any = one.data.get("heartbeat_at") if one.kind == "run.died" else None
            end = one.at
            if type(beat) in (int, float):
                end = max(start, min(end, float(beat)))
            # Only those that matter for this window are asked for, so are only they known.
            if one.at >= window.since and (one.at < window.until or start < window.until):
                lives[one.run] = (one.agent or "", start, end)
    spells = [(run, who, task, since, log.now) for run, who, task, since in log.active]
    for one in ordered:
        start = moment(one.data.get("started_at"))
        if one.kind in ENDS and start is not None and start <= one.at:
            spells.append((one.run or "", one.agent or "", one.task or 0, start, one.at))
    alive = busy = 0
    for run, (who, since, until) in lives.items():
        if agent is not None and who != agent:
            continue
        cell = window.since
        while cell < window.until:
            if since <= cell and cell + TICK <= until:
                alive += 1
                busy += any(
                    s[0] == run and s[3] <= cell and cell + TICK <= s[4]
                    and (agent is None or s[1] == agent)
                    for s in spells
                )  # fmt: skip
            cell += TICK

    def mine(one: Said) -> bool:
        return agent is None or (one.agent or "") == agent

    own = [one for one in inside if one.kind == "task.completed" and one.fence is not None]
    times: list[float] = []
    for one in own:
        chain = {one.task}
        for other in inside:
            if (
                other.kind == "task.completed" and other.fence is None
                and one.task is not None and type(other.data.get("through")) is int
                and other.data["through"] == one.task
            ):  # fmt: skip
                chain.add(other.task)
        claims = [
            other.at for other in ordered
            if other.kind == "task.claimed" and other.task is not None and other.task in chain
        ]  # fmt: skip
        began = min(claims) if claims else moment(one.data.get("started_at"))
        if began is not None and mine(one):
            times.append(max(0.0, one.at - began))
    worked = {
        s[2] for s in spells
        if s[2] and s[3] < window.until and s[4] >= window.since and agent in (None, s[1])
    }  # fmt: skip
    levels: dict[str, int] = {}
    for one in inside:
        level = one.data.get("level")
        if one.kind == "task.escalated" and level != "SELF_HEAL" and mine(one):
            known = level if level in ("PEER_ASSIST", "HUMAN_ALERT", "EMERGENCY") else "OTHER"
            levels[str(known)] = levels.get(str(known), 0) + 1
    calls = [one for one in inside if one.kind == "model.call" and mine(one)]
    services = [one for one in inside if one.kind == "service.calls" and agent is None]
    tries = sum(number(one.data.get("tries"), 1) or 1 for one in calls)
    repeats = [number(one.data.get("retries")) for one in calls]
    firsts = [(number(one.data.get("tries"), 1) or 1) - 1 for one in calls]
    retries = sum(
        first if said is None else said for said, first in zip(repeats, firsts, strict=True)
    )
    retries += sum(number(one.data.get("retries")) or 0 for one in services)
    requests = tries + sum(number(one.data.get("calls")) or 0 for one in services)
    completed = sum(map(mine, own))
    given_up = sum(
        one.kind == "task.blocked" and one.fence is not None and mine(one) for one in inside
    )
    hours = alive * TICK / 3600

    def share(top: float, bottom: float) -> float | None:
        return top / bottom if bottom > 0 else None

    def part(wanted: Callable[[Said], bool]) -> tuple[int, int, int, int, float | None, int]:
        found = [one for one in calls if wanted(one)]
        prices = [number(one.data.get("cost")) for one in found]
        known = [price for price in prices if price is not None]
        return (
            len(found),
            sum(number(one.data.get("tries"), 1) or 1 for one in found),
            sum(number(one.data.get("input_tokens")) or 0 for one in found),
            sum(number(one.data.get("output_tokens")) or 0 for one in found),
            None if found and not known else sum(known) / 1_000_000_000,
            len(found) - len(known),
        )

    def apart(key: Callable[[Said], str]) -> dict[str, Any]:
        def one_of(value: str) -> Any:
            return part(lambda one: key(one) == value)

        return {value: one_of(value) for value in set(map(key, calls))}

    def improves(one: Said) -> bool:
        return name(one.data, "rung") == "improvement"

    return {
        "throughput": share(completed, hours),
        "success_rate": share(completed, completed + given_up),
        "mean_time": share(sum(times), len(times)),
        "idle_time": share((alive - busy) * TICK, alive * TICK),
        "retry_rate": share(retries, requests),
        "escalation_rate": share(sum(levels.values()), len(worked)),
        "utilization": share(busy * TICK, alive * TICK),
        "completed": completed,
        "given_up": given_up,
        "worked_on": len(worked),
        "escalations": levels,
        "requests": requests,
        "retries": retries,
        "model_calls": len(calls),
        "alive_seconds": alive * TICK,
        "busy_seconds": busy * TICK,
        "total": part(lambda one: True),
        "idle": part(lambda one: one.task is None),
        "improvement": part(lambda one: one.task is not None and improves(one)),
        "work": part(lambda one: one.task is not None and not improves(one)),
        "by_agent": apart(lambda one: one.agent or ""),
        "by_rung": apart(lambda one: name(one.data, "rung")),
        "by_model": apart(lambda one: name(one.data, "model")),
        "by_purpose": apart(lambda one: name(one.data, "purpose")),
    }


def flat(figures: Any) -> dict[str, Any]:
    """The figures in the shape of ``count``."""
    spend, counts = figures.spend, figures.counts

    def part(one: Any) -> tuple[Any, ...]:
        return (one.calls, one.requests, one.input_tokens, one.output_tokens, one.cost,
                one.unpriced)  # fmt: skip

    assert figures.dashboard.tasks == counts.completed + counts.given_up
    assert figures.dashboard.completion_seconds == figures.mean_time.value
    assert figures.dashboard.success_rate == figures.success_rate.value
    assert figures.dashboard.cost == spend.total.cost
    return {
        **{key: one.value for key, one in figures.metrics.items()},
        "utilization": figures.dashboard.utilization,
        **{key: getattr(counts, key) for key in (
            "completed", "given_up", "worked_on", "escalations", "requests", "retries",
            "model_calls", "alive_seconds", "busy_seconds")},
        **{key: part(getattr(spend, key)) for key in ("total", "idle", "improvement", "work")},
        **{key: {k: part(v) for k, v in getattr(spend, key).items()}
           for key in ("by_agent", "by_rung", "by_model", "by_purpose")},
    }  # fmt: skip


@pytest.fixture
def said() -> type[Said]:
    """Makes an event."""
    return Said


@pytest.fixture
def log_of() -> type[Log]:
    """Makes a log."""
    return Log


@pytest.fixture
def written() -> Callable[[Board, Log], Awaitable[None]]:
    """Writes a log to a board."""
    return write


@pytest.fixture
def by_hand() -> Callable[..., dict[str, Any]]:
    """Counts a log in plain Python."""
    return count


@pytest.fixture
def flattened() -> Callable[[Any], dict[str, Any]]:
    """Figures in the shape of that count."""
    return flat


@pytest.fixture
def boards(sqlite_url: str, postgres_url: str) -> Sequence[Board]:
    """One board of each database, not open yet."""
    return Board(sqlite_url), Board(postgres_url)
