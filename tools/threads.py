"""Work in a thread that is not left behind."""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

T = TypeVar("T")


async def to_its_end(work: Callable[[], T], *, stop: threading.Event | None = None) -> T:
    """``asyncio.to_thread``, except that cancelled we still wait for the thread.

    A thread cannot be ended from outside. Left alone, it would go on writing where whoever
    cancelled us removes everything next, and could make it anew behind their back.

    Args:
        work: what to do; it should be short, or look at ``stop``.
        stop: set as soon as we are cancelled; what ``work`` returns or raises then is dropped.
    """
    context = contextvars.copy_context()
    job = asyncio.get_running_loop().run_in_executor(None, lambda: context.run(work))
    cancelled: asyncio.CancelledError | None = None
    while not job.done():
        try:
            await asyncio.wait([job])
        except asyncio.CancelledError as error:  # also a second one: the thread is no quicker
            cancelled = error
            if stop is not None:
                stop.set()
    if cancelled is not None:
        job.exception()  # looked at, or asyncio would complain that nobody did
        raise cancelled
    return job.result()
