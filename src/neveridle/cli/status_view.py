"""How ``neveridle status`` shows its facts: lines of text, none longer than the screen."""

from __future__ import annotations

from typing import Any, Final

from neveridle.cli.cells import Column, Line, cut, grid, wrap
from neveridle.cli.screen import ago
from neveridle.cli.sections import Section

NARROWEST: Final = 40
COLOURS: Final = {
    "working": "green", "resting": "", "paused": "yellow", "draining": "yellow",
    "drained": "dim", "stopped": "red", "silent": "red", "away": "dim",
}  # fmt: skip
TYPE: Final = {"approval": "neveridle approve {id}"}
"""What to type for an item; for the others, to see what else."""
SHOW: Final = "neveridle inbox show {id}"
Facts = dict[str, Any]


def sections(facts: Facts, *, team: str, width: int, brief: bool = False) -> list[Section]:
    """Everything there is to show, the most important first.

    Args:
        facts: see ``neveridle.cli.facts.status_of``.
        team: its name.
        width: the cells a line may take.
        brief: one line for each thing, for a screen whose height counts, too.
    """
    wide = max(NARROWEST, width)
    most = 1 if brief else 3
    return [
        _head(facts, team, wide, most),
        _agents(facts, wide, most),
        _queue(facts, wide),
        _inbox(facts, wide),
        _blocked(facts, wide, most),
        _stuck(facts, wide),
        _points(facts, wide),
        _services(facts, wide),
        _budgets(facts, wide),
        _processes(facts, wide),
        _events(facts, wide, 5 if brief else 10),
        Section([[(cut(_calls(facts), wide), "")]], rank=1),
    ]


def when(at: float | None, now: float) -> str:
    """A moment that is not far away: a time of day, with its date where that is another."""
    from datetime import datetime

    if at is None:
        return ""
    day, today = (datetime.fromtimestamp(one).astimezone() for one in (at, now))
    form = "%H:%M:%S" if day.date() == today.date() else "%Y-%m-%d %H:%M"
    return day.strftime(form)


def money(dollars: float | None) -> str:
    """US dollars: with cents, or as many digits as a small sum needs."""
    if dollars is None:
        return ""
    return f"${dollars:,.2f}" if dollars >= 0.1 or dollars == 0 else f"${dollars:.4f}"


def _head(facts: Facts, team: str, width: int, most: int) -> Section:
    now, agents = float(facts["now"]), facts["agents"]
    alive = sum(one["alive"] for one in agents)
    working = sum(one["doing"] is not None and one["alive"] for one in agents)
    waits = facts["inbox"]["open"]
    said = [f"Team {team}", when(now, now), f"{alive} of {len(agents)} agents alive"]
    said += [f"{working} at work"] if alive else []
    said += [f"{waits} for you"] if waits else []
    notes: list[Line] = []
    shown = {agent["name"] for agent in agents}
    for one in (one for one in facts["controls"] if one["agent"] not in shown):
        verb = "paused" if one["mode"] == "paused" else "to end once idle"
        who = "Everybody is" if one["agent"] == "*" else f"{one['agent']} is"
        by = f" (by {one['by']})" if one["by"] else ""
        why = f": {one['reason']}" if one["reason"] else ""
        lift = "`neveridle resume" + ("`" if one["agent"] == "*" else f" {one['agent']}`")
        text = f"{who} {verb} for {ago(now - one['since'])}{by}{why}. {lift} lifts that."
        notes += [[(line, "yellow")] for line in wrap(text, width, most)]
    if facts.get("outage"):
        notes += [[(line, "red")] for line in wrap(_outage(facts["outage"], now), width, most + 1)]
    return Section([[(cut(", ".join(said), width), "bold")], *notes[:12]])


def _outage(outage: Facts, now: float) -> str:
    silent = outage["silent"]
    left = max(0.0, outage["held_until"] - now)
    return (
        f"Outage: {len(silent)} of {outage['agents']} agents fell silent at once "
        f"({', '.join(silent)}), {ago(now - outage['began_at'])} ago. Nothing is taken over "
        f"for {ago(left)}, or until they are back. `neveridle recover` does it now."
    )


def _agents(facts: Facts, width: int, most: int) -> Section:
    now = float(facts["now"])
    if not facts["agents"]:
        text = "No agent has run yet. `neveridle run` starts them."
        return Section([], [[(line, "")] for line in wrap(text, width, 3)])
    rows = [
        (one["name"], one["role"], (_state(one, now), COLOURS[one["state"]]), _doing(one, now))
        for one in facts["agents"]
    ]
    columns = [Column("agent", 6, 20), Column("role", 4, 16), Column("state", 10, 24),
               Column("works on", 12)]  # fmt: skip
    head, *lines = grid(columns, rows, width)
    return Section([head], lines, least=min(len(lines), 4), rank=0)


