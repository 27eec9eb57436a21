"""A worker that calls a service for some tasks; copied into a project as ``given.py``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from neveridle.settings.services import VercelSettings
from neveridle.tools.services import ServiceHttp, ServiceKit


class Caller:
    """Calls the service for a task whose title says so, and leaves a file."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._http: ServiceHttp | None = None

    def bind(self, team: Any) -> None:
        """Use an open team's board."""
        settings = VercelSettings(url=self._url, attempts=3, timeout=60)
        guard = ServiceKit(team.board.breakers, team.board.clock, {}).guard(settings)
        self._http = ServiceHttp(guard, self._url, headers={}, timeout=60)

    async def work(self, assignment: Any) -> Any:
        """See ``Worker``."""
        assert self._http is not None
        task = assignment.task
        if "service" in task.title:
            await self._http.request("GET", f"/{task.id}")
        (assignment.tree / f"{task.id}.txt").write_text("done\n", encoding="utf-8")
        return {"status": "completed", "summary": "Done."}


def given(root: Path) -> dict[str, Any]:
    """What the team is made with."""
    return {"worker": Caller((root / "url").read_text("utf-8"))}
