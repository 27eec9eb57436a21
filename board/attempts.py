"""The attempts on the board: claims, phases, and the ways an attempt ends."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, select, update

from neveridle.board.attempt import Attempt, AttemptState, Claim, Phase
from neveridle.board.attempt_rows import (
    change_task,
    end_attempt,
    log_attempt,
    own,
    release_attempt,
    same_attempt,
)
from neveridle.board.barrier import check_in_by_task
from neveridle.board.database import Database
from neveridle.board.dependants import tell_stuck
from neveridle.board.escalation import HUMAN_ALERT, Peer, ask_peer
from neveridle.board.lineage import wake_for
from neveridle.board.memories.lessons import insert_lesson
from neveridle.board.needs import await_service
from neveridle.board.peer_asking import give_up
from neveridle.board.places import follow
from neveridle.board.rows import attempt_from_row
from neveridle.board.schema import attempts, tasks
from neveridle.board.sql import NOW, log
from neveridle.board.task import Source
from neveridle.board.withdrawal import withdraw_closed
from neveridle.board.work_alerts import alert_circles, alert_failed, alert_stuck, calm
from neveridle.board.work_times import worked_before


class Attempts:
    """``board.attempts``. Every write carries the fence; a stale one raises ``LeaseLost``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def peek(self, agent: str, skills: Sequence[str], source: Source) -> int | None:
        """The id of the best task this agent could claim from a rung now; None: there is none."""
        return await self._database.hot.peek(agent, json.dumps(list(skills)), source)

    async def claim(
        self, *, agent: str, run: str, skills: Sequence[str], source: Source, lease: float
    ) -> Claim | None:
        """Take the best runnable task of a rung, in one transaction.

        Args:
            agent: who claims; tasks addressed to others are left alone.
            run: the run's id, which must be registered.
            skills: what the agent can do; a task's skills must all be among them.
            source: the rung.
            lease: seconds until ownership ends unless it is renewed.
        """
        return await self._database.hot.claim(
            agent=agent, run=run, skills=json.dumps(list(skills)), source=source, lease=lease
        )

    async def renew(self, runs: Sequence[str], *, lease: float) -> set[tuple[int, int]]:
        """One heartbeat for all runs of a process; task and fence of what they still own.

        Args:
            runs: the ids of the runs.
            lease: seconds from now until ownership ends unless it is renewed again.
        """
        return await self._database.hot.renew(runs, lease)

    async def get(self, task: int, fence: int) -> Attempt | None:
        """One attempt."""

        def work(c: Connection) -> Attempt | None:
            mine = (attempts.c.task_id == task) & (attempts.c.fence == fence)
            row = c.execute(select(attempts).where(mine)).mappings().first()
            return None if row is None else attempt_from_row(row)

        return await self._database.read(work)

    async def of(self, task: int) -> list[Attempt]:
        """All attempts at a task, oldest first."""
        query = select(attempts).where(attempts.c.task_id == task).order_by(attempts.c.fence)

        def work(c: Connection) -> list[Attempt]:
            return [attempt_from_row(row) for row in c.execute(query).mappings()]

        return await self._database.read(work)

    async def worked_before(self, attempt: Attempt) -> float:
        """Seconds that were worked, under the same number, before this attempt resumed them.

        Neither the time between nor what passed after a worker's last heartbeat counts.
        """
        return await self._database.read(lambda c: worked_before(c, attempt))

    async def active(self) -> list[Attempt]:
        """All attempts that own their task now."""
        query = select(attempts).where(attempts.c.state == "active").order_by(attempts.c.task_id)

        def work(c: Connection) -> list[Attempt]:
            return [attempt_from_row(row) for row in c.execute(query).mappings()]

        return await self._database.read(work)

    async def record(
        self,
        attempt: Attempt,
        *,
        phase: Phase | None = None,
        branch: str | None = None,
        base: str | None = None,
        commit: str | None = None,
        outcome: Mapping[str, Any] | None = None,
        evidence: Mapping[str, Any] | None = None,
    ) -> Attempt:
        """Durably note how far the attempt has come; None leaves a fact as it is.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """
        facts: dict[str, Any] = {
            "phase": None if phase is None else str(phase),
            "branch": branch,
            "base": base,
            "commit": commit,
            "outcome": None if outcome is None else dict(outcome),
            "evidence": None if evidence is None else dict(evidence),
        }
        facts = {name: value for name, value in facts.items() if value is not None}

        def work(c: Connection) -> Attempt:
            own(c, attempt)
            if facts:
                c.execute(update(attempts).where(same_attempt(attempt)).values(**facts))
            row = c.execute(select(attempts).where(same_attempt(attempt))).mappings().one()
            if phase is not None:
                log(
                    c, "attempt.phase", {"phase": str(phase)}, agent=attempt.agent,
                    run=attempt.run, task=attempt.task_id, fence=attempt.fence,
                )  # fmt: skip
            return attempt_from_row(row)

        return await self._database.write(work)

    async def check(self, attempt: Attempt) -> None:
        """Ask the board whether the attempt still owns its task.

        For what is written elsewhere, as to the repository: the board cannot refuse that.

        Raises:
            LeaseLost: it does not.
        """
        await self._database.read(lambda c: own(c, attempt))

    async def complete(
        self, attempt: Attempt, *, learning: Mapping[str, Any] | None = None
    ) -> list[int]:
        """End the attempt and its task as completed; the ids of the tasks this made runnable.

        Args:
            attempt: the attempt.
            learning: the lesson drawn from it, stored in the same transaction: the fields of
                ``NewMemory`` without task and time, and what ``insert_lesson`` takes besides.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """
        end: dict[str, Any] = {
            "task": attempt.task_id, "fence": attempt.fence, "run": attempt.run,
        }  # fmt: skip
        hot = self._database.hot
        if learning is None and attempt.fence == 1:  # nobody was called for a first attempt
            woken = await hot.complete(**end)
            if woken is not None:
                return woken

        def work(c: Connection) -> list[int]:
            woken = hot.complete_within(c, **end)
            if learning is not None:
                insert_lesson(c, attempt, learning)
            calm(c, attempt.task_id)
            return [*woken, *check_in_by_task(c, attempt.task_id)]

        return await self._database.write(work)

    async def fail(
        self,
        attempt: Attempt,
        *,
        code: str,
        error: str,
        limit: int,
        retry_in: float | None = None,
        evidence: Mapping[str, Any] | None = None,
        learning: Mapping[str, Any] | None = None,
        peer: Peer | None = None,
        circles: Mapping[str, Any] | None = None,
        level: str = HUMAN_ALERT,
    ) -> bool:
        """End the attempt as failed; whether its task will be tried again by itself.

        After ``limit`` failed attempts the task is dispatched to a peer, once, where there
        is one; then it is blocked for a person.

        Args:
            attempt: the attempt.
            code: the stable code of the error.
            error: what happened, for people and for the next attempt.
            limit: failed attempts after which a person is asked.
            retry_in: seconds before it may be tried again; None: at once. Given, the
                failure is a service's and does not count against the task.
            evidence: what verify saw; None leaves it as it is.
            learning: see ``complete``.
            peer: another agent that could do it; None: there is none.
            circles: what shows that it went in circles, for people.
            level: that of the escalation where a person is asked.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """

        def work(c: Connection) -> bool:
            own(c, attempt)
            facts: dict[str, Any] = {"error_code": code, "error": error}
            if evidence is not None:
                facts["evidence"] = dict(evidence)
            end_attempt(c, attempt, AttemptState.FAILED, **facts)
            if learning is not None:
                insert_lesson(c, attempt, learning)
            counts = 0 if retry_in is not None else 1
            failures = c.execute(
                update(tasks)
                .where(tasks.c.id == attempt.task_id)
                .values(failures=tasks.c.failures + counts)
                .returning(tasks.c.failures)
            ).scalar_one()
            data = {"code": code, "error": error[:500], "failures": failures,
                    "started_at": attempt.started_at}  # fmt: skip
            log_attempt(c, "attempt.failed", attempt, data)
            if circles is not None:
                alert_stuck(c, attempt, error, circles)
            if retry_in is not None:
                change_task(c, attempt, state="waiting", waiting_on="retry",
                           waiting_until=NOW + retry_in)  # fmt: skip
                return True
            if failures >= limit:
                if give_up(c, attempt.task_id, f"{failures} attempts failed"):
                    return False
                if peer is not None and ask_peer(
                    c, attempt, peer, failures=failures, code=code, error=error
                ):
                    return True
                said = {"level": level, "code": code, "to": "human", "failures": failures}
                log_attempt(c, "task.escalated", attempt, said)
                action = (
                    f"{failures} attempts failed, the last with: {error[:300]} — look at "
                    f"`neveridle tasks show {attempt.task_id}`, then "
                    f"`neveridle tasks retry {attempt.task_id}`"
                )
                change_task(c, attempt, state="blocked", blocked_owner="human",
                           blocked_action=action)  # fmt: skip
                log_attempt(c, "task.blocked", attempt, {"owner": "human", "action": action})
                alert_failed(c, attempt, action, level=level)
                follow(c, attempt.task_id)
                tell_stuck(c, attempt.task_id, "blocked")
                return False
            change_task(c, attempt, state="pending")
            wake_for(c, [attempt.task_id])
            return True

        return await self._database.write(work)

    async def block(
        self,
        attempt: Attempt,
        *,
        owner: str,
        action: str,
        learning: Mapping[str, Any] | None = None,
        circles: Mapping[str, Any] | None = None,
    ) -> None:
        """End the attempt; its task is blocked until ``owner`` has done ``action``.

        ``circles``: what shows that it is only handed round; people are told of it.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """

        def work(c: Connection) -> None:
            own(c, attempt)
            end_attempt(c, attempt, AttemptState.BLOCKED)
            if learning is not None:
                insert_lesson(c, attempt, learning)
            if give_up(c, attempt.task_id, f"{attempt.agent} cannot say: {action[:300]}"):
                return
            change_task(c, attempt, state="blocked", blocked_owner=owner, blocked_action=action)
            data = {"owner": owner, "action": action, "started_at": attempt.started_at}
            log_attempt(c, "task.blocked", attempt, data)
            if circles is not None:
                alert_circles(c, attempt, action, circles)
            follow(c, attempt.task_id)
            tell_stuck(c, attempt.task_id, "blocked")

        await self._database.write(work)

    async def park(self, attempt: Attempt, *, on: str, until: float | None = None) -> None:
        """Give up the lease while something is awaited; the next claim resumes the attempt.

        Args:
            attempt: the attempt.
            on: what is awaited, such as ``human`` or ``ci``.
            until: when to look again by itself, by the board's clock; None: when told.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """

        def work(c: Connection) -> None:
            own(c, attempt)
            end_attempt(c, attempt, AttemptState.PARKED)
            change_task(c, attempt, state="waiting", waiting_on=on, waiting_until=until)
            data = {"on": on, "started_at": attempt.started_at}
            log_attempt(c, "attempt.parked", attempt, data)

        await self._database.write(work)

    async def withdraw(self, attempt: Attempt) -> bool:
        """Cancel the attempt's task if it was done or dropped at its source meanwhile.

        Not where the attempt's own work was verified, which may be what closed it. Whoever
        claims asks this first: what somebody else has done costs no model call.

        Returns:
            Whether it was.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """

        look, database = functools.partial(withdraw_closed, attempt=attempt), self._database
        return await database.read(look) and await database.write(
            functools.partial(look, change=True)
        )

    async def release(self, attempt: Attempt) -> None:
        """Return the task to the board unharmed; the next claim resumes the attempt.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """

        def work(c: Connection) -> None:
            own(c, attempt)
            release_attempt(c, attempt)

        await self._database.write(work)

    async def await_service(
        self, attempt: Attempt, service: str, why: str, *, learn: bool = True
    ) -> bool:
        """Return the task to the board unharmed until a service can be used again.

        It costs no attempt: the next claim resumes it.

        Args:
            attempt: the attempt.
            service: what it cannot go on without.
            why: what the service said, for people.
            learn: whether the task is known to need the service from now on, so that no
                claim hands it out before.

        Returns:
            False: the service can be used now, and nothing was changed.

        Raises:
            LeaseLost: the attempt does not own its task any more.
        """
        return await self._database.write(
            lambda c: await_service(c, attempt, service, why, learn=learn)
        )

    async def release_runs(self, runs: Sequence[str]) -> int:
        """Return everything that these runs still own; how many tasks that were."""

        def work(c: Connection) -> int:
            held = select(attempts).where(
                attempts.c.state == "active", attempts.c.run.in_(list(runs))
            )
            rows = [attempt_from_row(row) for row in c.execute(held).mappings()]
            for attempt in rows:
                release_attempt(c, attempt)
            return len(rows)

        return await self._database.write(work)
