"""Whose work a line of the log or a span belongs to: known wherever the work leads.

Held in a context variable, so that it follows an agent's work through tasks and into threads,
and that lines of libraries have it, too. It needs nothing but the standard library: binding
costs the same whether or not anybody looks.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Final

FIELDS: Final = ("run", "agent", "task", "attempt", "fence")
"""What may be known, in the order in which it is shown.

``run`` is one process's life of an agent, ``task`` the task's id, ``attempt`` its number from 1,
``fence`` that of the lease. Only what is known is there.
"""

_NOBODY: Final[Mapping[str, str | int]] = MappingProxyType({})
_where: ContextVar[Mapping[str, str | int]] = ContextVar("neveridle_where", default=_NOBODY)


def where() -> Mapping[str, str | int]:
    """Whose work goes on here; empty: nobody's."""
    return _where.get()


@contextmanager
def working(**fields: str | int) -> Generator[None]:
    """Say, for the block, whose work goes on; replaces what was said around it."""
    token = _where.set(fields)
    try:
        yield
    finally:
        _where.reset(token)