def _state(one: Facts, now: float) -> str:
    since = ago(now - one["since"]) if one["since"] is not None else ""
    match one["state"]:
        case "away":
            return "paused, not running" if one["paused"] else "not running"
        case "silent":
            return f"silent for {since}"
        case "working":
            return f"works for {since}"
        case "resting" if one["until"] is not None:
            return f"rests until {when(one['until'], now)}"
        case "resting":
            return "waits" if one["reason"] else "rests"
        case "paused":
            return f"paused for {since}" if since else "paused"
        case _:
            return f"{one['state']} for {since}"


def _doing(one: Facts, now: float) -> str:
    doing = one["doing"]
    if doing is None:
        return str(one["reason"]) or (f"#{one['task']}" if one["task"] is not None else "-")
    finishes = "finishes " if one["state"] in ("paused", "draining") else ""
    since = f", {ago(now - doing['since'])}" if finishes else ""
    return f"{finishes}#{doing['task']} {doing['rung']}, {doing['phase']}{since}: {doing['title']}"


def _queue(facts: Facts, width: int) -> Section:
    from neveridle.board.task import Source, TaskState

    counts = {(one["source"], one["state"]): int(one["count"]) for one in facts["tasks"]}
    if not counts:
        text = "There are no tasks. `neveridle dispatch AGENT TITLE` adds one."
        return Section([], [[(line, "")] for line in wrap(text, width, 3)])
    states = [state for state in TaskState if any(key[1] == state for key in counts)]
    rows = [
        (source, *(str(counts.get((source, state), "-")) for state in states))
        for source in Source
        if any(key[0] == source for key in counts)
    ]
    columns = [Column("tasks", 8)]
    columns += [Column(state.replace("_", " "), 4, 12, right=True) for state in states]
    head, *lines = grid(columns, rows, width)
    due, now = facts.get("next_due"), float(facts["now"])
    if due is not None and due > now and not any(one["doing"] for one in facts["agents"]):
        text = f"The next wait is over at {when(due, now)}, {ago(due - now)} from now."
        lines.append([(cut(text, width), "dim")])
    return Section([head], lines, least=len(lines), rank=3)


def _inbox(facts: Facts, width: int) -> Section:
    inbox, now = facts["inbox"], float(facts["now"])
    if not inbox["open"]:
        return Section([])
    kinds = ", ".join(
        f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in inbox["kinds"].items()
    )
    loud = inbox["emergencies"]
    title = f"Inbox: {kinds}" + (f", {loud} of them an EMERGENCY" if loud else "")
    rows = [
        (
            f"{one['kind']} {one['id']}",
            ago(now - one["created_at"]),
            TYPE.get(one["kind"], SHOW).format(id=one["id"]),
            f"{one['agent'] + ': ' if one['agent'] else ''}{one['title']}",
        )
        for one in inbox["newest"]
    ]
    columns = [Column("item", 8, 16), Column("since", 4, 8), Column("type", 24),
               Column("title", 12)]  # fmt: skip
    _, *lines = grid(columns, rows, width)
    style = "red" if loud else "yellow"
    return Section([[(cut(title, width), style)]], lines, rank=0)


def _blocked(facts: Facts, width: int, most: int) -> Section:
    if not facts["blocked"]:
        return Section([])
    lines: list[Line] = []
    for one in facts["blocked"]:
        title = f"#{one['id']} for {one['owner']}: {one['title']}"
        if most == 1:
            text = f"#{one['id']} for {one['owner']}: {one['action']} ({one['title']})"
            lines.append([(cut(text, width), "")])
            continue
        lines.append([(cut(title, width), "")])
        lines += [[(f"    {line}", "yellow")] for line in wrap(one["action"], width - 4, most)]
    return Section([[("Blocked", "bold")]], lines, rank=2)


def _stuck(facts: Facts, width: int) -> Section:
    if not facts["stuck"]:
        return Section([])
    rows = [
        (f"#{one['id']}", f"waits for #{one['on']}, which is {one['on_state']}", one["title"])
        for one in facts["stuck"]
    ]
    _, *lines = grid([Column("", 4), Column("", 20), Column("", 8)], rows, width)
    return Section([[("Stuck", "bold")]], lines, rank=5)


