"""Which process feeds an index: one at a time."""

from __future__ import annotations

import asyncio
import uuid
from typing import Final, Protocol

from neveridle.errors import MemoryUnusable
from neveridle.memory.index.dense import IndexAway
from neveridle.memory.index.owner import OwnerLock
from neveridle.memory.store import Leases, MemoryStore

LEASE: Final = "memory-index"
_SECONDS = 60.0  # by the board's clock; renewed with every batch
_IDENTITY = "memory-board"
_NAMING = 5.0  # seconds by the board's clock
_TRIES, _POLL = 50, 0.02  # real seconds between two looks at what another process is doing


class Leadership(Protocol):
    """The right to feed."""

    async def take(self) -> bool:
        """Have it, or keep it; False: somebody else has it. Never waits."""
        ...

    async def leave(self) -> None:
        """Leave it to others; a second call does nothing."""
        ...


class ByLock:
    """For an embedded index: the operating system's lock, gone when its process is."""

    def __init__(self, lock: OwnerLock) -> None:
        self._lock = lock

    async def take(self) -> bool:
        """See ``Leadership``. Raises MemoryUnusable."""
        try:
            return self._lock.acquire()
        except OSError as error:
            msg = f"The lock of the memory index cannot be opened ({error})."
            raise MemoryUnusable(msg, remedy="Let neveridle write to the team's home.") from error

    async def leave(self) -> None:
        """See ``Leadership``."""
        self._lock.release()


class ByLease:
    """For a server: a lease on the board; who dies loses it after a minute."""

    def __init__(self, store: MemoryStore) -> None:
        self._leases = store.syncs()
        self._holder = uuid.uuid4().hex
        self._asked = False

    async def take(self) -> bool:
        """See ``Leadership``."""
        self._asked = True  # before: who is cancelled meanwhile may have it all the same
        return await self._leases.hold(LEASE, self._holder, seconds=_SECONDS)

    async def leave(self) -> None:
        """See ``Leadership``."""
        if self._asked:
            self._asked = False
            await self._leases.release(LEASE, self._holder)


async def board_of(store: MemoryStore) -> str:
    """A name of the board behind a store, made up when it is first asked for.

    Raises IndexAway where another process began to name it and has not done so: killed at
    that, it leaves the naming to others after seconds.
    """
    leases = store.syncs()
    for _ in range(_TRIES):
        if name := await leases.token(_IDENTITY):
            return name
        # Shielded: cancelled half-way, nobody could name it for as long as that is held.
        if name := await asyncio.shield(asyncio.ensure_future(_named(leases))):
            return name
        await asyncio.sleep(_POLL)
    msg = "another process is giving the board its name"
    raise IndexAway(msg)


async def _named(leases: Leases) -> str:
    holder = uuid.uuid4().hex
    if not await leases.hold(_IDENTITY, holder, seconds=_NAMING):
        return ""
    # Somebody may have named it between the two.
    name = await leases.token(_IDENTITY) or uuid.uuid4().hex
    await leases.release(_IDENTITY, holder, token=name)
    return name
