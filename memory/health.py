"""What can be checked of memory, without opening its index."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from neveridle.board.inspection import Reader, reading
from neveridle.errors import NeveridleError
from neveridle.health import Check, Finding, Grade, in_thread
from neveridle.memory.index.embedded import marker_of

if TYPE_CHECKING:
    from neveridle.settings import Settings

STATES = "SELECT state, count(*) FROM memories GROUP BY state"
REVISION = "SELECT revision, pruned_to FROM memory_revision"
MODELS = """
SELECT coalesce(s.model, ''), count(*) FROM memories AS m
LEFT JOIN memory_signals AS s ON s.memory_id = m.id WHERE m.state = 'live' GROUP BY 1
"""
AGENTS = """
SELECT agent, count(*) FROM memories WHERE state <> 'forgotten' GROUP BY agent
HAVING count(*) > {limit} ORDER BY agent
"""
WAITING = "SELECT count(*) FROM memories WHERE revision > {revision}"
TOLERATED = 1.05
"""The share of its limit up to which an agent's memories are no reason to say something."""
REINDEX = "`neveridle memory reindex` builds it from the board, which has everything."


async def look_at_memory(settings: Settings) -> Sequence[Finding]:
    """How much is remembered, with vectors of which model, and how far the index has come."""
    return await in_thread(lambda: _look(settings))


def _look(settings: Settings) -> Sequence[Finding]:
    if not settings.memory.enabled:
        return [Finding(about="memory", message="Memory is off.")]
    try:
        with reading(settings.board_url) as reader:
            return _read(reader, settings)
    except (NeveridleError, sqlite3.Error):  # the board's own check says what is wrong
        return [Finding(about="memory", message="There are no memories yet.")]


def _read(reader: Reader, settings: Settings) -> list[Finding]:
    states = {str(state): int(count) for state, count in reader.rows(STATES)}
    models = {str(model): int(count) for model, count in reader.rows(MODELS)}
    without = models.pop("", 0)
    ((last, pruned),) = reader.rows(REVISION)
    live = states.get("live", 0)
    facts: dict[str, Any] = {
        "rows": live, "states": states, "models": models, "without_vectors": without,
        "revision": int(last),
    }  # fmt: skip
    found = [_index(reader, settings, int(last), int(pruned), live, facts)]
    if len(models) > 1:
        msg = f"There are vectors of {len(models)} models: {', '.join(sorted(models))}."
        remedy = "Only those of one are compared. `neveridle memory reindex` makes them anew."
        found.append(_warning("memory's vectors", msg, remedy, facts={"models": models}))
    most = int(settings.memory.limit * TOLERATED)
    over = {str(a): int(n) for a, n in reader.rows(AGENTS.format(limit=most))}
    if over:
        said = ", ".join(f"{agent} {count:,}" for agent, count in over.items())
        msg = f"More memories than {settings.memory.limit:,} of one agent: {said}."
        remedy = "A running team lets the least valuable go within the hour; or raise memory.limit."
        found.append(_warning("memory's limit", msg, remedy, facts={"agents": over}))
    return found


def _index(
    reader: Reader, settings: Settings, last: int, pruned: int, live: int, facts: dict[str, Any]
) -> Finding:
    said = f"{live:,} memories"
    if facts["without_vectors"]:
        said += f", {facts['without_vectors']:,} of them without vectors yet"
    if settings.memory.server:
        return Finding(about="memory", message=f"{said}.", facts=facts)
    marker = marker_of(settings.home / "memory")
    try:
        indexed = None if marker is None else int(marker["revision"])
    except (KeyError, TypeError, ValueError):
        indexed = None
    facts["indexed"] = indexed
    if indexed is None:
        return Finding(about="memory", message=f"{said}; there is no index yet.", facts=facts)
    if indexed > last:
        msg = f"The index knows {indexed:,} changes, and the board {last:,}: it is of another one."
        return _warning("memory", msg, REINDEX, facts)
    if indexed and indexed < pruned:
        msg = "The index was away for so long that what was forgotten meanwhile cannot be told."
        return _warning("memory", msg, f"It is built anew when a team next recalls. {REINDEX}",
                        facts)  # fmt: skip
    facts["waiting"] = waiting = int(reader.rows(WAITING.format(revision=indexed))[0][0])
    if waiting:
        said += f", {waiting:,} changes not indexed yet"
    return Finding(about="memory", message=f"{said}.", facts=facts)


def _warning(about: str, message: str, remedy: str, facts: dict[str, Any]) -> Finding:
    return Finding(about=about, grade=Grade.WARNING, message=message, remedy=remedy, facts=facts)


CHECKS = (Check("memory", look_at_memory),)