def _points(facts: Facts, width: int) -> Section:
    if not facts["sync_points"]:
        return Section([])
    now = float(facts["now"])
    rows = [(one["name"], one["agent"], _standing(one, now), one["reason"])
            for one in facts["sync_points"]]  # fmt: skip
    columns = [Column("point", 6, 24), Column("agent", 6, 16), Column("status", 8, 24),
               Column("why", 8)]  # fmt: skip
    _, *lines = grid(columns, rows, width)
    return Section([[("Held up at sync points", "bold")]], lines, rank=5)


def _standing(one: Facts, now: float) -> str:
    late = now - float(one["deadline"])
    return f"{one['status']}, {ago(late)} late" if late >= 0 else str(one["status"])


def _services(facts: Facts, width: int) -> Section:
    if not facts.get("services"):
        return Section([])
    now = float(facts["now"])
    rows = [
        (one["name"], (one["state"].replace("_", "-"), "red"), _again(one, now),
         f"{one['tasks']} tasks wait: {one['reason']}" if one["tasks"] else one["reason"])
        for one in facts["services"]
    ]  # fmt: skip
    columns = [Column("service", 6, 20), Column("state", 5), Column("again", 6, 36),
               Column("why", 10)]  # fmt: skip
    _, *lines = grid(columns, rows, width)
    return Section([[("Services that are not called", "bold")]], lines, rank=2)


def _again(one: Facts, now: float) -> str:
    match one["state"]:
        case "held":
            return f"neveridle services reset {one['name']}"
        case "half_open":
            return "tried now"
        case _:
            at = one["retry_at"]
            return f"again {when(at, now)}" if at and at > now else "by the next call"


def _budgets(facts: Facts, width: int) -> Section:
    now = float(facts["now"])
    rows: list[tuple[str | tuple[str, str], ...]] = []
    for one in facts["budgets"]:
        capped = one["cap_tokens"] is not None or one["cap_cost"] is not None
        team_wide = one["scope"] in ("day", "team", "improvement")
        if not (one["closed"] or (team_wide and (capped or one["calls"]))):
            continue
        until = when(one["ends_at"], now) if one["ends_at"] else "the cap is raised"
        state = (f"spent; until {until}", "red") if one["closed"] else ("", "")
        rows.append((
            one["scope"],
            money(one["cost"]) + (f" of {money(one['cap_cost'])}" if one["cap_cost"] is not None
                                  else ""),
            f"{one['tokens']:,}" + (f" of {one['cap_tokens']:,}" if one["cap_tokens"] is not None
                                    else "") + " tokens",
            state,
        ))  # fmt: skip
    if not rows:
        return Section([])
    columns = [Column("budget", 6, 24), Column("cost", 6), Column("tokens", 6), Column("", 6)]
    _, *lines = grid(columns, rows, width)
    return Section([[("Budgets", "bold")]], lines, least=min(3, len(lines)), rank=2)


def _processes(facts: Facts, width: int) -> Section:
    """Where agents run. One that died without a word stays until its runs are cleared away."""
    if len(facts["processes"]) < 2:
        return Section([])
    now = float(facts["now"])
    rows = [
        (one["host"], str(one["pid"]), str(one["agents"]), _seen(one, now))
        for one in facts["processes"]
    ]
    columns = [Column("process on", 8, 30), Column("id", 4, right=True),
               Column("agents", 4, right=True), Column("heartbeat", 8)]  # fmt: skip
    head, *lines = grid(columns, rows, width)
    return Section([head], lines, rank=6)


def _seen(one: Facts, now: float) -> tuple[str, str]:
    since = ago(now - float(one["heartbeat_at"]))
    return (f"alive, {since} ago", "green") if one["alive"] else (f"silent for {since}", "red")


def _events(facts: Facts, width: int, most: int) -> Section:
    now = float(facts["now"])
    rows = [
        (when(one["at"], now), one["agent"] or "", one["text"])
        for one in facts["events"]
        if one["text"]
    ][:most]
    if not rows:
        return Section([])
    _, *lines = grid([Column("", 8), Column("", 4, 16), Column("", 12)], rows, width)
    return Section([[("Last events", "bold")]], lines, least=1, rank=4)


def _calls(facts: Facts) -> str:
    model = facts["model"]
    if not model:
        return ""
    tokens = f"{model['input_tokens']:,} tokens in, {model['output_tokens']:,} out"
    calls = "1 model call" if model["calls"] == 1 else f"{model['calls']:,} model calls"
    if not model.get("unpriced"):
        return f"Last 24 hours: {calls}, {money(model['cost'])}, {tokens}"
    # Shorter words: the line has to fit into 80 columns.
    cost = f"{money(model['cost'])} and {model['unpriced']:,} unpriced"
    return f"Last 24 h: {model['calls']:,} calls, {cost}, {tokens}"
