"""From rows to facts: which event says what."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeGuard

from neveridle.board.fact_kinds import RUN_ENDS, SEPARATOR
from neveridle.board.metrics.facts import Done, Escalation, Facts, GivenUp, Life, Spell, Spent
from neveridle.board.metrics.reading import Snapshot
from neveridle.board.metrics.window import Window
from neveridle.board.rows import decoded

LEVELS: Final = ("PEER_ASSIST", "HUMAN_ALERT", "EMERGENCY")
SELF_HEAL: Final = "SELF_HEAL"


class End(NamedTuple):
    """A row of the index of ends."""

    at: float
    id: int
    kind: str
    agent: str | None
    run: str | None
    task: int | None
    fence: int | None
    since: float | None

    @property
    def completes(self) -> bool:
        """An agent's attempt completed its task; what was completed with it has no fence."""
        return self.kind == "task.completed" and self.fence is not None

    @property
    def passes_on(self) -> bool:
        """A task that was handed over was completed with the one that continues it."""
        return self.kind == "task.completed" and self.fence is None


def gather(snapshot: Snapshot, windows: Sequence[Window]) -> list[Facts]:
    """The facts of windows that follow upon each other."""
    whole = Window(windows[0].since, windows[-1].until)
    now = float(snapshot.rows("now")[0][0])
    span = {"since": whole.since, "until": whole.until}
    ends = [End(*row) for row in snapshot.rows("ends", **span)]
    inside = [end for end in ends if whole.holds(end.at)]
    lives = _lives(snapshot, ends, span)
    spells = [
        Spell(end.run or "", end.agent or "", end.task, end.since, end.at)
        for end in ends
        if end.since is not None and end.since <= end.at and end.kind not in RUN_ENDS
    ]  # fmt: skip
    spells += [
        Spell(run, agent, task, since, now)
        for run, agent, task, since in snapshot.rows("active", until=whole.until)
    ]
    shelf = _Shelf(windows)
    for life in lives:
        shelf.spread("lives", life, life.since, life.until)
    for spell in spells:
        shelf.spread("spells", spell, spell.since, spell.until)
    for done, at in _done(snapshot, inside, shelf.number):
        shelf.put("done", done, at)
    for end in inside:
        if end.kind == "task.blocked" and end.fence is not None:
            shelf.put("given_up", GivenUp(end.agent or "", end.at), end.at)
    for escalation in _escalations(snapshot, inside):
        shelf.put("escalations", escalation, escalation.at)
    keys = [str(row[0]) for row in snapshot.rows("keys")]
    return [
        shelf.facts(number, _spent(snapshot, keys, window), _services(snapshot, window))
        for number, window in enumerate(windows)
    ]  # fmt: skip


@dataclass
class _Shelf:
    """Facts, sorted into the windows that they are of."""

    windows: Sequence[Window]
    kept: list[dict[str, list[Any]]] = field(init=False)

    def __post_init__(self) -> None:
        names = ("lives", "spells", "done", "given_up", "escalations")
        self.kept = [{name: [] for name in names} for _ in self.windows]
        self._edges = [window.since for window in self.windows]

    def facts(self, number: int, spent: Sequence[Spent], services: tuple[int, int]) -> Facts:
        """All of one window."""
        kept = self.kept[number]
        return Facts(
            self.windows[number], kept["lives"], kept["spells"], kept["done"], kept["given_up"],
            kept["escalations"], spent, *services,
        )  # fmt: skip

    def put(self, name: str, fact: object, at: float) -> None:
        """Into the window in which it was."""
        self.kept[self.number(at)][name].append(fact)

    def number(self, at: float) -> int:
        """Which window a time lies in, which is in one of them."""
        return bisect_right(self._edges, at) - 1

    def spread(self, name: str, fact: object, since: float, until: float) -> None:
        """Into each window that it touches."""
        if not since <= until or since >= self.windows[-1].until:
            return
        first = max(0, bisect_right(self._edges, since) - 1)
        for number in range(first, bisect_right(self._edges, until)):
            self.kept[number][name].append(fact)


def _lives(snapshot: Snapshot, ends: Sequence[End], span: Mapping[str, float]) -> list[Life]:
    over = [end for end in ends if end.kind in RUN_ENDS and end.since is not None and end.run]
    said = _details(snapshot, [end.id for end in over if end.kind == "run.died"])
    found = {
        str(run): Life(str(run), str(agent), float(since), float(until))
        for run, agent, since, until in snapshot.rows("alive", **span)
    }
    for end in over:
        beat = said.get(end.id, {}).get("heartbeat_at")
        assert end.since is not None and end.run is not None  # chosen above
        last = max(end.since, min(end.at, beat)) if _is_number(beat) else end.at
        found[end.run] = Life(end.run, end.agent or "", end.since, last)
    return list(found.values())


def _done(
    snapshot: Snapshot, ends: Sequence[End], number: Callable[[float], int]
) -> list[tuple[Done, float]]:
    """What was completed, with the time at which anybody of its chain began.

    A chain is of one window: so a piece of a series says what that window says by itself.
    """
    passed = [end for end in ends if end.passes_on and end.task is not None]
    said = _details(snapshot, [end.id for end in passed])
    chains: dict[tuple[int, int], list[int]] = {}
    for end in passed:
        through = said.get(end.id, {}).get("through")
        if type(through) is int and end.task is not None:
            chains.setdefault((number(end.at), through), []).append(end.task)
    completed = [end for end in ends if end.completes]
    tasks = {end.task for end in completed if end.task is not None}
    links = {task for chain in chains.values() for task in chain}
    claims = {int(task): float(at) for task, at in snapshot.among("claims", tasks | links)}
    found: list[tuple[Done, float]] = []
    for end in completed:
        chain: list[int] = []
        if end.task is not None:
            chain = [end.task, *chains.get((number(end.at), end.task), ())]
        began = [claims[task] for task in chain if task in claims]
        since = min(began) if began else end.since
        found.append((Done(end.agent or "", end.at, since), end.at))
    return found


def _escalations(snapshot: Snapshot, ends: Sequence[End]) -> list[Escalation]:
    raised = [end for end in ends if end.kind == "task.escalated"]
    said = _details(snapshot, [end.id for end in raised])
    found: list[Escalation] = []
    for end in raised:
        level = said.get(end.id, {}).get("level")
        if level != SELF_HEAL:
            known = level if level in LEVELS else "OTHER"
            found.append(Escalation(end.agent or "", end.at, str(known)))
    return found


def _details(snapshot: Snapshot, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The data of single events, by id; what is no object says nothing."""
    found: dict[int, dict[str, Any]] = {}
    for event, data in snapshot.among("details", ids):
        said = decoded(data)
        found[int(event)] = said if isinstance(said, dict) else {}
    return found


def _is_number(value: object) -> TypeGuard[float]:
    return type(value) in (int, float)


def _spent(snapshot: Snapshot, keys: Sequence[str], window: Window) -> list[Spent]:
    found: list[Spent] = []
    for key in keys:
        row = snapshot.rows("spent", spent=key, since=window.since, until=window.until)[0]
        if row[0]:
            agent, rung, purpose, model, idle = key.split(SEPARATOR)
            found.append(Spent(agent, rung, purpose, model, idle == "idle", *map(int, row)))
    return found


def _services(snapshot: Snapshot, window: Window) -> tuple[int, int]:
    calls, retries = snapshot.rows("services", since=window.since, until=window.until)[0]
    return int(calls), int(retries)
