"""What stands on the board that a person has to know of, found by looking, not by being told.

Whoever died between a failure and telling of it has told nobody. So nothing here depends on
being told: a look finds what is wrong now, and an alert is over when it is found no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, literal, or_, select

from neveridle.board.effect_rows import CALLS
from neveridle.board.inbox import EACH
from neveridle.board.inbox_item import Item, code_of
from neveridle.board.schema import (
    attempts,
    budgets,
    effects,
    events,
    outages,
    runs,
    services,
    sync_points,
    tasks,
)
from neveridle.board.sql import NOW

COUNTED: Final = 1_000
"""Rows of a kind that are counted at most."""

HELD, DOWN, OUTAGE, BUDGET = "service-held", "service-down", "outage", "budget-reached"
FAILED, BLOCKED, POINT = "task-failed", "task-blocked", "sync-point-failed"
EFFECT, STOPPED, MORE = "effect-stuck", "agent-stopped", "more"
AGENT: Final = "agent"
"""What an agent called people for, by ``escalate``: over once a person says so."""
OF_TASKS: Final = (FAILED, BLOCKED, POINT)
WATCHED: Final = (HELD, DOWN, OUTAGE, BUDGET, EFFECT, *OF_TASKS)
SCOPES: Final = ("day", "team")
"""Whose budgets people are told of; that of a task blocks it, an agent's rests until it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Something that is wrong.

    Attributes:
        code: what kind of thing it is; the middle of its alert's fingerprint.
        about: what it is about.
        error: the code of the error behind it; empty: none is known.
        service: whose breaker is not closed; empty: it is about no service.
    """

    code: str
    about: str
    title: str
    body: str = ""
    error: str = ""
    service: str = ""
    task: int | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def fingerprint(self) -> str:
        """That of its alert."""
        return f"alert:{self.code}:{self.about}"


def find_wrong(c: Connection) -> list[Found]:
    """All that is wrong now: of each kind at most ``EACH``, and then how many there are."""
    found = [*_services(c), *_outages(c), *_budgets(c)]
    for several, how_many in (_tasks(c), _effects(c)):
        found += several
        found += [_all_of(code, number) for code, number in how_many.items() if number > EACH]
    return found


def _services(c: Connection) -> Iterable[Found]:
    for row in c.execute(select(services).where(services.c.state != "closed")).mappings():
        name, reason = str(row["name"]), str(row["reason"])
        if row["state"] == "held":
            do = f"{reason} Repair it, then `neveridle services reset {name}`."
            yield Found(code=HELD, about=name, service=name, error="credentials-rejected", body=do,
                        title=f"{name} is held, and work that needs it waits")  # fmt: skip
        else:
            yield Found(code=DOWN, about=name, service=name, error="service-unavailable",
                        title=f"{name} is down", body=reason)  # fmt: skip


def _outages(c: Connection) -> Iterable[Found]:
    query = select(outages.c.id, outages.c.agents).where(outages.c.ended_at.is_(None)).limit(1)
    for number, agents in c.execute(query):
        body = "What they hold is not taken over until they are back, or it has lasted too long. "
        body += "`neveridle recover` takes it over at once."
        yield Found(code=OUTAGE, about=str(number), error=OUTAGE, body=body,
                    title=f"More than half of {agents} agents fell silent at once")  # fmt: skip


def _budgets(c: Connection) -> Iterable[Found]:
    query = select(budgets.c.scope, budgets.c.ends_at)
    query = query.where(budget_closed(), budgets.c.scope.in_(SCOPES))
    for scope, ends_at in c.execute(query):
        when = "when its window ends" if ends_at is not None else "once it is raised"
        yield Found(code=BUDGET, about=str(scope), error=BUDGET,
                    title=f"The budget {scope} is used up",
                    body=f"Work goes on {when}. `neveridle budget` shows it.",
                    evidence={"until": ends_at})  # fmt: skip


def budget_closed() -> ColumnElement[bool]:
    """Whether a window refuses calls now."""
    ends = or_(budgets.c.ends_at.is_(None), budgets.c.ends_at > NOW)
    return and_(budgets.c.closed_at.is_not(None), ends)


def _tasks(c: Connection) -> tuple[list[Found], dict[str, int]]:
    """Tasks that are blocked until a person has acted."""
    asked = and_(tasks.c.state == "blocked", tasks.c.blocked_owner == "human")
    last = and_(attempts.c.task_id == tasks.c.id, attempts.c.fence == tasks.c.fence)
    query = (
        select(tasks.c.id, tasks.c.title, tasks.c.blocked_action, tasks.c.failures,
               attempts.c.agent, attempts.c.state, attempts.c.error_code, sync_points.c.name)
        .select_from(tasks.outerjoin(attempts, last)
                     .outerjoin(sync_points, and_(sync_points.c.dispatch_id == tasks.c.id,
                                                  sync_points.c.state == "failed")))
        .where(asked).order_by(tasks.c.id).limit(COUNTED)
    )  # fmt: skip
    found: list[Found] = []
    how_many: dict[str, int] = dict.fromkeys(OF_TASKS, 0)
    for number, title, action, failures, agent, ended, error, point in c.execute(query):
        if point is not None and ended is None:
            code, said = POINT, f"Sync point '{point}' failed: task {number} waits for a decision"
        elif ended == "failed":
            code, said = FAILED, f"Task {number} failed {failures} times: {title}"
        else:
            code, said = BLOCKED, f"Task {number} is blocked: {title}"
        how_many[code] += 1
        if how_many[code] <= EACH:
            found.append(
                Found(code=code, about=str(number), task=number, title=said, body=str(action),
                      error=str(error or ""), evidence={"agent": agent} if agent else {})
            )  # fmt: skip
    return found, how_many


def _effects(c: Connection) -> tuple[list[Found], dict[str, int]]:
    """Writes of which nobody can say whether they were done, but for those that block a task."""
    query = (
        select(effects.c.id, effects.c.service, effects.c.verb, effects.c.target)
        .select_from(effects.outerjoin(tasks, tasks.c.id == effects.c.task_id))
        .where(effects.c.state == "intended", effects.c.calls >= CALLS,
               or_(tasks.c.state.is_(None), tasks.c.state != "blocked"))
        .order_by(effects.c.id).limit(COUNTED)
    )  # fmt: skip
    rows = c.execute(query).all()
    found = [
        Found(code=EFFECT, about=str(number), error="effect-stuck",
              title=f"Whether {service} did '{verb}' on {target} is not known",
              body="Find out, and settle it: `neveridle effects` shows how.")
        for number, service, verb, target in rows[:EACH]
    ]  # fmt: skip
    return found, {EFFECT: len(rows)}


def _all_of(code: str, number: int) -> Found:
    more = "or more " if number >= COUNTED else ""
    return Found(code=code, about="*", title=f"{number} {more}alerts of the kind {code}",
                 body="Only some of them are listed one by one.")  # fmt: skip


def over(c: Connection, items: Iterable[Item], wrong: Iterable[Found]) -> list[Item]:
    """Those of the open items that nobody has to act on any more.

    Args:
        c: the connection.
        items: open items.
        wrong: what is wrong now.
    """
    known = {one.fingerprint for one in wrong}
    listed = list(items)
    now = float(c.execute(select(NOW)).scalar_one())
    ids = {one.task for one in listed if one.task is not None}
    states = dict(c.execute(select(tasks.c.id, tasks.c.state).where(tasks.c.id.in_(ids))).all())
    singles = {code_of(one.fingerprint) for one in listed if not one.fingerprint.endswith(":*")}
    return [
        one
        for one in listed
        if one.fingerprint not in known
        and _is_over(c, one, str(states.get(one.task, "")), singles, now)
    ]


def _is_over(c: Connection, item: Item, state: str, singles: set[str], now: float) -> bool:
    code = code_of(item.fingerprint)
    if state == "completed":  # what an agent saw may go on though its work is done
        return code != AGENT
    if state == "cancelled":
        return True
    if item.fingerprint.endswith(":*"):
        return code in WATCHED or code not in singles
    if code in OF_TASKS:  # perhaps one of so many that it was not listed
        return state != "blocked"
    if code == BUDGET:  # told of by whoever met it: any scope
        return not _is_closed(c, item.fingerprint.split(":", 2)[2])
    if code == STOPPED:
        return _all_back(c, item)
    if code == MORE:
        return item.raised_at is not None and now - item.raised_at >= HOUR
    return code in WATCHED


HOUR: Final = 3600.0


def _is_closed(c: Connection, about: str) -> bool:
    return _any(c, budgets, and_(budgets.c.scope == about, budget_closed()))


def _all_back(c: Connection, item: Item) -> bool:
    """Whether all agents that stopped work again: their run took a task, or a new one began."""
    stopped: Mapping[str, str] = item.evidence.get("runs") or {}
    for agent, run in stopped.items():
        took = and_(events.c.kind == "task.claimed", events.c.at > item.seen_at,
                    events.c.agent == agent, events.c.run == run)  # fmt: skip
        began = and_(runs.c.agent == agent, runs.c.started_at > item.seen_at)
        if not (_any(c, events, took) or _any(c, runs, began)):
            return False
    return bool(stopped)


def _any(c: Connection, table: Any, where: ColumnElement[bool]) -> bool:
    return (
        c.execute(select(literal(1)).select_from(table).where(where).limit(1)).first() is not None
    )
