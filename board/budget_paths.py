"""What budgets need of a database beyond ordinary transactions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from neveridle.board.budget import Call, Cap, Standing
from neveridle.board.storable import storable

COLUMNS = ", ".join(f'"{name}"' for name in Standing.__dataclass_fields__)
"""The columns of a ``Standing``, in the order of its fields."""
LOST = 1000
"""Lost calls that one sweep books at most; the next one goes on."""


class BudgetPaths(Protocol):
    """The part of a database that is asked around each call of a model; each is one hop."""

    async def reserve(self, call: Call, caps: Sequence[Cap]) -> int | Cap | None:
        """Hold a call's worst case in all of these windows, or in none; survives a power cut.

        Args:
            call: what it may cost.
            caps: the windows, as ``in_order`` gives them.

        Returns:
            The reservation; the cap for which there will be no room, its window closed; None:
            not while others are on their way.
        """
        ...

    async def settle(self, reservation: int, tokens: int, nanos: int, event: str) -> bool:
        """Book and log what a call has cost; whether its reservation was there."""
        ...

    async def cancel(self, reservation: int) -> bool:
        """Let go of what a call held; whether its reservation was there."""
        ...

    async def lose(self) -> int:
        """Book what nobody settled in time at its worst; how many calls they were."""
        ...

    async def standing(self, scopes: Sequence[tuple[str, str]]) -> list[Standing]:
        """How these windows stand; those without a row are left out."""
        ...

    async def closed(self) -> list[Standing]:
        """The windows that are closed now."""
        ...

    async def running(self) -> list[Standing]:
        """The windows that end and have not ended yet, and the team's."""
        ...


def details(call: Call, caps: Sequence[Cap]) -> str:
    """What a reservation remembers of its call, as ``reservations.scopes`` holds it."""
    windows = [[storable(cap.scope), cap.window] for cap in caps]
    found = {"promised": [call.tokens, call.nanos], "windows": windows}
    return json.dumps(found, separators=(",", ":"))


def event_data(data: Mapping[str, Any]) -> str:
    """An event's data as it is stored: ASCII, so that half a surrogate pair does no harm."""
    return json.dumps(dict(data), separators=(",", ":"))
