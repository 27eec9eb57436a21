"""What ``neveridle run`` shows while it runs: a live view, or plain lines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Any

from neveridle.cli.screen import clean, console, moment, say, styled, table

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

    from neveridle.board import Event
    from neveridle.cli.follower import Follower

STEP = 0.5
"""Seconds between two looks at the log."""


class Progress:
    """Shows what a follower reads.

    Args:
        follower: who reads the log.
        agents: the agents that run.
        quiet: show nothing: for ``--json``.
        waits: until when all only wait, in seconds since 1970; None: they do not.
    """

    def __init__(
        self,
        follower: Follower,
        agents: list[str],
        *,
        quiet: bool,
        waits: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._follower = follower
        self._agents = agents
        self._quiet = quiet
        self._waits = waits
        self._said: float | None = None
        self._console: Console = console()
        self._live: Live | None = None

    @contextlib.asynccontextmanager
    async def shown(self) -> AsyncGenerator[None]:
        """Show it while the block runs; what happened last is shown before it ends."""
        from rich.live import Live

        await self._follower.start()
        with contextlib.ExitStack() as stack:
            if not self._quiet and self._console.is_terminal:
                self._live = stack.enter_context(
                    Live(self.view(), console=self._console, transient=True, auto_refresh=False)
                )
            watcher = asyncio.create_task(self._watch(), name="neveridle-progress")
            try:
                yield
            finally:
                watcher.cancel()
                await asyncio.gather(watcher, return_exceptions=True)
                await self._step()
                self._live = None

    async def _watch(self) -> None:
        while True:
            await self._step()
            await asyncio.sleep(STEP)

    async def _step(self) -> None:
        from datetime import datetime

        new = await self._follower.step()
        for event in new:
            said = self._follower.sentence(event)
            if said and not self._quiet:
                at = datetime.fromtimestamp(event.at).astimezone().strftime("%H:%M:%S")
                self._line(f"{at} {self._who(event)}{said}")
        waits = self._waits()
        if waits is not None and waits != self._said and not self._quiet:
            why = "a lease, perhaps of a process that died, a retry, or a budget's next day"
            self._line(f"waiting until {moment(waits)}: {why}")
            self._said = waits
        if self._live is not None and new:
            self._live.update(self.view(), refresh=True)

    def _who(self, event: Event) -> str:
        width = max((len(name) for name in self._agents), default=0)
        return f"{event.agent or '':<{width}} "

    def _line(self, text: str) -> None:
        if self._live is None:
            say(text, lines=False)
        else:  # above the live view, where it stays
            self._live.console.print(clean(text), overflow="ellipsis", no_wrap=True)

    def view(self) -> RenderableType:
        """The agents and what they do, and what it cost so far."""
        from rich.console import Group
        from rich.text import Text

        rows: list[tuple[Any, ...]] = []
        for name in self._agents:
            doing = self._follower.doing.get(name)
            if doing is None:
                rows.append((name, "", styled("rests", "dim"), "", ""))
            else:
                title = f"#{doing.task} {doing.title}"
                rows.append((name, doing.rung, styled(doing.phase, "cyan"), doing.calls, title))
        report = self._follower.report
        total = (
            f"tasks completed: {report.endings.get('completed', 0)}, "
            f"{report.model_calls:,} model calls, "
            f"{report.input_tokens + report.output_tokens:,} tokens. Ctrl-C stops."
        )
        shown = table("agent", "rung", "phase", "calls", "task", rows=rows)
        return Group(Text(), shown, Text(), Text(total))
