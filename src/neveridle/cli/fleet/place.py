"""A place in the fleet: one process at a time, and what it told."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from neveridle.cli.fleet.restarts import Restarts, Verdict

LONGEST = 1 << 24
"""Bytes of one message at most: a report with all its problems."""


@dataclass(slots=True, kw_only=True)
class Place:
    """A place in the fleet.

    Attributes:
        number: from 1.
        agents: who works there.
        asked: what its processes are told to run.
        restarts: its deaths, and what followed.
        process: the one that lives there now.
        idle: the version of the board at which nothing was left to do there; None: there is.
        runs: the runs of the process that lives there.
        ended: whether that process said that its work is over.
        code: how its last process ended.
        verdict: what followed; None: it is alive, or is being started again.
    """

    number: int
    agents: list[str]
    asked: dict[str, Any]
    restarts: Restarts
    process: Process | None = None
    idle: int | None = None
    runs: list[str] = field(default_factory=list[str])
    ended: bool = False
    code: int | None = None
    verdict: Verdict | None = None

    @property
    def name(self) -> str:
        """As people read it."""
        return f"process {self.number} ({', '.join(self.agents)})"

    async def live(self, hear: Callable[[Place, dict[str, Any]], None]) -> int:
        """Start a process and hear it out until it has ended; its exit code.

        Args:
            hear: called with each of its messages.
        """
        self.idle, self.ended, self.runs = None, False, []
        module = "neveridle.cli.fleet.worker"
        # In a group of its own: a terminal's Ctrl-C is for the supervisor, who passes it on.
        process = self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", module, str(self.number), ",".join(self.agents)),
            stdin=PIPE,
            stdout=PIPE,
            limit=LONGEST,
            process_group=0,
        )
        assert process.stdout is not None  # it is a pipe
        self.tell(json.dumps(self.asked))
        try:
            while line := await process.stdout.readline():
                self._take_in(json.loads(line))
                hear(self, json.loads(line))
            return await process.wait()
        finally:
            if process.returncode is None:  # we are given up ourselves
                process.kill()
                await process.wait()
            self.process, self.idle = None, None

    def _take_in(self, message: dict[str, Any]) -> None:
        match message["say"]:
            case "began":
                self.runs.append(message["run"])
            case "idle":
                self.idle = message["version"]
            case "report":
                self.ended = True
            case _:
                pass

    def tell(self, line: str) -> None:
        """Give the process a line; nothing happens where there is none any more."""
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.write(f"{line}\n".encode())

    def send(self, number: int) -> None:
        """Send the process a signal; nothing happens where there is none any more."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(number)
