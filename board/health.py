"""What can be checked of the board."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from neveridle.board.address import shown
from neveridle.board.inspection import Reader, reading
from neveridle.board.revision import HEAD
from neveridle.board.sizes import look_at_sizes
from neveridle.errors import BoardUnusable, NeveridleError
from neveridle.health import Check, Finding, Grade, in_thread, problem

if TYPE_CHECKING:
    from neveridle.settings import Settings

SLOW = {"sqlite": 0.05, "postgresql": 0.2}
"""Seconds for one question, from which on every tick will be felt to be slow."""
SKEW = 5.0
"""Seconds by which the host's clock may differ from the database's."""
RUNS = """
SELECT agent, heartbeat_at, (SELECT now FROM board_clock) FROM runs WHERE ended_at IS NULL
"""
HELD = """
SELECT task_id, agent, lease_until, (SELECT now FROM board_clock) FROM attempts
WHERE state = 'active' AND lease_until < (SELECT now FROM board_clock) ORDER BY lease_until
"""
BLOCKED = "SELECT id, blocked_owner FROM tasks WHERE state = 'blocked' ORDER BY id"
STUCK = """
SELECT DISTINCT t.id
FROM tasks AS b JOIN task_edges AS e ON e.blocker_id = b.id JOIN tasks AS t ON t.id = e.task_id
WHERE b.state IN ('failed', 'cancelled') AND t.state = 'pending' AND t.open_blockers > 0
ORDER BY t.id
"""
OUTAGES = "SELECT began_at, silent, agents FROM outages WHERE ended_at IS NULL"
CLOCK = {
    "sqlite": "SELECT (julianday('now') - 2440587.5) * 86400.0, scripted FROM clock",
    "postgresql": "SELECT extract(epoch FROM clock_timestamp())::float8, scripted FROM clock",
}


async def look_at_board(settings: Settings) -> Sequence[Finding]:
    """Whether it can be reached, who works on it, and what on it waits for a person."""
    return await in_thread(lambda: _look(settings))


def _look(settings: Settings) -> Sequence[Finding]:
    where = shown(settings.board_url)
    try:
        with reading(settings.board_url) as reader:
            revision = _revision(reader)
            if revision is None:
                msg = f"{where} is a database, but not a board yet."
                remedy = "`neveridle run` makes it one, if it is empty."
                return [Finding(about="board", grade=Grade.WARNING, message=msg, remedy=remedy)]
            found = [_reached(reader, where, revision)]
            if found[0].grade is not Grade.PROBLEM:
                found += [_agents(reader, settings.leases.lease), _clock(reader)]
                found += [*_outages(reader, revision), *_tasks(reader)]
            return found
    except BoardUnusable as error:
        if error.message.startswith("There is no board"):
            return [Finding(about="board", message=f"{error.message} `neveridle run` makes one.")]
        return [problem("board", error)]


def _revision(reader: Reader) -> str | None:
    schema = {
        "sqlite": "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'",
        "postgresql": "SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL",
    }
    if not reader.rows(schema[reader.kind]):
        return None
    rows = reader.rows("SELECT version_num FROM alembic_version")
    return str(rows[0][0]) if rows else None


def _reached(reader: Reader, where: str, revision: str) -> Finding:
    times: list[float] = []
    for _ in range(5):
        start = time.perf_counter()
        reader.rows("SELECT version FROM wakeups")
        times.append(time.perf_counter() - start)
    latency = sorted(times)[2]
    facts = {"url": where, "revision": revision, "latency_ms": round(latency * 1000, 3)}
    said = f"{where} answers in {latency * 1000:.1f} ms; its schema is of revision {revision}"
    if revision != HEAD:
        older = revision.isdigit() and int(revision) < int(HEAD)
        return Finding(
            about="board", facts=facts,
            grade=Grade.WARNING if older else Grade.PROBLEM,
            message=f"{said}, and this version's is {HEAD}.",
            remedy="The next `neveridle run` brings it up to date; stop older versions first."
            if older
            else "A newer neveridle made it: upgrade this one.",
        )  # fmt: skip
    if latency > SLOW[reader.kind]:
        remedy = "Put it on a faster disk, or nearer to the agents: each tick asks it."
        return Finding(
            about="board", grade=Grade.WARNING, message=f"{said}.", remedy=remedy, facts=facts
        )
    return Finding(about="board", message=f"{said}.", facts=facts)


def _agents(reader: Reader, lease: float) -> Finding:
    runs = [(str(agent), float(now) - float(at)) for agent, at, now in reader.rows(RUNS)]
    alive = sorted({agent for agent, ago in runs if ago <= lease})
    silent = sorted({agent for agent, ago in runs if ago > lease} - set(alive))
    late = [int(row[0]) for row in reader.rows(HELD)]
    facts = {"alive": alive, "silent": silent, "overdue": late}
    said = f"{', '.join(alive)} at work" if alive else "Nobody is at work"
    if not late:
        return Finding(about="team", message=f"{said}.", facts=facts)
    tasks = _numbers(late)
    if alive:
        msg = f"{said}; the lease of {tasks} is over, and was not taken back yet."
        remedy = "It should be within a heartbeat; if this stays, look at the team's log."
    else:
        msg = f"{said}, but {tasks} is held by a run that is gone."
        remedy = "The next `neveridle run` takes it up where it stood."
    return Finding(about="team", grade=Grade.WARNING, message=msg, remedy=remedy, facts=facts)


def _clock(reader: Reader) -> Finding:
    before = time.time()
    database, scripted = reader.rows(CLOCK[reader.kind])[0]
    skew = (before + time.time()) / 2 - float(database)
    facts = {"skew_seconds": round(skew, 3), "scripted": scripted}
    if scripted is not None:
        msg = f"The board's time is scripted, and stands at {float(scripted):.0f}."
        remedy = "No lease ends and no wait is over until it is advanced: meant for tests."
        return Finding(about="clock", grade=Grade.WARNING, message=msg, remedy=remedy, facts=facts)
    if abs(skew) > SKEW:
        way = "ahead of" if skew > 0 else "behind"
        msg = f"This host's clock is {abs(skew):.0f} s {way} the database's."
        remedy = "The team goes by the database's, so nothing breaks; set the host's by NTP."
        return Finding(about="clock", grade=Grade.WARNING, message=msg, remedy=remedy, facts=facts)
    return Finding(about="clock", message="Host and database agree on the time.", facts=facts)


def _outages(reader: Reader, revision: str) -> list[Finding]:
    rows = reader.rows(OUTAGES) if int(revision) >= 2 else []
    found: list[Finding] = []
    for _, silent, agents in rows:
        msg = f"An outage is under way: most of {agents} agents fell silent at once ({silent})."
        remedy = "Look at their hosts, and at the network to the database."
        found.append(Finding(about="outage", grade=Grade.PROBLEM, message=msg, remedy=remedy))
    return found


def _tasks(reader: Reader) -> list[Finding]:
    blocked = [(int(task), str(owner)) for task, owner in reader.rows(BLOCKED)]
    ours = [task for task, owner in blocked if owner == "human"]
    stuck = [int(row[0]) for row in reader.rows(STUCK)]
    facts: dict[str, Any] = {"blocked": [task for task, _ in blocked], "stuck": stuck}
    found: list[Finding] = []
    if ours:
        msg = f"{_numbers(ours)} waits for a person."
        remedy = "`neveridle status` says for what."
        found.append(
            Finding(about="tasks", grade=Grade.WARNING, message=msg, remedy=remedy, facts=facts)
        )
    if stuck:
        msg = f"{_numbers(stuck)} waits for something that was cancelled or failed."
        remedy = "`neveridle tasks retry` what it waits for, or cancel it: `neveridle status`."
        found.append(
            Finding(about="tasks", grade=Grade.WARNING, message=msg, remedy=remedy, facts=facts)
        )
    return found or [Finding(about="tasks", message="Nothing waits for a person.", facts=facts)]


def _numbers(tasks: list[int]) -> str:
    """Tasks by their numbers, the first five of them."""
    if len(tasks) == 1:
        return f"Task #{tasks[0]}"
    more = f" and {len(tasks) - 5} more" if len(tasks) > 5 else ""
    return f"Each of tasks {', '.join(f'#{task}' for task in tasks[:5])}{more}"


async def look_at_board_sizes(settings: Settings) -> Sequence[Finding]:
    """How much lies on it."""

    def look() -> Sequence[Finding]:
        try:
            with reading(settings.board_url) as reader:
                return look_at_sizes(reader, settings) if _revision(reader) else []
        except NeveridleError:  # the other check says so
            return []

    return await in_thread(look)


CHECKS = (
    Check("board", look_at_board, seconds=15),
    Check("board's size", look_at_board_sizes, seconds=15),
)
