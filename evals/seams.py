"""Model and services of a play: from recordings, in the play's own time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from neveridle.board.simulation import simulated_loop
from neveridle.tools.models import Replaying
from neveridle.tools.recording.strays import Strays

if TYPE_CHECKING:
    from neveridle.graph.team import Team
    from neveridle.tools.recording.http_seam import HttpSeam

SHOWN = 2_000
"""Characters of a difference that a report shows."""


class Seams:
    """Gives a team its recordings, before it is opened. Use as ``async with Seams(team), team:``.

    In simulated time calls take the seconds that they took when they were recorded, so that
    what came one after the other then does so again.

    Args:
        team: not open yet; ``record`` and ``replay`` of its settings say what is done.
        lenient: whether the nearest recorded request answers where none fits exactly.
        wait: takes the seconds that a call of a model took; None: none.
    """

    def __init__(
        self,
        team: Team,
        *,
        lenient: bool = False,
        wait: Callable[[float], Awaitable[None]] | None = None,
    ) -> None:
        self._team = team
        self._http: HttpSeam | None = None
        team.replaying = Replaying(wait=wait, lenient=lenient)
        services = team.settings.services
        if team.given_transport is None and (services.record or services.replay):
            from neveridle.tools.recording.http_seam import HttpSeam

            async def now() -> float:
                return await team.board.clock.now()

            late = asyncio.sleep if simulated_loop() is not None else None
            self._http = HttpSeam.of(
                services, root=team.settings.root, now=now, wait=late, lenient=lenient
            )
            team.given_transport = self._http.transport

    def strays(self) -> list[Strays]:
        """Of each recording, the requests that it did not hold exactly."""
        found = [one.strays for one in self._team.models.recordings]
        if self._http is not None and self._http.recording is not None:
            found.append(self._http.recording.strays)
        return found

    async def __aenter__(self) -> Seams:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._http is not None:
            self._http.close()


def differences(strays: list[Strays]) -> str:
    """What was not as recorded, for a report; empty: all was."""
    said = [one for stray in strays for one in stray.differences]
    text = "\n".join(said)
    return text if len(text) <= SHOWN else text[:SHOWN] + " …"
