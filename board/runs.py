"""Runs: one process's life of one agent. Identity is per run, never per name."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Sequence

from sqlalchemy import Connection, insert, select, update

from neveridle.board.database import Database
from neveridle.board.schema import agents, attempts, runs
from neveridle.board.sql import NOW, log


class Runs:
    """``board.runs``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, agent: str, *, role: str, skills: Sequence[str]) -> str:
        """Register a new run of an agent; its id."""
        run = uuid.uuid4().hex

        def work(c: Connection) -> str:
            values = {"role": role, "skills": list(skills), "seen_at": NOW}
            known = select(agents.c.name).where(agents.c.name == agent)
            if c.execute(known).first() is None:
                c.execute(insert(agents).values(name=agent, **values))
            else:
                c.execute(update(agents).where(agents.c.name == agent).values(**values))
            c.execute(
                insert(runs).values(
                    id=run, agent=agent, host=socket.gethostname(), pid=os.getpid(),
                    started_at=NOW, heartbeat_at=NOW,
                )
            )  # fmt: skip
            log(c, "run.started", {"pid": os.getpid()}, agent=agent, run=run)
            return run

        return await self._database.write(work)

    async def end(self, ids: Sequence[str]) -> None:
        """Note that these runs are over."""

        def work(c: Connection) -> None:
            live = select(runs.c.id, runs.c.agent, runs.c.started_at).where(
                runs.c.id.in_(list(ids)), runs.c.ended_at.is_(None)
            )
            for run, agent, started_at in c.execute(live).all():
                c.execute(update(runs).where(runs.c.id == run).values(ended_at=NOW))
                log(c, "run.ended", {"started_at": started_at}, agent=agent, run=run)

        await self._database.write(work)

    async def bury(self, ids: Sequence[str]) -> None:
        """Note that the process of these runs is known to be dead: their leases end now.

        Whoever sweeps next returns what they held, as after any lease that ran out.
        """

        def work(c: Connection) -> None:
            c.execute(
                update(attempts)
                .where(attempts.c.state == "active", attempts.c.run.in_(list(ids)))
                .values(lease_until=NOW)
            )
            lived = select(runs.c.id, runs.c.agent, runs.c.started_at, runs.c.heartbeat_at)
            live = lived.where(runs.c.id.in_(list(ids)), runs.c.ended_at.is_(None))
            for run, agent, started_at, heartbeat_at in c.execute(live).all():
                c.execute(update(runs).where(runs.c.id == run).values(ended_at=NOW))
                data = {"started_at": started_at, "heartbeat_at": heartbeat_at}
                log(c, "run.died", data, agent=agent, run=run)

        await self._database.write(work)
