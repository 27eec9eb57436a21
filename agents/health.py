"""What can be checked of the agents: their souls, and the conversations they left."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from neveridle.board.inspection import read_only, reading
from neveridle.errors import NeveridleError
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
    if settings.board_url.startswith("postgres"):
        return await in_thread(lambda: [_beside_the_board(settings.board_url)])
    return await in_thread(lambda: [_checkpoints(settings.home / "checkpoints.db")])


def _beside_the_board(url: str) -> Finding:
    try:
        with reading(url) as reader:
            there = reader.rows("SELECT 1 WHERE to_regclass('checkpoints') IS NOT NULL")
            threads = int(reader.rows(THREADS)[0][0]) if there else 0
    except NeveridleError:  # the board's own check says so
        threads = 0
    said = f"{threads:,} conversations are kept, in the board's database."
    return Finding(about="checkpoints", message=said, facts={"threads": threads})


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


async def look_at_budgets(settings: Settings) -> Sequence[Finding]:
    """Whether every cap leaves room for a call, and every price that is needed is known."""
    return await in_thread(lambda: _budgets(settings))


def _budgets(settings: Settings) -> Sequence[Finding]:
    from neveridle.agents.caps import Caps
    from neveridle.tools.models import Models
    from neveridle.tools.models.prices import Prices

    about, caps = "budgets", Caps(settings)
    if not caps.any:
        return [Finding(about=about, message="Nothing that models cost is capped.")]
    found: list[Finding] = []
    answer = settings.model.max_output_tokens or settings.budgets.output_tokens
    for name, cap in caps.tables().items():
        if cap.tokens is not None and 0 < cap.tokens <= answer:
            msg = f"{name} allows {cap.tokens:,} tokens, and one answer may have {answer:,}."
            remedy = "No call fits into it: raise it, or lower model.max_output_tokens."
            found.append(Finding(about=about, grade=Grade.PROBLEM, message=msg, remedy=remedy))
    if caps.any_of_cost:
        prices = Prices(settings.prices)
        names = Models(settings.model, settings.agents, root=settings.root).names()
        for name in names:
            if not prices.known(name):
                msg = f"The price of {name} is not known: budgets in dollars do not count it."
                remedy = f'Set it in [prices."{name}"], or cap tokens as well.'
                found.append(Finding(about=about, grade=Grade.WARNING, message=msg, remedy=remedy))
    said = f"Days of budgets begin at midnight in {settings.budgets.timezone}."
    return found or [Finding(about=about, message=said)]


CHECKS = (
    Check("souls", look_at_souls),
    Check("checkpoints", look_at_checkpoints),
    Check("budgets", look_at_budgets),
)
