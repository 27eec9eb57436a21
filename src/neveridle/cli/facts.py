"""The facts of ``neveridle status``: what is printed by ``--json``, from the board's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neveridle.board.budget import NANOS, Cap, Standing, raised
from neveridle.board.control import DRAINING, EVERYBODY, PAUSED
from neveridle.cli.sayings import sentence

if TYPE_CHECKING:
    from neveridle.settings import Settings
    from neveridle.settings.governing import CapSettings

SAID = 500
"""Characters of what an event says."""
REPLAY = "replay:"


def status_of(
    numbers: dict[str, Any], *, lease: float, settings: Settings | None = None
) -> dict[str, Any]:
    """What is printed by ``--json``.

    Args:
        numbers: from the board; what it does not say is left empty.
        lease: seconds without a heartbeat after which an agent counts as gone.
        settings: whose budgets and models count; None: nothing is known of them.
    """
    now = float(numbers["now"])
    budgets = [_budget(one, settings) for one in numbers.get("budgets", [])]
    budgets += _unspent({one["scope"] for one in budgets}, settings, now)
    facts = {**numbers, "budgets": budgets}
    agents = [_agent(one, facts, now, lease, settings) for one in numbers["agents"]]
    processes = [
        {**one, "alive": now - float(one["heartbeat_at"]) <= lease} for one in numbers["processes"]
    ]
    controls = [one for one in numbers.get("controls", []) if _concerns(one, numbers)]
    counts = numbers.get("inbox_counts", [])
    return {
        **{key: one for key, one in numbers.items() if key not in ("living", "inbox_counts")},
        "agents": agents,
        "processes": processes,
        "controls": controls,
        "budgets": budgets,
        "model": _model(numbers.get("model", {})),
        "inbox": {
            "open": sum(int(one["count"]) for one in counts),
            "emergencies": sum(int(one["count"]) for one in counts if one["level"] == "EMERGENCY"),
            "kinds": _by_kind(counts),
            "newest": numbers.get("inbox", []),
        },
        "events": [_event(one) for one in numbers.get("events", [])],
    }


def _by_kind(counts: list[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in counts:
        found[one["kind"]] = found.get(one["kind"], 0) + int(one["count"])
    return found


def _concerns(control: dict[str, Any], numbers: dict[str, Any]) -> bool:
    """Whether a control still concerns anybody: a drain is over with those it was said to."""
    if control["mode"] != DRAINING:
        return True
    living: dict[str, float] = numbers.get("living", {})
    return any(
        control["agent"] in (EVERYBODY, name) and since <= control["since"]
        for name, since in living.items()
    )


def _agent(
    one: dict[str, Any],
    facts: dict[str, Any],
    now: float,
    lease: float,
    settings: Settings | None,
) -> dict[str, Any]:
    name, seen = one["name"], one["heartbeat_at"]
    alive = seen is not None and now - seen <= lease
    living = facts.get("living", {}).get(name)
    doing = next((x for x in facts.get("doing", []) if x["agent"] == name), None)
    said = [x for x in facts.get("controls", []) if x["agent"] in (name, EVERYBODY)]
    paused = next((x for x in said if x["mode"] == PAUSED), None)
    draining = next(
        (x for x in said if x["mode"] == DRAINING and living is not None
         and living <= x["since"]), None,
    )  # fmt: skip
    stop = next(
        (x for x in facts.get("stopped", []) if x["agent"] == name and living is not None
         and x["at"] >= living), None,
    )  # fmt: skip
    own = settings.agents.get(name) if settings is not None else None
    state, since, until, reason = "resting", None, None, ""
    if not alive:
        state, since = ("away" if seen is None else "silent"), seen
    elif stop is not None:
        state, since = "stopped", stop["at"]
        reason = f"{stop['message'] or ''} {stop['remedy'] or ''}".strip()
    elif draining is not None:
        state = "drained" if doing is None else "draining"
        since, reason = draining["since"], draining["reason"]
    elif paused is not None:
        state, since, reason = "paused", paused["since"], paused["reason"]
    elif own is not None and own.paused:
        state, reason = "paused", "paused = true in neveridle.toml"
    elif doing is not None:
        state, since = "working", doing["since"]
    else:
        until, reason = _rests(name, facts, settings)
    return {
        "name": name,
        "role": one["role"],
        "alive": alive,
        "heartbeat_at": seen,
        "seconds_ago": None if seen is None else round(now - seen, 3),
        "task": one["task"],
        "state": state,
        "since": since,
        "until": until,
        "reason": reason,
        "paused": paused is not None or bool(own and own.paused),
        "doing": None if doing is None else {k: v for k, v in doing.items() if k != "agent"},
    }


def _rests(name: str, facts: dict[str, Any], settings: Settings | None) -> tuple[float | None, str]:
    """Until when an agent is given nothing, and why; None and nothing: until there is work."""
    for one in facts["budgets"]:
        if one["closed"] and one["scope"] in ("day", "team", f"agent:{name}"):
            return one["ends_at"], f"the budget {one['scope']} is spent"
    provider = _provider(name, settings)
    for one in facts.get("services", []):
        if provider and one["name"] == provider:
            return one["retry_at"], f"{provider} cannot be called: {one['reason']}"
    return None, ""


def _provider(name: str, settings: Settings | None) -> str:
    """The provider of an agent's model; empty: it is not known, or none is called."""
    if settings is None:
        return ""
    own = settings.agents.get(name)
    model = (own.model if own else "") or settings.model.work or settings.model.default
    return "" if model.startswith(REPLAY) else model.partition(":")[0].strip().replace("-", "_")


