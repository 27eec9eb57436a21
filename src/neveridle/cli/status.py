"""``neveridle status``: how the team stands, read without waking anything heavy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from rich.console import RenderableType


def status_command(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show how the team stands: agents, tasks, what is blocked, what it cost."""
    import asyncio

    from neveridle.board.glance import glance
    from neveridle.cli.project import load
    from neveridle.cli.screen import print_json

    settings = load(config)
    found = status_of(asyncio.run(glance(settings.board_url)), lease=settings.leases.lease)
    if json:
        print_json({"team": settings.team.name, **found})
        return
    from neveridle.cli.screen import console

    out = console()
    for part in pages(found, team=settings.team.name):
        out.print(part)


def status_of(numbers: dict[str, Any], *, lease: float) -> dict[str, Any]:
    """What is printed by ``--json``.

    Args:
        numbers: from the board.
        lease: seconds without a heartbeat after which an agent counts as gone.
    """
    now = float(numbers["now"])
    agents = [
        {
            "name": agent["name"],
            "role": agent["role"],
            "alive": agent["heartbeat_at"] is not None and now - agent["heartbeat_at"] <= lease,
            "heartbeat_at": agent["heartbeat_at"],
            "seconds_ago": None
            if agent["heartbeat_at"] is None
            else round(now - agent["heartbeat_at"], 3),
            "task": agent["task"],
        }
        for agent in numbers["agents"]
    ]
    processes = [
        {**one, "alive": now - float(one["heartbeat_at"]) <= lease} for one in numbers["processes"]
    ]
    return {**numbers, "agents": agents, "processes": processes}


def pages(status: dict[str, Any], *, team: str) -> list[RenderableType]:
    """The status as people read it, part by part."""
    from neveridle.cli.screen import table

    parts: list[RenderableType] = [_agents(status["agents"], team), ""]
    if len(status["processes"]) > 1:
        parts += [_processes(status["processes"], float(status["now"])), ""]
    parts += [_tasks(status["tasks"]), ""]
    if status["outage"]:
        parts += [_outage(status["outage"], status["now"]), ""]
    if status["blocked"]:
        blocked = [
            (f"#{one['id']}", one["title"], one["owner"], one["action"])
            for one in status["blocked"]
        ]
        parts += [table("task", "title", "owner", "action", rows=blocked, title="Blocked"), ""]
    if status["stuck"]:
        stuck = [
            (f"#{one['id']}", one["title"], f"waits for #{one['on']}, which is {one['on_state']}")
            for one in status["stuck"]
        ]
        parts += [table("task", "title", "why", rows=stuck, title="Stuck"), ""]
    if status["sync_points"]:
        points = [
            (one["name"], one["agent"], _standing(one, status["now"]), one["reason"])
            for one in status["sync_points"]
        ]
        title = "Held up at sync points"
        parts += [table("point", "agent", "status", "why", rows=points, title=title), ""]
    model = status["model"]
    parts.append(
        f"Last 24 hours: {model['calls']:,} model calls, "
        f"{model['input_tokens']:,} tokens in, {model['output_tokens']:,} out"
    )
    return parts


def _standing(one: dict[str, Any], now: float) -> str:
    from neveridle.cli.screen import ago

    late = float(now) - float(one["deadline"])
    return f"{one['status']}, {ago(late)} late" if late >= 0 else str(one["status"])


def _agents(agents: list[dict[str, Any]], team: str) -> RenderableType:
    from neveridle.cli.screen import ago, styled, table

    if not agents:
        return styled(f"{team}: no agent has run yet. `neveridle run` starts them.", "")
    rows: list[tuple[object, ...]] = []
    for one in agents:
        if one["heartbeat_at"] is None:
            seen = styled("not running", "dim")
        elif one["alive"]:
            seen = styled(f"alive, {ago(one['seconds_ago'])} ago", "green")
        else:
            seen = styled(f"silent for {ago(one['seconds_ago'])}", "red")
        task = f"#{one['task']}" if one["task"] is not None else "-"
        rows.append((one["name"], one["role"], seen, task))
    return table("agent", "role", "heartbeat", "works on", rows=rows, title=f"Team {team}")


def _outage(outage: dict[str, Any], now: float) -> RenderableType:
    from neveridle.cli.screen import ago, styled

    silent = outage["silent"]
    left = max(0.0, outage["held_until"] - now)
    text = (
        f"Outage: {len(silent)} of {outage['agents']} agents fell silent at once "
        f"({', '.join(silent)}), {ago(now - outage['began_at'])} ago. Nothing is taken over "
        f"for {ago(left)}, or until they are back. `neveridle recover` does it now."
    )
    return styled(text, "red")


def _processes(processes: list[dict[str, Any]], now: float) -> RenderableType:
    """Where agents run. One that died without a word stays until its runs are cleared away."""
    from neveridle.cli.screen import ago, styled, table

    rows: list[tuple[object, ...]] = []
    for one in processes:
        since = ago(now - float(one["heartbeat_at"]))
        alive = one["alive"]
        seen = styled(f"alive, {since} ago" if alive else f"silent for {since}",
                      "green" if alive else "red")  # fmt: skip
        rows.append((one["host"], one["pid"], one["agents"], seen))
    return table("host", "process", "agents", "heartbeat", rows=rows, title="Processes")


def _tasks(counts: list[dict[str, Any]]) -> RenderableType:
    from neveridle.board.task import Source, TaskState
    from neveridle.cli.screen import styled, table

    if not counts:
        return styled("There are no tasks. `neveridle dispatch AGENT TITLE` adds one.", "")
    by = {(one["source"], one["state"]): int(one["count"]) for one in counts}
    states = [state for state in TaskState if any(key[1] == state for key in by)]
    rows = [
        (source, *(by.get((source, state), "-") for state in states))
        for source in Source
        if any(key[0] == source for key in by)
    ]
    columns = [state.replace("_", " ") for state in states]
    return table("tasks", *columns, rows=rows)
