"""Alerts: what people are called for, each thing once, and told of beside the work."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from neveridle.agents.escalation import (
    EscalationLevel,
    Rules,
    Trouble,
    category_of,
    level_of,
)
from neveridle.board import Board
from neveridle.board.alerts import Kept
from neveridle.board.alerts_found import DOWN, FAILED, HELD, STOPPED, Found
from neveridle.board.inbox_item import Item, ItemKind, NewItem
from neveridle.board.notices import Taken
from neveridle.board.raising import Telling
from neveridle.errors import NeveridleError, ServiceError
from neveridle.settings import Settings
from neveridle.tools.notify.payload import clean, payload_of
from neveridle.tools.notify.targets import Target, targets_by_level, targets_of
from neveridle.tools.redact import redact

if TYPE_CHECKING:
    from neveridle.graph.state import Problem

AGAIN: Final = 30.0
"""Real seconds until the next look where one failed."""
APART: Final = 0.2
"""Real seconds between two looks at least, however often something is put."""
LAST: Final = 5.0
"""Real seconds for a last look when the team closes; what is left is sent by who looks next."""
ROUNDS: Final = 100
"""Batches of notices that one look sends at most."""

log = logging.getLogger(__name__)


class Alert:
    """``team.alert``: puts an alert into the inbox; people are told of it beside the work.

    Args:
        board: the board.
        settings: the team's.

    Attributes:
        rules: who is called for what.
        told: set when there may be something to send.
    """

    def __init__(self, board: Board, settings: Settings) -> None:
        said = settings.escalation
        self._board = board
        self._telling = Telling(
            remind=said.remind,
            reminders=said.reminders,
            per_hour=said.per_hour,
            targets=targets_by_level(said),
        )
        self.rules = Rules.of(settings)
        self.told = asyncio.Event()

    async def __call__(
        self,
        *,
        code: str,
        title: str,
        body: str = "",
        evidence: Mapping[str, Any] | None = None,
        agent: str | None = None,
        task: int | None = None,
        level: str = "HUMAN_ALERT",
        about: str = "",
    ) -> Item | None:
        """Call a person; while the same is open, it only counts there.

        Args:
            code: what kind of thing it is, such as ``task-failed`` or an error's code.
            title: what happened, in a line.
            body: at length, with what to do.
            evidence: what shows it, as plain JSON without secrets.
            agent, task: whose it is; none: the team's.
            level: ``HUMAN_ALERT`` or ``EMERGENCY``; ``escalation.levels`` for the code wins.
            about: what it is about, where that is neither the task nor the agent, such as
                ``day``: two alerts of one code about the same are one.

        Returns:
            The item; None: nobody is called for this code, as it is configured.
        """
        chosen = self.rules.levels.get(code, EscalationLevel(level))
        if not chosen.calls_people:
            return None
        what = about or (str(task) if task is not None else agent or "team")
        new = NewItem(
            kind=ItemKind.ALERT, fingerprint=f"alert:{code}:{what}", title=redact(title),
            body=redact(body), level=str(chosen), evidence=clean(dict(evidence or {})),
            agent=agent, task=task,
        )  # fmt: skip
        item = await self._board.alerts.put(new, code=code)
        if item.count == 1:
            await self.keep()
        return item

    async def stopped(self, agent: str, run: str, problem: Problem) -> None:
        """Say that an agent takes no more work; all that stop for one reason are one alert."""
        level = level_of(
            Trouble.of_problem(problem), failures=self.rules.attempts, rules=self.rules
        )
        if not level.calls_people:
            return
        service = problem.get("service", "")
        about = f"{problem['code']}{f'@{service}' if service else ''}"
        new = NewItem(
            kind=ItemKind.ALERT, fingerprint=f"alert:{STOPPED}:{about}", level=str(level),
            title=redact(f"{agent} stopped: {problem['message']}"), body=redact(problem["remedy"]),
            evidence={"code": problem["code"], "service": service}, agent=agent,
        )  # fmt: skip
        await self._board.alerts.put_stopped(new, agent=agent, run=run, code=problem["code"])
        await self.keep()

    async def keep(self) -> Kept:
        """Look at the board now: open what is wrong, withdraw what is over, raise what is due.

        Only reads where there is nothing to do. Targets are told by ``Alerting``, beside this.
        """
        alerts = self._board.alerts
        if not await alerts.look(self._level, self._telling):
            return Kept()
        kept = await alerts.keep(self._level, self._telling)
        if kept.raised:
            self.told.set()
        return kept

    def _level(self, found: Found) -> str | None:
        return level_for(found, self.rules)


def level_for(found: Found, rules: Rules) -> str | None:
    """The level of what was found on the board; None: nobody is called for it.

    What is configured for the kind of alert wins over what is for the error behind it.
    """
    chosen = rules.levels.get(found.code)
    if chosen is None:
        error = found.error or found.code
        trouble = Trouble(
            code=error, category=category_of(error), service=found.service,
            down=found.code in (DOWN, HELD),
        )  # fmt: skip
        chosen = level_of(trouble, failures=rules.attempts, rules=rules)
        if found.code == FAILED and not chosen.calls_people:
            chosen = EscalationLevel.HUMAN_ALERT  # agents have done what they could
    return str(chosen) if chosen.calls_people else None


class Alerting:
    """Opens, withdraws and raises alerts, and tells the configured targets.

    All processes of a team look, each once a heartbeat, and read only; what there is to do is
    done by the first that finds it, in one transaction. While there is nothing, nothing is
    written. No model is asked, and no task is made.

    Args:
        board: the board.
        settings: the team's.
        alert: what says that something was put.
        holder: who sends, as a name on the board.
        targets: who is told besides the channel, by name; None: as it is configured.
    """

    def __init__(
        self,
        board: Board,
        settings: Settings,
        alert: Alert,
        *,
        holder: str,
        targets: Mapping[str, Target] | None = None,
    ) -> None:
        said = settings.escalation
        self._board = board
        self._alert = alert
        self._holder = holder
        self._team = settings.team.name
        self._every = settings.leases.heartbeat
        self._targets = dict(targets_of(said, settings.root) if targets is None else targets)
        self._task: asyncio.Task[None] | None = None
        self._leaving = False

    async def look(self) -> Kept:
        """Look once, do what there is to do, and send what is to be sent."""
        kept = await self._alert.keep()
        if self._targets:
            for _ in range(ROUNDS):
                if not await self._send():
                    break
        return kept

    async def _send(self) -> int:
        """Send what can be sent now; how many notices that were."""
        alerts = self._board.alerts
        if not await alerts.any_to_send():
            return 0
        taken = await alerts.take(self._holder)
        await asyncio.gather(*(self._tell(one) for one in taken))
        return len(taken)

    async def _tell(self, taken: Taken) -> None:
        error, wait = "", None
        target = self._targets.get(taken.notice.target)
        try:
            if target is None:
                error = f"{taken.notice.target} is not configured here."
            else:
                await target.send(payload_of(taken, team=self._team), key=taken.key)
        except ServiceError as failed:
            error, wait = failed.message, failed.wait
        except NeveridleError as failed:
            error = failed.message
        await self._board.alerts.settle(taken, self._holder, error=redact(error), wait=wait)

    def start(self, *, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        """Begin to look, at once, when something was put, and with each heartbeat.

        Args:
            tell: whom to tell what went wrong, and where.
        """
        self._leaving = False
        self._task = asyncio.create_task(self._keep(tell), name="neveridle-alerting")

    async def _keep(self, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        while True:
            last = self._leaving
            try:
                self._alert.told.clear()
                await self._look(tell)
                if last:
                    return
                await asyncio.sleep(APART)
                if not self._leaving:
                    await self._board.clock.until(self._alert.told, self._every)
            except Exception as error:  # noqa: BLE001 - the next look may reach the board again
                log.warning("alerts could not be told: %s", redact(str(error)))
                await asyncio.sleep(AGAIN)

    async def _look(self, tell: Callable[[Exception, str], Awaitable[None]]) -> None:
        try:
            await self.look()
        except Exception as error:  # noqa: BLE001 - the team works on; it is told of
            await tell(error, "alerting")

    async def stop(self) -> None:
        """Look once more, and stop; what was not sent by then is sent by whoever looks next."""
        task, self._task = self._task, None
        if task is not None:
            self._leaving = True
            self._alert.told.set()
            # Not cut off at once: what was being sent could not be told from what was not.
            await asyncio.wait([task], timeout=LAST)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        for target in self._targets.values():
            await target.aclose()
