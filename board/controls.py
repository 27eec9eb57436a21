"""Controls: who takes no task because a person said so."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from neveridle.board.database import Database
from neveridle.board.schema import controls
from neveridle.board.sql import NOW, log, wake

EVERYBODY = "*"
"""The name under which a control holds for all agents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What a person said of an agent, or of everybody.

    Attributes:
        agent: its name; ``*``: everybody.
        mode: ``paused``: takes no task until resumed; ``draining``: its processes end once
            what is at work has ended.
        reason, by, since: why, who said so, and when, by the board's clock.
    """

    agent: str
    mode: str
    reason: str
    by: str
    since: float


class Controls:
    """``board.controls``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set(self, agent: str, mode: str, *, reason: str = "", by: str = "") -> None:
        """Pause or drain an agent, or everybody."""

        def work(c: Connection) -> None:
            c.execute(delete(controls).where(controls.c.agent == agent))
            values = {"agent": agent, "mode": mode, "reason": reason, "by": by, "since": NOW}
            c.execute(insert(controls).values(**values))
            log(c, f"agent.{mode}", {"of": agent, "reason": reason, "by": by})
            wake(c)

        await self._database.write(work)

    async def clear(self, agent: str, *, by: str = "") -> bool:
        """Let an agent take tasks again; whether it was told not to. ``*`` clears all."""

        def work(c: Connection) -> bool:
            gone = delete(controls)
            if agent != EVERYBODY:
                gone = gone.where(controls.c.agent == agent)
            found = c.execute(gone).rowcount > 0
            if found:
                log(c, "agent.resumed", {"of": agent, "by": by})
                wake(c)
            return found

        return await self._database.write(work)

    async def all(self) -> list[Control]:
        """Every control there is."""
        query = select(controls).order_by(controls.c.agent)
        return await self._database.read(
            lambda c: [Control(**dict(row)) for row in c.execute(query).mappings()]
        )
