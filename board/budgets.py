"""What models have cost and may still cost, counted for all processes of the team."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neveridle.board.budget import Call, Cap, Standing, in_order
from neveridle.board.budget_paths import event_data
from neveridle.board.database import Database
from neveridle.errors import BudgetReached


class Budgets:
    """``board.budgets``; see ``docs/design/budgets.md``."""

    def __init__(self, database: Database) -> None:
        self._paths = database.budgets

    async def reserve(self, call: Call, caps: Sequence[Cap]) -> int | None:
        """Hold the worst case of a call in all of its budgets, or in none.

        Where the model has used more than was promised for it within the last week, more than
        the promise is held, by the factor that was learnt. Survives a power cut.

        Args:
            call: what it may cost.
            caps: the budgets it counts in.

        Returns:
            The reservation's id, for ``settle`` or ``cancel``; None: it may fit once other
            calls have ended.

        Raises:
            BudgetReached: it does not fit; that window is closed from now on.
        """
        found = await self._paths.reserve(call, in_order(caps))
        if isinstance(found, Cap):
            msg = f"The budget {found.scope} has no room for another call of {call.model}."
            remedy = (
                "Work goes on when its window ends, or at once with a higher cap."
                if found.ends_at is not None
                else "Work goes on with a higher cap."
            )
            raise BudgetReached(msg, remedy=remedy, scope=found.scope, until=found.ends_at)
        return found

    async def settle(
        self, reservation: int, *, tokens: int, nanos: int, event: Mapping[str, Any]
    ) -> bool:
        """Book what a call has really cost, and log it, in one transaction.

        What was used beyond the worst case is booked as well, and remembered: for a week more
        is held for this model. Survives the process's death; after a power cut the last one
        of each process may be missing, and its call counts its worst case.

        Args:
            reservation: from ``reserve``.
            tokens: tokens used.
            nanos: nano-dollars they cost.
            event: the data of the event ``model.call``.

        Returns:
            Whether it was booked. Where the reservation is gone, the call was settled before,
            or its worst case was booked as lost, and stays; nothing is logged.
        """
        return await self._paths.settle(reservation, tokens, nanos, event_data(event))

    async def cancel(self, reservation: int) -> bool:
        """Let go of what a call held: it was not made, or certainly cost nothing.

        Returns:
            Whether the reservation was there.
        """
        return await self._paths.cancel(reservation)

    async def book_lost(self) -> int:
        """Book the worst case of calls that nobody settled in time; how many they were.

        ``board.sweep`` does it; each is logged as ``budget.call_lost``.
        """
        return await self._paths.lose()

    async def standing(self, scopes: Sequence[tuple[str, str]]) -> list[Standing]:
        """How these windows of scopes stand; those in which nothing was spent are left out."""
        return await self._paths.standing(scopes)

    async def now_closed(self) -> list[Standing]:
        """The windows that are closed and have not ended, by scope."""
        return await self._paths.closed()

    async def all_standing(self, *windows: str) -> list[Standing]:
        """How all windows stand that go on now, and the team's without end; by scope.

        Tasks are left out: there are as many as the board remembers; ask ``standing``.

        Args:
            windows: the days that are asked for, as YYYY-MM-DD; none: all that go on.
        """
        found = await self._paths.running()
        return [one for one in found if not windows or not one.window or one.window in windows]
