"""Faults of the machine: its clock, its disk, and what dead processes left behind."""

from __future__ import annotations

from typing import Any

from neveridle.board import Source
from neveridle.board.simulation import BoardTime, simulated_loop
from neveridle.board.sqlite.database import PAGES
from neveridle.errors import NotFound, StateConflict
from neveridle.evals.faults.diary import Diary
from neveridle.evals.faults.plan import ClockJump, DiskFull, Pause, StaleLock
from neveridle.evals.faults.trigger import fits
from neveridle.graph.team import Team


def jump(fault: ClockJump | Pause, time: BoardTime | None, diary: Diary) -> str:
    """Let time jump.

    Raises:
        StateConflict: time is not simulated here.
    """
    loop = simulated_loop()
    if loop is None or time is None:
        msg = "Only simulated time can jump."
        raise StateConflict(msg, remedy='Set clock = "simulated" in [run].')
    if isinstance(fault, ClockJump) and fault.of == "board":
        diary.shifted += fault.seconds
        time.shift(fault.seconds)
        return f"the board's clock: {fault.seconds:+g} s"
    loop.suspend(fault.seconds)
    return f"the machine stood still for {fault.seconds:g} s"


async def leave_lock(fault: StaleLock, team: Team) -> str:
    """Leave a lock behind, as a process that died.

    Raises:
        NotFound: there is no task that could be held.
    """
    if fault.of == "lease":
        return await _hold(fault, team)
    path = _lock(fault, team)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return f"a lock was left behind: {path.name}"


async def take_lock(fault: StaleLock, team: Team) -> None:
    """Somebody takes the lock away."""
    if fault.of != "lease":
        _lock(fault, team).unlink(missing_ok=True)


def _lock(fault: StaleLock, team: Team) -> Any:
    folder = team.settings.repository / ".git"
    names = {"index": "index.lock", "head": "HEAD.lock", "ref": f"refs/heads/{fault.ref}.lock"}
    return folder / names[fault.of]


async def _hold(fault: StaleLock, team: Team) -> str:
    for one in team.roster:
        if not fits(fault.agent, one.name):
            continue
        run = await team.board.runs.start(one.name, role=one.role, skills=one.skills)
        found = await team.board.attempts.claim(
            agent=one.name, run=run, skills=one.skills, source=Source(fault.source),
            lease=fault.seconds,
        )  # fmt: skip
        if found is not None:
            return f"{one.name} died in another process with task {found.attempt.task_id}"
        await team.board.runs.end([run])
    msg = f"No task of the rung '{fault.source}' can be held."
    raise NotFound(msg)


async def fill_disk(fault: DiskFull, team: Team) -> str:
    """Leave no space."""
    await _leave(fault, team, fault.pages)
    return f"no space is left for the {fault.of}"


async def free_disk(fault: DiskFull, team: Team) -> None:
    """Leave space again."""
    await _leave(fault, team, None)


async def _leave(fault: DiskFull, team: Team, pages: int | None) -> None:
    if fault.of == "board":
        database: Any = team.board.database
        await database.leave_pages(pages)
        return
    saver: Any = await team.checkpoints.saver()
    there = int(saver.conn.execute("PRAGMA page_count").fetchone()[0])
    limit = PAGES if pages is None else there + pages
    saver.conn.execute(f"PRAGMA max_page_count = {limit}")
