"""Telling a checkpoint that cannot be read any more from a database that is only busy."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from neveridle.errors import StateCorrupted

if TYPE_CHECKING:
    from langgraph.checkpoint.base import CheckpointTuple

UNDECODABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError)
"""What decoding raises, depending on where the bytes are wrong; no database raises these."""


@contextmanager
def reading(thread: str) -> Generator[None]:
    """Read a thread's checkpoint inside of this.

    Raises:
        StateCorrupted: it cannot be decoded, or its file is damaged. A database that is
            locked, full or away says so itself.
    """
    try:
        yield
    except sqlite3.OperationalError:
        raise
    except (*UNDECODABLE, sqlite3.DatabaseError) as error:
        raise corrupted(thread, f"{type(error).__name__}: {error}") from error


def whole(found: CheckpointTuple | None, thread: str) -> CheckpointTuple | None:
    """A checkpoint as it was found, when it has what every checkpoint has.

    Raises:
        StateCorrupted: it has not.
    """
    if found is not None:
        # Whatever its bytes decoded to: the type is only what it should be.
        stored = cast("Any", found.checkpoint)
        if not isinstance(stored, dict) or not isinstance(
            cast("dict[str, Any]", stored).get("channel_values"), dict
        ):
            raise corrupted(thread, "it is no checkpoint")
    return found


def corrupted(thread: str, why: str) -> StateCorrupted:
    """The error of a checkpoint that cannot be read."""
    return StateCorrupted(
        f"The checkpoint of attempt {thread} cannot be read: {why[:300]}",
        remedy="The task begins anew without it. Look at the disk it lies on before the agent "
        "works again.",
    )
