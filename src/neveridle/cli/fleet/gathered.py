"""One report of what came of several processes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from neveridle.cli.fleet.place import Place
from neveridle.graph.report import AttemptLine, RunReport


@dataclass(slots=True)
class Gathered:
    """What the processes of a fleet told, put together as it comes.

    Attributes:
        report: of all of them.
        runs: of all processes there have been.
        error: what a process could not begin for; the last one's.
        reason: why a process ended that ended by itself; the last one's.
    """

    report: RunReport = field(default_factory=RunReport)
    runs: list[str] = field(default_factory=list[str])
    error: dict[str, str] | None = None
    reason: str = "stopped"

    def hear(self, place: Place, message: dict[str, Any]) -> None:
        """Take in one message of a process."""
        match message["say"]:
            case "began":
                self.runs.append(message["run"])
            case "ended":
                line: dict[str, Any] = message["line"]
                path: list[str] = line.pop("path")
                self.report.add(AttemptLine(**line, path=tuple(path)))
            case "ready":
                self._notices(message["notices"])
            case "error":
                self.error = {k: str(v) for k, v in message.items() if k != "say"}
            case "report":
                self._add(place, message["report"])
            case _:
                pass

    def _add(self, place: Place, one: dict[str, Any]) -> None:
        report = self.report
        report.ticks += int(one["ticks"])
        report.problems += [p for p in one["problems"] if p not in report.problems]
        self._notices(one["notices"])
        self.reason = str(one["reason"])
        for agent, problem in one["stopped"].items():
            other = agent in report.stopped
            report.stopped[f"{agent} in process {place.number}" if other else agent] = problem

    def _notices(self, said: list[str]) -> None:
        known = self.report.notices
        known += [notice for notice in said if notice not in known]


def as_dict(report: RunReport, places: list[Place]) -> dict[str, Any]:
    """As printed by ``--json``: a run's report, and what became of each process."""
    processes = [
        {
            "number": place.number,
            "agents": place.agents,
            "restarts": place.restarts.restarts,
            "exit_code": place.code,
            "end": str(place.verdict or "over"),
        }
        for place in places
    ]
    return {**report.as_dict(), "processes": processes}
