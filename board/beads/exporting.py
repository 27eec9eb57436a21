"""The backlog as Beads writes it: what was read, with what the team did since."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, select

from neveridle.board.beads.issue import BLOCKS, PARENT, Issue, issue_from
from neveridle.board.beads.naming import SOURCE, issue_of, own_id
from neveridle.board.beads.overlay import Record, own_record, retied, stamp, told
from neveridle.board.beads.rule import HOLDING, standing, ties_of
from neveridle.board.beads.tying import NO_EDGE, NO_PARENT
from neveridle.board.lineage import INHERITS, IS_INHERITED
from neveridle.board.rows import decoded, task_from_row
from neveridle.board.schema import attempts, board_clock, mirror, task_edges, task_links, tasks
from neveridle.board.task import Task

GO_ESCAPES = str.maketrans({
    "<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029",
})  # fmt: skip
"""What Beads escapes as well: lines that did not change stay the same to the byte."""


def as_jsonl(records: Iterable[Record]) -> bytes:
    """Records, one on a line."""
    lines = (
        json.dumps(record, ensure_ascii=False, separators=(",", ":")).translate(GO_ESCAPES)
        for record in records
    )
    # Half a surrogate pair, which JSON can hold and UTF-8 cannot, stays an escape.
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")


def export(c: Connection) -> list[Record]:
    """All issues by their ids, our own tasks among them, and then the other records."""
    issues: dict[str, Issue] = {}
    others: dict[str, Record] = {}
    rows = select(mirror.c.ref, mirror.c.data).where(mirror.c.source == SOURCE)
    for ref, data in c.execute(rows):
        record: dict[str, Any] = decoded(data)
        issue = None if ref.startswith("_type:") else issue_from(record)
        if issue is None:
            others[ref] = record
        else:
            issues[issue.id] = issue
    found: dict[str, Task] = {}
    for row in c.execute(select(tasks)).mappings():
        one = task_from_row(row)
        found[issue_of(one.ref) or own_id(one.id, one.created_at)] = one
    ties = _ties(c, {task.id: name for name, task in found.items()}, issues)
    workers = _workers(c)
    now = float(c.execute(select(board_clock.c.now)).scalar_one())
    records: list[Record] = []
    for name in sorted({*issues, *found}):
        issue, task = issues.get(name), found.get(name)
        worker = None if task is None else workers.get((task.id, task.fence))
        if issue is not None:
            record = told(issue, task, standing(issue, issues, now), worker)
        else:
            assert task is not None  # it is in one of the two
            record = own_record(name, task, worker)
        if task is not None and record.get("status") != "tombstone":
            record = retied(record, issue, name, ties[name], found, stamp(task.updated_at))
        records.append(record)
    return records + [others[ref] for ref in sorted(others)]


def _ties(
    c: Connection, names: dict[int, str], issues: dict[str, Issue]
) -> dict[str, set[tuple[str, str]]]:
    """The ties on the board, and those that an import left out, by the issue they begin at."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    edges = select(task_edges.c.task_id, task_edges.c.blocker_id).where(~IS_INHERITED)
    for task, other in c.execute(edges):
        found[names[task]].add((names[other], BLOCKS))
    links = select(task_links.c.task_id, task_links.c.other_id, task_links.c.kind)
    kinds = {NO_EDGE: BLOCKS, NO_PARENT: PARENT}
    for task, other, kind in c.execute(links.where(task_links.c.kind != INHERITS)):
        found[names[task]].add((names[other], kinds.get(str(kind), str(kind))))
    said = ties_of(issues)
    for one in issues.values():
        for tie in one.ties:
            # Ties that block nothing, as what they lead to is pinned or deleted, are not here.
            end = issues.get(tie.other)
            if end is not None and end.status in ("pinned", "tombstone"):
                found[tie.task].add((tie.other, _kind(tie.kind)))
    direct = {(tie.task, tie.other) for one in issues.values() for tie in one.ties
              if _kind(tie.kind) == BLOCKS}  # fmt: skip
    for task, other in said.edges - direct:  # the children that a gate waits for
        found[task].discard((other, BLOCKS))
    return found


def _kind(kind: str) -> str:
    return BLOCKS if kind in HOLDING else kind


def _workers(c: Connection) -> dict[tuple[int, int], str]:
    """Who is at a task, or completed it."""
    query = select(attempts.c.task_id, attempts.c.fence, attempts.c.agent).where(
        attempts.c.state.in_(["active", "completed"])
    )
    return {(task, fence): agent for task, fence, agent in c.execute(query)}
