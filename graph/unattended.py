"""Tasks that wait for an agent who does not take any: said, and never rerouted unasked."""

from __future__ import annotations

from neveridle.agents.roster import Roster
from neveridle.board import Board
from neveridle.settings import Settings


async def unattended(board: Board, roster: Roster) -> list[str]:
    """What an operator should know of tasks addressed to the paused, or to nobody here.

    Whom a task is addressed to is a decision of the one who gave it, so it stays with the
    receiver until somebody passes it on, or the receiver is back.
    """
    notices: list[str] = []
    for agent, tasks in sorted((await board.tasks.addressed()).items()):
        if agent in roster.receivers:
            continue
        why = "is paused" if agent in roster else "is not in this team"
        numbers = ", ".join(f"#{task}" for task in tasks[:5]) + (", …" if len(tasks) > 5 else "")
        many = "Task" if len(tasks) == 1 else "Tasks"
        waits = "waits" if len(tasks) == 1 else "wait"
        notices.append(
            f"{many} {numbers} {waits} for {agent}, who {why}: `neveridle handoff give "
            f"{tasks[0]} --to AGENT …` passes one on."
        )
    return notices


def unused_roles(settings: Settings, roster: Roster) -> list[str]:
    """A notice for each table of a role that nobody has: what it asks for is asked of nobody."""
    known = {one.role for one in roster}
    has = ", ".join(sorted(known))
    return [
        f"[roles.{role}] holds for nobody: the team's roles are {has}."
        for role in sorted(settings.roles)
        if role not in known
    ]
