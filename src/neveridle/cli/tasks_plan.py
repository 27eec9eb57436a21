"""``neveridle tasks ready``, ``blocked`` and ``tree``: what can be done, what cannot, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.board import Board, Task
    from neveridle.board.forest import Leaf, Tree
    from neveridle.board.reason import HeldUp
    from neveridle.settings import Settings

SHOWN = 100
"""Tasks on the screen where ``--limit`` says nothing; ``--json`` has them all."""
DEEPEST = 12
"""Levels that are indented; what is deeper stands at this one, with its depth in words."""

LimitOption = Annotated[
    int | None,
    typer.Option("--limit", min=1, help="At most so many. Default: 100, and all with --json."),
]


def skills_of(settings: Settings) -> dict[str, frozenset[str]]:
    """The skills of each agent of the team; empty where no soul is written yet.

    Raises:
        SoulInvalid: a soul is broken.
    """
    from neveridle.cli.project import roster_of

    if not any(settings.path(settings.team.souls).glob("*.md")):
        return {}
    return {agent.name: frozenset(agent.skills) for agent in roster_of(settings)}


def ready_command(
    limit: LimitOption = None, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """List what agents could claim now, in the order of the claims.

    Records imported from Beads that are no work, such as messages, stand behind, with their
    kind: Beads' rule calls them ready, but no agent claims them.
    """
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import console, print_json, say, table

    settings = load(config)
    skills = skills_of(settings)
    most = limit if json else (limit or SHOWN) + 1

    async def work(board: Board) -> list[Task]:
        return await board.readiness.ready(skills, limit=most, records=True)

    found = on_board(settings, work, create=False)
    if json:
        print_json([{**task.as_dict(), "claimable": task.runnable} for task in found])
        return
    if not found:
        say("Nothing can be claimed now. `neveridle tasks blocked` says why.")
        return
    shown = found[: most - 1] if most else found
    rows = [
        (f"#{task.id}", task.source, task.priority.name.lower(), task.assignee or "-",
         task.ticket or "-", task.title if task.runnable else f"({kind_of(task)}) {task.title}")
        for task in shown
    ]  # fmt: skip
    console().print(table("id", "source", "priority", "for", "ticket", "title", rows=rows))
    if len(found) > len(shown):
        say("… and more: --limit N shows them.")


def kind_of(task: Task) -> str:
    """What kind of record something is that is no work."""
    from neveridle.board.reason import RECORD

    return task.waiting_on.removeprefix(RECORD)


def blocked_command(
    limit: LimitOption = None, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """List what cannot be claimed now, why, and what to do about it."""
    from neveridle.cli.project import load, on_board
    from neveridle.cli.screen import console, print_json, say, table

    settings = load(config)
    skills = skills_of(settings)
    most = limit if json else (limit or SHOWN) + 1

    async def work(board: Board) -> list[HeldUp]:
        return await board.readiness.blocked(skills, limit=most)

    found = on_board(settings, work, create=False)
    if json:
        print_json([one.as_dict() for one in found])
        return
    if not found:
        say("Nothing is blocked.")
        return
    shown = found[: most - 1] if most else found
    rows = [
        (f"#{one.task.id}", one.task.title, "; ".join(reason.why for reason in one.reasons),
         "; ".join(dict.fromkeys(reason.do for reason in one.reasons if reason.do)) or _root(one))
        for one in shown
    ]  # fmt: skip
    console().print(table("id", "title", "why", "what to do", rows=rows))
    if len(found) > len(shown):
        say("… and more: --limit N shows them.")


def _root(one: HeldUp) -> str:
    """Where something has to be done for a task that waits for others which wait."""
    if one.root is None or one.root == one.task.id:
        return "-"
    return f"nothing moves until #{one.root} does: `neveridle tasks show {one.root}`"


def tree_command(
    task: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Only what is below this task.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Tasks that are over, too.")] = False,
    limit: LimitOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show the tasks as a tree: below what they are part of, or what they come after."""
    from neveridle.cli.project import load, on_board, task_number
    from neveridle.cli.screen import console, print_json, say

    settings = load(config)
    root = None if task is None else task_number(task)
    most = limit or (10_000_000 if json else SHOWN)

    async def work(board: Board) -> Tree:
        return await board.readiness.tree(root=root, finished=everything, limit=most)

    found = on_board(settings, work, create=False)
    if json:
        print_json(found.as_dict())
        return
    if not found.leaves:
        say("There are no such tasks. `--all` shows those that are over, too.")
        return
    out = console()
    for leaf in found.leaves:
        out.print(_line(leaf), no_wrap=True, overflow="ellipsis", crop=True)
    if found.left_out:
        say(f"… and {found.left_out:,} more: --limit N shows them.")


def _line(leaf: Leaf) -> str:
    """One task of the tree: its mark, number, title, and what else it waits for."""
    from neveridle.cli.screen import clean

    node = leaf.node
    indent = "   " * min(leaf.depth, DEEPEST)
    deep = f"({leaf.depth} deep) " if leaf.depth > DEEPEST else ""
    sign = {"part": "└─ ", "after": "└→ "}.get(leaf.relation, "")
    is_ready = node.state == "pending" and not node.open_blockers
    state = "ready" if is_ready else node.state.replace("_", " ")
    above = leaf.under if leaf.relation == "after" else None
    waits = [f"#{one}" for one in leaf.waits_for if one != above]
    after = f" (after {', '.join(waits[:5])}{' …' if len(waits) > 5 else ''})" if waits else ""
    ticket = f" {node.ticket}" if node.ticket else ""
    said = clean(f"{deep}#{node.id}{ticket} [{state}] {node.title}{after}")
    return f"{indent}{sign}{said}"
