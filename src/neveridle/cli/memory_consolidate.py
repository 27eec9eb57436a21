"""``neveridle memory consolidate``: merge what says the same, as a running team does by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from neveridle.cli.options import ConfigOption, JsonOption

if TYPE_CHECKING:
    from neveridle.memory.learning.consolidation import Consolidated
    from neveridle.settings import Settings


def consolidate_command(
    agent: Annotated[
        str, typer.Option("--agent", help="Only this agent's memories; else the team's.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be changed.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Merge memories that say the same into one, and retire those that clearly harm.

    Nothing is deleted: what was merged is kept, and `neveridle memory undo` restores it. It
    can be done while a team runs.
    """
    import asyncio

    from neveridle.cli.project import load
    from neveridle.cli.screen import print_json, say

    done = asyncio.run(_consolidate(load(config), agent.strip().lower(), dry_run=dry_run))
    if json:
        print_json(as_dict(done, dry_run=dry_run))
        return
    would, stands = ("would be ", "would stand") if dry_run else ("", "stands")
    merged = sum(len(merge.merged) for merge in done.merges)
    say(f"{done.looked_at:,} memories compared.")
    for merge in done.merges:
        gone = ", ".join(f"#{row.id}" for row in merge.merged)
        said = f"#{merge.survivor.id} {stands} for {gone}: {_line(merge.survivor.text)}"
        say(said, lines=False)
    for row, effect in done.retired:
        tries = f"{effect.succeeded} of {effect.shown} tries with it succeeded"
        said = f"#{row.id} {would}retired: {tries}, {effect.usual:.0%} of those without"
        say(f"{said}: {_line(row.text)}", lines=False)
    say(f"{merged} {would}merged, {len(done.retired)} {would}retired.")
    if done.left:
        say(f"{done.left} left as they are: they changed meanwhile.")
    for made in reversed(done.made):
        say(f"Undo it with: neveridle memory undo {made.id}")


async def _consolidate(settings: Settings, agent: str, *, dry_run: bool) -> Consolidated:
    import os

    from neveridle.board import Board
    from neveridle.errors import StateConflict
    from neveridle.graph.consolidating import HOLD, HOLDS
    from neveridle.memory import embedder_for
    from neveridle.memory.learning.consolidation import Consolidator

    async with Board(settings.board_url, create=False) as board:
        consolidator = Consolidator(board.memories, embedder_for(settings.memory.embedding))
        if dry_run:
            return await consolidator.consolidate(agent=agent or None, dry_run=True)
        holder = f"consolidate-{os.getpid()}"
        if not await board.syncs.hold(HOLDS, holder, seconds=HOLD):
            msg = "Another process is consolidating these memories just now."
            raise StateConflict(msg, remedy="Leave it to that one, or try again in a minute.")
        try:
            return await consolidator.consolidate(agent=agent or None)
        finally:
            await board.syncs.release(HOLDS, holder)


def as_dict(done: Consolidated, *, dry_run: bool) -> dict[str, Any]:
    """As printed by ``--json``."""
    return {
        "dry_run": dry_run,
        "looked_at": done.looked_at,
        "merges": [
            {
                "survivor": merge.survivor.id,
                "text": merge.survivor.text,
                "strength": merge.survivor.strength,
                "merged": [{"id": row.id, "text": row.text} for row in merge.merged],
            }
            for merge in done.merges
        ],
        "retired": [
            {"id": row.id, "text": row.text, "shown": effect.shown,
             "succeeded": effect.succeeded, "usual": round(effect.usual, 4)}
            for row, effect in done.retired
        ],
        "left": done.left,
        "consolidations": [made.id for made in done.made],
    }  # fmt: skip


def _line(text: str) -> str:
    first = " ".join(text.split())
    return first if len(first) <= 100 else f"{first[:99]}…"
