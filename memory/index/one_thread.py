"""Linear algebra by one thread of the processor, for a moment."""

from __future__ import annotations

import importlib
from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import Any


@cache
def _pools() -> Any:
    importlib.import_module("numpy")  # its library must be loaded to be found
    from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]  # no types

    return ThreadpoolController()


@contextmanager
def one_thread() -> Generator[None]:
    """Keep numpy's BLAS from sharing small products among threads.

    They wait for each other by spinning: where something else needs the processor, a recall
    took six times the CPU time. Entering takes 6 µs.
    """
    with _pools().limit(limits=1, user_api="blas"):
        yield
