"""Taking over a file of issues, inside a transaction: what changed in it changes here.

What was read last is kept in the mirror. A file is compared with that, not with the board:
what did not change outside is left to the team, and its work is never undone.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from neveridle.board.beads.issue import Issue, issue_from
from neveridle.board.beads.naming import SOURCE, own_id, own_task, ref_of
from neveridle.board.beads.reading import Reading
from neveridle.board.beads.report import Imported
from neveridle.board.beads.rule import CIRCLE, Kind, Standing, blocked, standing, ties_of
from neveridle.board.beads.snapshot import (
    Snapshot,
    load,
    save_counts,
    save_states,
    save_ties,
)
from neveridle.board.beads.states import in_a_circle, lands, values_at, values_of
from neveridle.board.beads.storing import add_tasks, retell
from neveridle.board.beads.tying import Refused, tie_up
from neveridle.board.lineage import CHUNK
from neveridle.board.lookup import find_task
from neveridle.board.mirroring import has_verified_work
from neveridle.board.rows import decoded
from neveridle.board.schema import board_clock, mirror
from neveridle.board.sql import log, wake
from neveridle.board.task import OPEN_STATES

Records = dict[str, dict[str, Any]]


class Taking:
    """One import: what was, what is, and the board in between."""

    def __init__(self, c: Connection, reading: Reading, agents: frozenset[str]) -> None:
        self.c = c
        self.reading = reading
        self.agents = agents
        self.was: dict[str, Issue] = {}
        self.others: Records = {}
        for ref, data in c.execute(
            select(mirror.c.ref, mirror.c.data).where(mirror.c.source == SOURCE)
        ):
            record: dict[str, Any] = decoded(data)
            issue = None if ref.startswith("_type:") else issue_from(record)
            if issue is None:
                self.others[ref] = record
            else:
                self.was[issue.id] = issue
        self.issues = {**self.was, **reading.issues}
        self.changed = [
            key for key, one in reading.issues.items()
            if key not in self.was or self.was[key].record != one.record
        ]  # fmt: skip
        self.fresh = [k for k, one in reading.others.items() if self.others.get(k) != one]
        self.ties = ties_of(self.issues)
        self.report = Imported(
            read=len(reading.issues),
            repeated=sorted(set(reading.repeated)),
            tombstones=sum(one.status == "tombstone" for one in reading.issues.values()),
            missing=len(self.was.keys() - reading.issues.keys()),
            loose=self.ties.loose,
        )

    def run(self) -> Imported:
        """Do it; nothing at all is written where the file says nothing new."""
        board = load(self.c)
        if self.changed or self.fresh:
            self._take(board)
        self.report.ready = len(board.runnable())
        if self.report.changed:
            log(self.c, "beads.imported", self.report.as_dict())
        return self.report

    def _take(self, board: Snapshot) -> None:
        self.report.changed = True
        before = copy.deepcopy(board)
        self.now = float(self.c.execute(select(board_clock.c.now)).scalar_one())
        self.ids = _ids(board, self.issues)
        self._compare()
        new = self._add(board)
        moved = self._move(board)
        self.report.updated = retell(self.c, self.was, self.issues, self.changed, self.ids,
                                     board, self.agents)  # fmt: skip
        refused = tie_up(board, self.ids, ties_of(self.was), self.ties, new, self.report)
        save_ties(self.c, before, board)
        self._hold(board, refused, {self.ids[key] for key in new} | moved)
        save_counts(self.c, board)
        self._store()
        if board.runnable() - before.runnable():
            wake(self.c)

    def _compare(self) -> None:
        """Where all issues stood, and stand.

        Of a task of our own that comes back for the first time it is only believed that it
        was closed: the file may be older than what the team has done since.
        """
        first = {k: one for k, one in self.issues.items() if k in self.ids and k not in self.was}
        self.was = {**self.was, **first}
        self.stood = {k: standing(one, self.was, self.now) for k, one in self.was.items()}
        self.stands = {k: standing(one, self.issues, self.now) for k, one in self.issues.items()}
        for key in first:
            done = self.stands[key].kind is Kind.DONE
            self.stood[key] = Standing(Kind.OPEN) if done else self.stands[key]

    def _add(self, board: Snapshot) -> set[str]:
        """Put issues on the board that are not there; those that aged out only if reopened."""
        new: list[Issue] = []
        for key, issue in self.issues.items():
            kind = self.stands[key].kind
            if key in self.ids or kind is Kind.GONE:
                continue
            stood = self.stood[key].kind if key in self.was else Kind.GONE
            if stood is Kind.GONE or (stood is Kind.DONE and kind is not Kind.DONE):
                new.append(issue)
        new.sort(key=lambda one: (one.created_at or self.now, one.id))
        rows = [(one, values_at(self.stands[one.id], one, self.now)) for one in new]
        self.ids |= add_tasks(self.c, rows, board, self.agents, self.now)
        self.report.new = len(new)
        return {one.id for one in new}

    def _move(self, board: Snapshot) -> set[int]:
        """Let tasks follow where their issues went; which did."""
        moved: dict[int, dict[str, Any]] = {}
        for key, number in self.ids.items():
            stands, stood = self.stands[key], self.stood.get(key)
            if stood is None or stands == stood:
                continue
            task, issue = board.tasks[number], self.issues[key]
            if not lands(task, stood, issue, stands, self.agents):
                continue
            if task.fence and stands.kind in (Kind.DONE, Kind.GONE) and self._delivers(number):
                continue
            self._count(stands, task.state)
            moved[number] = {"key": number, **values_at(stands, issue, self.now)}
            _stand(board, number, moved[number])
        save_states(self.c, moved.values())
        return set(moved)

    def _delivers(self, task: int) -> bool:
        """Whether verified work goes on that may be what closed the issue; see ``Syncs``."""
        found = find_task(self.c, task)
        return found.state in OPEN_STATES and has_verified_work(self.c, found)

    def _count(self, stands: Standing, state: str) -> None:
        if stands.kind is Kind.DONE:
            self.report.completed += 1
        elif stands.kind is Kind.GONE:
            self.report.cancelled += 1
        elif state in ("completed", "cancelled"):
            self.report.reopened += 1
        else:
            self.report.held += 1

    def _hold(self, board: Snapshot, refused: Refused, touched: set[int]) -> None:
        """Keep from work what Beads would not offer, but no dependency holds up any more."""
        names = {number: key for key, number in self.ids.items()}
        held_up = {self.ids[key] for key in blocked(self.issues, self.ties) if key in self.ids}
        ways: dict[int, list[int]] = {}
        for task in sorted(refused.ways):
            for one in board.families([task]) & held_up:
                ways.setdefault(one, refused.ways[task])
        changes: list[dict[str, Any]] = []
        for number, way in ways.items():
            is_new = number in touched or number not in refused.before
            if board.tasks[number].state == "pending" and is_new:
                shown = " → ".join(names.get(one, f"#{one}") for one in way)
                changes.append({"key": number, **in_a_circle(shown)})
        for number, known in board.tasks.items():
            if known.state == "blocked" and known.waiting_on == CIRCLE and number not in ways:
                changes.append({"key": number, **values_of("pending")})
        for values in changes:
            _stand(board, values["key"], values)
        save_states(self.c, changes)
        for way in refused.ways.values():
            self.report.circles.append([names.get(one, f"#{one}") for one in way])
        self.report.circles.sort()

    def _store(self) -> None:
        """Remember what was read."""
        records: Records = {key: self.reading.issues[key].record for key in self.changed}
        records |= {key: self.reading.others[key] for key in self.fresh}
        keys = sorted(records)
        for start in range(0, len(keys), CHUNK):
            some = keys[start : start + CHUNK]
            self.c.execute(delete(mirror).where(mirror.c.source == SOURCE, mirror.c.ref.in_(some)))
        rows = [
            {"source": SOURCE, "ref": key, "data": records[key], "synced_at": self.now}
            for key in keys
        ]
        if rows:
            self.c.execute(insert(mirror), rows)


def _stand(board: Snapshot, number: int, values: Mapping[str, Any]) -> None:
    board.tasks[number].state = values["new_state"]
    board.tasks[number].waiting_on = values["new_waiting_on"]


def _ids(board: Snapshot, issues: Mapping[str, Issue]) -> dict[str, int]:
    """The tasks that issues have on the board."""
    by_ref = {one.ref: number for number, one in board.tasks.items() if one.ref is not None}
    found: dict[str, int] = {}
    for key in issues:
        number = own_task(key)
        task = None if number is None else board.tasks.get(number)
        if task is not None and own_id(task.id, task.created_at) == key:
            found[key] = task.id
        elif ref_of(key) in by_ref:
            found[key] = by_ref[ref_of(key)]
    return found
