"""What ``neveridle status`` shows besides the board's numbers, on SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

BUDGET = (
    "scope", "window", "ends_at", "tokens", "nanos", "calls", "held_tokens", "held_nanos",
    "closed_at", "cap_tokens", "cap_nanos",
)  # fmt: skip


def glance(c: sqlite3.Connection, sql: Mapping[str, str], kinds: Sequence[str]) -> dict[str, Any]:
    """Read it, inside a transaction.

    Args:
        c: the connection.
        sql: the statements of ``glance.sql`` and ``hot.sql``.
        kinds: the kinds of events that are shown.
    """

    def rows(name: str, *names: str, **values: Any) -> list[dict[str, Any]]:
        return [dict(zip(names, row, strict=True)) for row in c.execute(sql[name], values)]

    found = rows("last_events", "id", "at", "kind", "agent", "task", "data", "title", "source",
                 kinds=json.dumps(list(kinds)))  # fmt: skip
    stopped = rows("stopped", "agent", "at", "data")
    said = [(one, json.loads(one.pop("data"))) for one in stopped]
    return {
        "controls": rows("controls", "agent", "mode", "reason", "by", "since"),
        "doing": rows("doing", "agent", "task", "title", "rung", "phase", "since", "number"),
        "living": {row[0]: row[1] for row in c.execute(sql["living"])},
        "stopped": [
            {**one, **{key: data.get(key) for key in ("code", "message", "remedy")}}
            for one, data in said
        ],
        "services": rows("services", "name", "state", "reason", "failures", "opened_at",
                         "retry_at", "tasks"),
        "budgets": rows("budgets", *BUDGET),
        "inbox_counts": rows("inbox_counts", "kind", "level", "count"),
        "inbox": rows("inbox_newest", "id", "kind", "level", "title", "action", "agent", "task",
                      "created_at", "count"),
        "events": [{**one, "data": json.loads(one["data"])} for one in found],
    }  # fmt: skip