def _cap(scope: str, settings: Settings | None) -> CapSettings | None:
    """What the settings allow a scope; None: they do not say, as of one task's own budget."""
    if settings is None:
        return None
    kind, _, name = scope.partition(":")
    if kind == "agent":
        return settings.budget_of(name)
    return {
        "day": settings.budgets.day,
        "team": settings.budgets.team,
        "improvement": settings.budgets.improvement,
    }.get(kind)


def _nanos(dollars: float | None) -> int | None:
    return None if dollars is None else round(dollars * NANOS)


def _dollars(nanos: float | None) -> float | None:
    return None if nanos is None else nanos / NANOS


def _budget(row: dict[str, Any], settings: Settings | None) -> dict[str, Any]:
    allowed = _cap(row["scope"], settings)
    tokens, nanos = row["cap_tokens"], row["cap_nanos"]
    closed = row["closed_at"] is not None
    if allowed is not None:
        tokens, nanos = allowed.tokens, _nanos(allowed.cost)
        cap = Cap(scope=row["scope"], tokens=tokens, nanos=nanos)
        used = ((row["tokens"], tokens), (row["nanos"], nanos))
        closed = (closed and not raised(Standing(**row), cap)) or any(
            limit is not None and spent >= limit for spent, limit in used
        )
    return {
        "scope": row["scope"],
        "window": row["window"],
        "ends_at": row["ends_at"],
        "tokens": row["tokens"],
        "cost": _dollars(row["nanos"]),
        "calls": row["calls"],
        "held_tokens": row["held_tokens"],
        "held_cost": _dollars(row["held_nanos"]),
        "cap_tokens": tokens,
        "cap_cost": _dollars(nanos),
        "closed": closed,
        "closed_at": row["closed_at"] if closed else None,
    }


def _unspent(found: set[str], settings: Settings | None, now: float) -> list[dict[str, Any]]:
    """The capped budgets of which nothing was spent yet."""
    if settings is None:
        return []
    from neveridle.board.day import day_at

    today = day_at(now, settings.budgets.timezone)
    rows: list[dict[str, Any]] = []
    for scope in ("day", "improvement", "team"):
        cap = _cap(scope, settings)
        if cap is None or scope in found or (cap.tokens is None and cap.cost is None):
            continue
        nothing = {"tokens": 0, "cost": 0.0, "calls": 0, "held_tokens": 0, "held_cost": 0.0}
        rows.append({
            "scope": scope, "window": "" if scope == "team" else today.name,
            "ends_at": None if scope == "team" else today.ends_at, **nothing,
            "cap_tokens": cap.tokens, "cap_cost": cap.cost, "closed": 0 in (cap.tokens, cap.cost),
            "closed_at": None,
        })  # fmt: skip
    return rows


def _model(model: dict[str, Any]) -> dict[str, Any]:
    known = {key: one for key, one in model.items() if key != "nanos"}
    return {**known, "cost": _dollars(float(model.get("nanos") or 0))} if model else {}


def _event(one: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = one["data"] or {}
    facts = {"title": one["title"] or "", "source": one["source"] or "", **data}
    said = sentence(one["kind"], one["task"], facts, besides=True)
    kept = {key: one[key] for key in ("id", "at", "kind", "agent", "task")}
    return {**kept, "text": said if len(said) <= SAID else said[: SAID - 1] + "…"}
