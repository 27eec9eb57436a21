"""The vector index: an embedded Chroma in one folder. Blocking; one thread calls it."""

from __future__ import annotations

import errno
import json
import re
import secrets
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neveridle.errors import DiskFull, MemoryUnusable

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection
    from numpy.typing import NDArray

_COLLECTION = "memory"
_MARKER = "index.json"
_FORMAT = 2
EXACT_ROWS = 2_000
"""Up to so many rows are compared one by one, with the vectors that Chroma holds.

Its graph search misses rows where many others are nearly alike: among 800 reports of the same
kind, 12 of 60 lessons were not found by their own words. Comparing 2,000 rows takes 2 ms.
"""
_NAME = r"chroma-[0-9a-f]{8}"
_NO_SPACE = 1 << 20  # bytes free below which a failed write is put down to a full disk


class IndexBroken(Exception):
    """The index cannot be read or written; it has to be built anew from the rows."""


@dataclass(frozen=True, slots=True)
class Marker:
    """What the folder's marker file says about the index beside it.

    Attributes:
        embedder: whose vectors it holds.
        folder: the name of the folder with Chroma's files. Each index built anew has a name of
            its own: Chroma keeps a client that failed to open for the path it was given.
        revision: changes of the board up to this one are in.
    """

    embedder: str
    folder: str
    revision: int = 0


