"""Windows of budgets that ended long ago; those of tasks go with them, the team's stays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, select, tuple_

from neveridle.board.aging import Page
from neveridle.board.schema import budgets

ROWS = 500
"""Rows looked at, and at most removed, in one transaction."""


class AgedBudgets:
    """See ``Aged``. What has no end never goes by its age."""

    name = "budgets"
    by = "events"

    def page(self, c: Connection, before: float, after: Any) -> Page:
        """See ``Aged``; ``after``: end, scope and window of the last row."""
        place = (budgets.c.ends_at, budgets.c.scope, budgets.c.window)
        query = select(*place).where(budgets.c.ends_at < before).order_by(*place).limit(ROWS)
        if after is not None:
            query = query.where(tuple_(*place) > tuple_(*after))
        rows = [tuple(row) for row in c.execute(query).all()]
        return Page([row[1:] for row in rows], None if len(rows) < ROWS else rows[-1])

    def remove(self, c: Connection, keys: Sequence[Any]) -> None:
        """See ``Aged``. A call that is on its way since then finds nothing to book on."""
        one = tuple_(budgets.c.scope, budgets.c.window)
        c.execute(delete(budgets).where(one.in_([tuple(key) for key in keys])))
