"""A trace's ids follow from its attempt, so that nothing need be kept to link to it later.

A resumed attempt links to the trace of the one before it, which another process may have
worked on. Run, task and fence are on the board, and no two attempts share them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

_next: ContextVar[tuple[int, int] | None] = ContextVar("neveridle_next_ids", default=None)


def ids_of(run: str, task: int, fence: int) -> tuple[int, int]:
    """Ids of the trace of an attempt, and of its first span; never 0.

    Args:
        run: the run that works on it.
        task: the task.
        fence: the fence of the attempt.
    """
    digest = hashlib.sha256(f"neveridle:{run}:{task}:{fence}".encode()).digest()
    return int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1


@contextmanager
def with_ids(ids: tuple[int, int]) -> Generator[None]:
    """Give the span that is started in the block these ids."""
    token = _next.set(ids)
    try:
        yield
    finally:
        _next.reset(token)


class AttemptIds(RandomIdGenerator):
    """Random ids, but for the spans that begin an attempt."""

    def generate_trace_id(self) -> int:
        """See ``IdGenerator``."""
        given = _next.get()
        return super().generate_trace_id() if given is None else given[0]

    def generate_span_id(self) -> int:
        """See ``IdGenerator``."""
        given = _next.get()
        return super().generate_span_id() if given is None else given[1]
