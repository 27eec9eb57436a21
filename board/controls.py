"""Controls: who takes no task because a person said so."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from neveridle.board.control import DRAINING, EVERYBODY, Control
from neveridle.board.database import Database
from neveridle.board.schema import controls, runs
from neveridle.board.sql import NOW, log, wake
from neveridle.board.storable import storable

__all__ = ["EVERYBODY", "Control", "Controls"]

REASON = 500
"""Characters that are kept of a reason."""


class Controls:
    """``board.controls``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def set(self, agent: str, mode: str, *, reason: str = "", by: str = "") -> None:
        """Pause or drain an agent, or everybody; the newest word of each kind counts."""
        reason = storable(reason)[:REASON]

        def work(c: Connection) -> None:
            c.execute(delete(controls).where(controls.c.agent == agent, controls.c.mode == mode))
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

    async def resume(
        self, agents: Sequence[str], *, among: Sequence[str], by: str = ""
    ) -> list[str]:
        """Let some agents take tasks again, also where everybody was told not to.

        What was said of everybody then holds for each of the others.

        Args:
            agents: their names.
            among: the names of all agents of the team.
            by: who said so.

        Returns:
            Those of them who were told not to.
        """

        def work(c: Connection) -> list[str]:
            found = [Control(**dict(row)) for row in c.execute(select(controls)).mappings()]
            named = {one.agent for one in found}
            told = [name for name in agents if {name, EVERYBODY} & named]
            if not told:
                return []
            c.execute(delete(controls).where(controls.c.agent.in_([*agents, EVERYBODY])))
            have = {(one.agent, one.mode) for one in found}
            for one in (one for one in found if one.agent == EVERYBODY):
                for other in among:
                    if other not in agents and (other, one.mode) not in have:
                        same = {"mode": one.mode, "reason": one.reason, "by": one.by}
                        values = {"agent": other, "since": one.since, **same}
                        c.execute(insert(controls).values(**values))
            for name in told:
                log(c, "agent.resumed", {"of": name, "by": by})
            wake(c)
            return told

        return await self._database.write(work)

    async def settle(self, *, mine: Sequence[str] = ()) -> None:
        """Forget drains that concern nobody any more: no run is left that they were said to.

        Args:
            mine: runs that begin anew, and so are not concerned either.
        """

        def work(c: Connection) -> None:
            draining = select(controls).where(controls.c.mode == DRAINING)
            for row in c.execute(draining).mappings().all():
                left = select(runs.c.id).where(
                    runs.c.ended_at.is_(None), runs.c.started_at <= row["since"],
                    runs.c.id.not_in(list(mine)),
                )  # fmt: skip
                if row["agent"] != EVERYBODY:
                    left = left.where(runs.c.agent == row["agent"])
                if c.execute(left.limit(1)).first() is None:
                    c.execute(
                        delete(controls).where(
                            controls.c.agent == row["agent"], controls.c.mode == DRAINING
                        )
                    )

        await self._database.write(work)

    async def all(self) -> list[Control]:
        """Every control there is."""
        return await self._database.hot.controls()