class ChromaIndex:
    """Row ids by vector, in one cosine collection; never Chroma's own embedding function."""

    def __init__(self, folder: Path, *, embedder: str) -> None:
        self._folder = folder
        self._embedder = embedder
        self._client: ClientAPI | None = None
        self._collection: Collection | None = None
        self._held: tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None = None

    def open(self) -> Marker:
        """Open the index, or start an empty one that is not complete.

        Raises:
            MemoryUnusable: the folder holds something that is not ours.
            IndexBroken: it is ours and unreadable, or of another embedder.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            marker = self._read_marker()
        except OSError as error:
            msg = f"{self._folder}: the memory index cannot be read ({error})."
            remedy = (
                "It must be a folder that can be read and written; it is built anew if missing."
            )
            raise MemoryUnusable(msg, remedy=remedy) from error
        if marker is None:
            marker = self._renewed()
        elif marker.embedder != self._embedder:
            msg = f"it holds vectors of {marker.embedder}, not of {self._embedder}"
            raise IndexBroken(msg)
        with self._guard():
            import chromadb
            from chromadb.config import Settings

            # No .env of the user's project may configure our index; nothing is reported home.
            settings = Settings(
                _env_file=None,  # type: ignore[call-arg]  # pydantic-settings takes it, untyped
                anonymized_telemetry=False,
            )
            self._client = chromadb.PersistentClient(
                self._folder / marker.folder, settings=settings
            )
            self._collection = self._client.get_or_create_collection(
                _COLLECTION,
                embedding_function=None,
                configuration={"hnsw": {"space": "cosine"}},
            )
        return marker

    def upsert(
        self, ids: Sequence[int], vectors: Sequence[Sequence[float]], agents: Sequence[str]
    ) -> None:
        """Put rows in, or again. Raises IndexBroken or DiskFull."""
        self._held = None
        with self._guard():
            self._opened.upsert(
                ids=[str(row) for row in ids],
                embeddings=[*vectors],
                metadatas=[{"agent": agent} for agent in agents],
            )

    def query(self, vector: Sequence[float], k: int, agent: str | None) -> list[tuple[int, float]]:
        """The ``k`` closest rows as (id, cosine), closest first: exact up to ``EXACT_ROWS``.

        Raises IndexBroken.
        """
        with self._guard():
            if self._opened.count() <= EXACT_ROWS:
                return self._compared(vector, k, agent)
            found = self._opened.query(
                query_embeddings=[vector],
                n_results=k,
                where=None if agent is None else {"agent": agent},
                include=["distances"],
            )
            ids, distances = found["ids"][0], (found["distances"] or [[]])[0]
            return [(int(row), 1 - far) for row, far in zip(ids, distances, strict=True)]

    def _compared(
        self, vector: Sequence[float], k: int, agent: str | None
    ) -> list[tuple[int, float]]:
        import numpy as np

        if self._held is None:
            held = self._opened.get(include=["embeddings", "metadatas"])
            ids = np.array([int(row) for row in held["ids"]], dtype=np.int64)
            agents = np.array([str(data["agent"]) for data in held["metadatas"] or []], dtype=str)
            vectors = np.asarray(held["embeddings"], dtype=np.float32)
            self._held = (ids, agents, vectors)
        ids, agents, vectors = self._held
        if agent is not None:
            ids, vectors = ids[agents == agent], vectors[agents == agent]
        if not len(ids):
            return []
        scores = vectors @ np.asarray(vector, dtype=np.float32)
        best = np.lexsort((-ids, -scores))[:k]
        return [(int(ids[i]), float(scores[i])) for i in best]

    def missing(self, ids: Sequence[int]) -> set[int]:
        """Those of the ids that the index does not hold. Raises IndexBroken."""
        with self._guard():
            held = self._opened.get(ids=[str(row) for row in ids], include=[])["ids"]
            return set(ids) - {int(row) for row in held}

    def delete(self, ids: Sequence[int]) -> None:
        """Take rows out. Raises IndexBroken or DiskFull."""
        self._held = None
        with self._guard():
            self._opened.delete(ids=[str(row) for row in ids])

    def close(self) -> None:
        """Let go of the files; a second call does nothing."""
        client, self._client, self._collection, self._held = self._client, None, None, None
        if client is not None:
            client.close()  # type: ignore[attr-defined]  # on the class, missing in its interface

    def discard(self) -> None:
        """Start anew beside a broken index, then delete that one. Raises MemoryUnusable."""
        with suppress(Exception):  # a broken client may fail in any way, and is not needed
            self.close()
        marker = self._renewed()
        for old in self._folder.iterdir():
            if re.fullmatch(_NAME, old.name) and old.name != marker.folder:
                shutil.rmtree(old, ignore_errors=True)  # what is in use goes next time

    def _renewed(self) -> Marker:
        marker = Marker(self._embedder, f"chroma-{secrets.token_hex(4)}")
        self.write_marker(marker)
        return marker

    def write_marker(self, marker: Marker) -> None:
        """Record how far the index has been built, in one replacing step."""
        path = self._folder / _MARKER
        data = {
            "format": _FORMAT,
            "embedder": marker.embedder,
            "folder": marker.folder,
            "revision": marker.revision,
        }
        draft = path.with_suffix(".new")
        try:
            draft.write_text(json.dumps(data) + "\n", encoding="utf-8")
            draft.replace(path)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise self._full() from error
            msg = f"{path} cannot be written ({error})."
            raise MemoryUnusable(msg, remedy="Let neveridle write to that folder.") from error

    def _read_marker(self) -> Marker | None:
        path = self._folder / _MARKER
        try:
            data = json.loads(path.read_bytes())
            folder, revision = data["folder"], data["revision"]
            if data["format"] != _FORMAT or not re.fullmatch(_NAME, folder):
                raise ValueError
            if not isinstance(revision, int):
                raise ValueError
            return Marker(str(data["embedder"]), folder, revision)
        except FileNotFoundError:
            # A marker being written is the one thing a kill can leave before there is a marker;
            # hidden files (.DS_Store, .gitkeep) come by themselves.
            names = [entry.name for entry in self._folder.iterdir()]
            if all(name == f"{path.stem}.new" or name.startswith(".") for name in names):
                return None
            msg = f"{self._folder} holds files that are no index of neveridle's."
            remedy = "Move them elsewhere, or set another home in [team]."
            raise MemoryUnusable(msg, remedy=remedy) from None
        except (ValueError, KeyError, TypeError) as error:
            msg = f"{path} cannot be understood"
            raise IndexBroken(msg) from error

    @property
    def _opened(self) -> Collection:
        if self._collection is None:
            msg = "the index is not open"
            raise RuntimeError(msg)
        return self._collection

    @contextmanager
    def _guard(self) -> Generator[None]:
        try:
            yield
        except (MemoryError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # told as what it means, and raised on
            # Chroma's errors over bad files share no class (pickle, KeyError, its own), and a
            # panic of its Rust core is no Exception; the index can always be built from the rows.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            if self._disk_is_full(error):
                raise self._full() from error
            raise IndexBroken(str(error)[:300]) from error

    def _full(self) -> DiskFull:
        msg = f"{self._folder}: no space is left for the memory index."
        return DiskFull(msg, remedy="Free some space; the memories stand on the board.")

    def _disk_is_full(self, error: BaseException) -> bool:
        text = str(error).lower()
        if "disk is full" in text or "no space left" in text:
            return True
        folder = next(path for path in (self._folder, *self._folder.parents) if path.exists())
        return shutil.disk_usage(folder).free < _NO_SPACE
