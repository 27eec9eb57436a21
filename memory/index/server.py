"""A Chroma server that a fleet shares. Blocking; one thread calls it."""

from __future__ import annotations

import socket
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from neveridle.errors import MemoryUnusable, SettingsInvalid
from neveridle.memory.index.chroma import CONFIGURATION, Vectors, settings
from neveridle.memory.index.dense import Batch, IndexAway, IndexBroken, Marker

if TYPE_CHECKING:
    import httpx
    import numpy as np
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection
    from numpy.typing import NDArray

_FORMAT = 3
_CONNECT, _ANSWER = 3.0, 30.0  # seconds until a server counts as away
_REBUILT = "-rebuilt"


class ServedChroma:
    """See ``DenseIndex``. The marker is the collection's metadata.

    Args:
        url: the server's, as in ``http://host:8000``.
        model: whose vectors it holds.
        board: names the board; each has a collection of its own.

    Raises:
        SettingsInvalid: the URL is none.
    """

    def __init__(self, url: str, *, model: str, board: str, rebuilt: bool = False) -> None:
        self._url, self._model, self._board = url, model, board
        self._host, self._port, self._ssl = _parts(url)
        self._plain = f"neveridle-{board[:32]}"
        self._name = f"{self._plain}{_REBUILT}" if rebuilt else self._plain
        self._client: ClientAPI | None = None
        self._sessions: list[httpx.Client] = []
        self._vectors: Vectors | None = None
        self._marker: Marker | None = None

    def open(self) -> Marker:
        """See ``DenseIndex``; an open one is left as it is."""
        if self._vectors is not None and self._marker is not None:
            return self._marker
        with self._guard():
            client = self._connected()
            self._finish(client)
            collection = client.get_or_create_collection(
                self._name,
                embedding_function=None,
                configuration=CONFIGURATION,
                metadata=self._data(Marker(self._model, self._name)),
            )
            marker = self._read(collection)
            self._vectors = Vectors(collection)
        self._marker = marker
        return marker

    def apply(self, batch: Batch) -> Marker:
        """See ``DenseIndex``."""
        with self._guard():
            vectors = self._opened
            vectors.apply(batch)
            assert self._marker is not None  # it is open
            marker = replace(self._marker, revision=batch.revision)
            vectors.collection.modify(metadata=self._data(marker))
        self._marker = marker
        return marker

    def query(
        self, vector: NDArray[np.float32], n: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """See ``DenseIndex``."""
        with self._guard():
            return self._opened.query(vector, n)

    def held(self, ids: Sequence[int]) -> Mapping[int, NDArray[np.float32]]:
        """See ``DenseIndex``."""
        with self._guard():
            return self._opened.held(ids)

    def count(self) -> int:
        """See ``DenseIndex``."""
        with self._guard():
            return self._opened.count()

    def rebuilt(self) -> ServedChroma:
        """See ``DenseIndex``: a collection of its own."""
        return ServedChroma(self._url, model=self._model, board=self._board, rebuilt=True)

    def adopt(self) -> Marker:
        """See ``DenseIndex``: the old collection goes, the new one takes its name.

        Killed between the two, there is none of that name; ``open`` does the rest.
        """
        with self._guard():
            client = self._connected()
            new = client.get_collection(f"{self._plain}{_REBUILT}", embedding_function=None)
            new.modify(metadata={**(new.metadata or {}), "complete": True})
            with suppress(_not_found()):
                client.delete_collection(self._name)
            self._vectors = self._marker = None
        return self.open()

    def discard(self) -> None:
        """See ``DenseIndex``."""
        with self._guard(), suppress(_not_found()):
            self._connected().delete_collection(self._name)
        self.close()

    def close(self) -> None:
        """See ``DenseIndex``."""
        client, self._client, self._vectors, self._marker = self._client, None, None, None
        while self._sessions:
            self._sessions.pop().close()  # Chroma's own closing leaves its connections open
        if client is not None:
            client.close()  # type: ignore[attr-defined]  # on the class, missing in its interface

    def _connected(self) -> ClientAPI:
        if self._client is None:
            # Chroma's client waits for ever by itself, already while it is made.
            with socket.create_connection((self._host, self._port), timeout=_CONNECT):
                pass
            import chromadb
            import httpx

            self._client = chromadb.HttpClient(
                self._host, self._port, ssl=self._ssl, settings=settings()
            )
            admin = getattr(self._client, "_admin_client", None)
            for one in (self._client, admin):
                session: Any = getattr(getattr(one, "_server", None), "_session", None)
                if isinstance(session, httpx.Client):
                    session.timeout = httpx.Timeout(_ANSWER, connect=_CONNECT)
                    self._sessions.append(session)
        return self._client

    def _finish(self, client: ClientAPI) -> None:
        """Give a rebuilt collection its name, where that was cut short."""
        if self._name != self._plain:
            return
        with suppress(_not_found()):
            client.get_collection(self._plain, embedding_function=None)
            return
        with suppress(_not_found()):
            new = client.get_collection(f"{self._plain}{_REBUILT}", embedding_function=None)
            data = dict(new.metadata or {})
            if data.pop("complete", False):
                new.modify(name=self._plain, metadata={**data, "complete": False})

    def _data(self, marker: Marker) -> dict[str, str | int]:
        return {
            "neveridle": _FORMAT,
            "model": marker.model,
            "board": self._board,
            "revision": marker.revision,
        }

    def _read(self, collection: Collection) -> Marker:
        data = cast("Mapping[str, object]", collection.metadata or {})
        if "neveridle" not in data:
            msg = f"{self._url}: the collection {self._name} is not neveridle's."
            raise MemoryUnusable(msg, remedy="Let memory use a server or a tenant of its own.")
        revision = data.get("revision")
        if data["neveridle"] != _FORMAT or not isinstance(revision, int):
            msg = "it was made by another version of neveridle"
            raise IndexBroken(msg)
        if data.get("model") != self._model:
            msg = f"it holds vectors of {data.get('model')}, not of {self._model}"
            raise IndexBroken(msg)
        return Marker(self._model, self._name, revision)

    @property
    def _opened(self) -> Vectors:
        if self._vectors is None:
            msg = "the index is not open"
            raise RuntimeError(msg)
        return self._vectors

    @contextmanager
    def _guard(self) -> Generator[None]:
        try:
            yield
        except (IndexBroken, IndexAway, MemoryUnusable, RuntimeError):
            raise
        except Exception as error:  # told as what it means, and raised on
            import httpx
            from chromadb.errors import ChromaError

            said = f"{type(error).__name__}: {str(error)[:200]}"
            unreached = isinstance(error, httpx.HTTPError | OSError)
            # A client that is made while the server stops says so in a ValueError.
            unmade = isinstance(error, ValueError) and self._client is None
            if unreached or unmade or (isinstance(error, ChromaError) and error.code() >= 500):
                self._vectors = self._marker = None  # opened again: it may be another by then
                msg = f"the Chroma server at {self._url} cannot be reached ({said})"
                raise IndexAway(msg) from error
            raise IndexBroken(said) from error


def _not_found() -> type[Exception]:
    from chromadb.errors import NotFoundError

    return NotFoundError


def _parts(url: str) -> tuple[str, int, bool]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        msg = f"server in [memory] is no URL of a Chroma server: {url!r}."
        raise SettingsInvalid(msg, remedy="Give it as in http://host:8000, or leave it empty.")
    ssl = parts.scheme == "https"
    return parts.hostname, port or (443 if ssl else 8000), ssl
