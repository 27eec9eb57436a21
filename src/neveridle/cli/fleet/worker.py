"""One process of a fleet: started by the supervisor, spoken to through its pipes.

Its first line of input says, as JSON, what to run. Each further line is a word of the
supervisor's; the end of input means that the supervisor is gone. What it has to tell goes
out as JSON, a line each. It is started as ``python -m neveridle.cli.fleet.worker``.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

from neveridle.cli.interrupt import Interruption, leave
from neveridle.cli.observing import Observing
from neveridle.errors import NeveridleError
from neveridle.graph.report import AttemptLine, RunReport
from neveridle.graph.team import Team
from neveridle.settings.loader import settings_from

DRAIN = "drain"
"""The supervisor's word for: nothing is left to do, so end."""
CHUNK = 1 << 16


class Inbox:
    """Lines from the supervisor; read without Python's buffers, whose locks outlive threads."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._rest = b""

    def line(self) -> str | None:
        """The next line; None: the supervisor is gone."""
        while b"\n" not in self._rest:
            more = os.read(self._file, CHUNK)
            if not more:
                return None
            self._rest += more
        found, _, self._rest = self._rest.partition(b"\n")
        return found.decode()


class Outbox:
    """Tells the supervisor what comes of the run; see ``neveridle.graph.listener.Listener``."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._idle: int | None = -1
        self._turn = threading.Lock()

    def began(self, run: str) -> None:
        """See ``Listener``."""
        self.say("began", run=run)

    def ended(self, line: AttemptLine) -> None:
        """See ``Listener``."""
        self.say("ended", line=dataclasses.asdict(line))

    def idle(self, version: int | None) -> None:
        """See ``Listener``; said once until it changes."""
        if version != self._idle:
            self._idle = version
            self.say("idle", version=version)

    def say(self, what: str, **facts: Any) -> None:
        """Write one line; nothing happens where nobody reads any more."""
        data = json.dumps({"say": what, **facts}, default=str).encode() + b"\n"
        with self._turn:  # lines longer than a pipe takes at once must not mix
            try:
                while data:
                    data = data[os.write(self._file, data) :]
            except OSError:  # the supervisor is gone; the end of our input says so, too
                return


def main() -> None:
    """Run what the supervisor asks for, and end this process."""
    outbox = Outbox(os.dup(1))
    os.dup2(2, 1)  # what a library prints is no message
    inbox = Inbox(0)
    first = inbox.line()
    if first is None:
        return
    try:
        leave(_run(json.loads(first), inbox, outbox))
    except NeveridleError as error:
        outbox.say(
            "error", code=error.code, message=error.message, remedy=error.remedy, docs=error.docs
        )
        leave(error.exit_code)


def _run(asked: dict[str, Any], inbox: Inbox, outbox: Outbox) -> int:
    from neveridle.cli.running import give_back

    settings = settings_from(asked["settings"], Path(asked["root"]))
    team = Team(settings)

    async def whole() -> RunReport:
        async with team:
            outbox.say("ready", notices=team.notices)
            return await team.run(listener=outbox, **asked["how"])

    with (
        Observing(settings) as observing,
        Interruption(
            lambda: give_back(team), drain=team.drain, grace=float(asked["grace"])
        ) as interruption,
    ):
        threading.Thread(
            target=_listen, args=(inbox, interruption), name="neveridle-inbox", daemon=True
        ).start()
        report = interruption.run(whole())
        observing.close(hurried=report is None)
    if report is None:
        report = RunReport(reason="interrupted")
    report.notices, report.problems = team.notices, team.problems
    outbox.say("report", report={**report.as_dict(), "attempts": [], "endings": {}})
    return interruption.exit_code


def _listen(inbox: Inbox, interruption: Interruption) -> None:
    while (line := inbox.line()) is not None:
        if line == DRAIN:
            interruption.drain()
    if interruption.number is None:  # the supervisor died: as if it had sent this on
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
