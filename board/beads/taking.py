"""Taking over a file of issues, inside a transaction: what changed in it changes here.

What was read last is kept in the mirror. A file is compared with that, not with the board:
what did not change outside is left to the team, and its work is never undone.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from neveridle.board.beads.issue import Issue, issue_from
from neveridle.board.beads.naming import SOURCE, own_task, ref_of
from neveridle.board.beads.reading import Reading
from neveridle.board.beads.report import Imported
from neveridle.board.beads.rule import Kind, Standing, Ties, blocked, standing, ties_of
from neveridle.board.beads.snapshot import (
    Known,
    Snapshot,
    load,
    save_counts,
    save_states,
    save_ties,
)
from neveridle.board.beads.states import Held, landing, values_of
from neveridle.board.beads.telling import MAY_CHANGE_NOTHING, description
from neveridle.board.beads.tying import tie_up
from neveridle.board.rows import decoded
from neveridle.board.schema import board_clock, events, mirror, tasks
from neveridle.board.sql import NOW, log, wake
from neveridle.board.task import Source


@dataclass(slots=True)
class Both:
    """What was read last, and what there is now, read last or not read again included."""

    was: dict[str, Issue]
    now: dict[str, Issue]
    others: dict[str, dict[str, Any]]


def take_over(c: Connection, reading: Reading, agents: frozenset[str]) -> Imported:
    """Make the board agree with what changed in a file; see ``Beads.take``."""
    both = _compare(c, reading)
    report = Imported(read=len(reading.issues), repeated=sorted(set(reading.repeated)))
    report.tombstones = sum(one.status == "tombstone" for one in reading.issues.values())
    report.missing = len(both.was.keys() - reading.issues.keys())
    ties = ties_of(both.now)
    report.loose = ties.loose
    changed = {key for key, one in reading.issues.items() if _differs(both.was.get(key), one)}
    fresh = {key for key, one in reading.others.items() if both.others.get(key) != one}
    if not changed and not fresh:
        return report
    report.changed = True
    board = load(c)
    before = copy.deepcopy(board)
    ids = _ids(board, both)
    first_seen = {key: both.now[key] for key in ids if own_task(key) and key not in both.was}
    was = {**both.was, **first_seen}
    now = float(c.execute(select(board_clock.c.now)).scalar_one())
    stood = {key: standing(one, was, now) for key, one in was.items()}
    stands = {key: standing(one, both.now, now) for key, one in both.now.items()}
    for key in first_seen:
        if stands[key].kind is Kind.DONE:
            stood[key] = Standing(Kind.OPEN)
    new = _insert(c, both, stood, stands, ids, agents, board, report)
    _retell(c, both, changed, ids, agents, board, report)
    moved = _move(c, board, ids, both, stood, stands, agents, report)
    held = tie_up(c, board, ids, ties_of(was), ties, new, report)
    save_ties(c, before, board)
    held.hold(c, board, ids, blocked(both.now, ties), {*new, *moved}, stands)
    save_counts(c, board)
    _store(c, both, reading, changed, fresh)
    if board.runnable() - before.runnable():
        wake(c)
    log(c, "beads.imported", report.as_dict())
    return report
