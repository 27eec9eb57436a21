"""What can be checked of the agents: their souls, and the conversations they left."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from neveridle.board.inspection import read_only
from neveridle.health import Check, Finding, Grade, in_thread

if TYPE_CHECKING:
    from pathlib import Path

    from neveridle.settings import Settings

THREADS = "SELECT count(DISTINCT thread_id) FROM checkpoints"


async def look_at_souls(settings: Settings) -> Sequence[Finding]:
    """Who is on the team."""
    from neveridle.agents.roster import Roster

    def look() -> Sequence[Finding]:
        roster = Roster.load(settings.path(settings.team.souls), settings.agents)
        said = f"The team is {', '.join(roster.names)}."
        return [Finding(about="agents", message=said, facts={"agents": list(roster.names)})]

    return await in_thread(look)


async def look_at_checkpoints(settings: Settings) -> Sequence[Finding]:
    """How many conversations wait to be gone on with, and what they take."""
    return await in_thread(lambda: [_checkpoints(settings.home / "checkpoints.db")])


def _checkpoints(path: Path) -> Finding:
    if not path.is_file():
        return Finding(about="checkpoints", message="No conversation is kept in this home.")
    size = path.stat().st_size
    try:
        with closing(read_only(path)) as connection:
            threads = int(connection.execute(THREADS).fetchone()[0])
    except sqlite3.Error as error:
        msg = f"{path} cannot be read: {error}."
        remedy = "Move it away while no team runs: work at hand then begins anew."
        return Finding(about="checkpoints", grade=Grade.PROBLEM, message=msg, remedy=remedy)
    facts = {"threads": threads, "bytes": size}
    said = f"{threads:,} conversations are kept, in {size / 1e6:.1f} MB."
    return Finding(about="checkpoints", message=said, facts=facts)


CHECKS = (Check("souls", look_at_souls), Check("checkpoints", look_at_checkpoints))
