"""An embedded Chroma in one folder. Blocking; one thread of the process that owns it calls it."""

from __future__ import annotations

import errno
import json
import re
import secrets
import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neveridle.errors import DiskFull, MemoryUnusable
from neveridle.memory.index.chroma import CONFIGURATION, Vectors, settings
from neveridle.memory.index.dense import Batch, IndexBroken, Marker

if TYPE_CHECKING:
    import numpy as np
    from chromadb.api import ClientAPI
    from numpy.typing import NDArray

_COLLECTION = "memory"
_MARKER, _REBUILT = "index.json", "rebuild.json"
_FORMAT = 3
_NAME = r"chroma-[0-9a-f]{8}"
_NO_SPACE = 1 << 20  # bytes free below which a failed write is put down to a full disk


class EmbeddedChroma:
    """See ``DenseIndex``. A marker file says which ``chroma-…`` folder beside it is the index.

    Each index built anew gets a folder of its own name: Chroma keeps a client that failed to
    open for the path it was given until the process ends.

    Args:
        folder: where marker and index lie.
        model: whose vectors it holds.
        board: names the board whose rows it holds.
    """

    def __init__(self, folder: Path, *, model: str, board: str, marker: str = _MARKER) -> None:
        self._folder = folder
        self._model = model
        self._board = board
        self._path = folder / marker
        self._client: ClientAPI | None = None
        self._vectors: Vectors | None = None
        self._marker: Marker | None = None

    def open(self) -> Marker:
        """See ``DenseIndex``; an open one is left as it is."""
        if self._vectors is not None and self._marker is not None:
            return self._marker
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            marker = self._read()
        except OSError as error:
            msg = f"{self._folder}: the memory index cannot be read ({error})."
            remedy = (
                "It must be a folder that can be read and written; it is built anew if missing."
            )
            raise MemoryUnusable(msg, remedy=remedy) from error
        if marker is None:
            marker = self._renewed()
        elif marker.model != self._model:
            msg = f"it holds vectors of {marker.model}, not of {self._model}"
            raise IndexBroken(msg)
        with self._guard():
            import chromadb

            self._client = chromadb.PersistentClient(
                self._folder / marker.place, settings=settings()
            )
            self._vectors = Vectors(
                self._client.get_or_create_collection(
                    _COLLECTION, embedding_function=None, configuration=CONFIGURATION
                )
            )
        self._marker = marker
        return marker

    def apply(self, batch: Batch) -> Marker:
        """See ``DenseIndex``."""
        with self._guard():
            self._opened.apply(batch)
        assert self._marker is not None  # it is open
        marker = replace(self._marker, revision=batch.revision)
        self._write(marker)
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

    def rebuilt(self) -> EmbeddedChroma:
        """See ``DenseIndex``: an index of its own, under a marker of its own."""
        if self._folder.is_dir() and not self._path.exists():
            self._refuse_foreign()  # before anything of ours is put among what is not
        return EmbeddedChroma(self._folder, model=self._model, board=self._board, marker=_REBUILT)

    def adopt(self) -> Marker:
        """See ``DenseIndex``: its marker takes the place of ours."""
        with suppress(Exception):  # a broken client may fail in any way, and is not needed
            self.close()
        with self._writing():
            (self._folder / _REBUILT).replace(self._path)
        marker = self.open()
        self._sweep()
        return marker

    def close(self) -> None:
        """See ``DenseIndex``."""
        client, self._client, self._vectors, self._marker = self._client, None, None, None
        if client is not None:
            client.close()  # type: ignore[attr-defined]  # on the class, missing in its interface

    def discard(self) -> None:
        """See ``DenseIndex``: started anew beside a broken one, which is then deleted."""
        with suppress(Exception):  # a broken client may fail in any way, and is not needed
            self.close()
        self._renewed()
        self._sweep()

    def _sweep(self) -> None:
        """Delete folders that no marker names."""
        kept: set[str] = set()
        for name in (_MARKER, _REBUILT):
            with suppress(OSError, ValueError, KeyError, TypeError):  # names none, so keeps none
                kept.add(json.loads((self._folder / name).read_bytes())["folder"])
        for old in self._folder.iterdir():
            if re.fullmatch(_NAME, old.name) and old.name not in kept:
                shutil.rmtree(old, ignore_errors=True)  # what is in use goes next time

    def _renewed(self) -> Marker:
        marker = Marker(self._model, f"chroma-{secrets.token_hex(4)}")
        self._write(marker)
        return marker

    def _write(self, marker: Marker) -> None:
        """Record how far the index has been built, in one replacing step."""
        data = {
            "format": _FORMAT,
            "model": marker.model,
            "board": self._board,
            "folder": marker.place,
            "revision": marker.revision,
        }
        draft = self._path.with_suffix(".new")
        with self._writing():
            draft.write_text(json.dumps(data) + "\n", encoding="utf-8")
            draft.replace(self._path)

    def _read(self) -> Marker | None:
        try:
            data = json.loads(self._path.read_bytes())
            folder, revision = data["folder"], data["revision"]
            if data["format"] != _FORMAT or not re.fullmatch(_NAME, folder):
                raise ValueError
            if not isinstance(revision, int):
                raise ValueError
        except FileNotFoundError:
            self._refuse_foreign()
            return None
        except (ValueError, KeyError, TypeError) as error:
            msg = f"{self._path} cannot be understood"
            raise IndexBroken(msg) from error
        if data.get("board") != self._board:
            msg = "it holds the rows of another board"
            raise IndexBroken(msg)
        return Marker(str(data["model"]), folder, revision)

    def _refuse_foreign(self) -> None:
        # Markers being written, and a rebuilding, are what can be there before there is a
        # marker; hidden files (.DS_Store, .gitkeep) come by themselves.
        ours = {Path(name).with_suffix(end).name for name in (_MARKER, _REBUILT)
                for end in (".new", ".json")}  # fmt: skip
        if (self._folder / _REBUILT).exists() or self._path.name == _REBUILT:
            return
        names = [entry.name for entry in self._folder.iterdir()]
        if not all(name in ours or name.startswith(".") for name in names):
            msg = f"{self._folder} holds files that are no index of neveridle's."
            remedy = "Move them elsewhere, or set another home in [team]."
            raise MemoryUnusable(msg, remedy=remedy) from None

    @property
    def _opened(self) -> Vectors:
        if self._vectors is None:
            msg = "the index is not open"
            raise RuntimeError(msg)
        return self._vectors

    @contextmanager
    def _writing(self) -> Generator[None]:
        try:
            yield
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise self._full() from error
            msg = f"{self._folder} cannot be written ({error})."
            raise MemoryUnusable(msg, remedy="Let neveridle write to that folder.") from error

    @contextmanager
    def _guard(self) -> Generator[None]:
        try:
            yield
        except (MemoryError, KeyboardInterrupt, SystemExit, IndexBroken):
            raise
        except BaseException as error:  # told as what it means, and raised on
            # Chroma's errors over bad files share no class (pickle, KeyError, its own), and a
            # panic of its Rust core is no Exception; the index can always be built from the rows.
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            self._translate(error)

    def _translate(self, error: BaseException) -> None:
        text = str(error).lower()
        if "disk is full" in text or "no space left" in text or self._no_space():
            raise self._full() from error
        if "readonly" in text or "read-only" in text or isinstance(error, PermissionError):
            msg = f"{self._folder} cannot be written ({str(error)[:200]})."
            raise MemoryUnusable(msg, remedy="Let neveridle write to that folder.") from error
        raise IndexBroken(str(error)[:300]) from error

    def _full(self) -> DiskFull:
        msg = f"{self._folder}: no space is left for the memory index."
        return DiskFull(msg, remedy="Free some space; the memories stand on the board.")

    def _no_space(self) -> bool:
        folder = next(path for path in (self._folder, *self._folder.parents) if path.exists())
        return shutil.disk_usage(folder).free < _NO_SPACE


def marker_of(folder: Path) -> dict[str, Any] | None:
    """What the marker of an index says, as it stands; None: there is none, or it is unreadable."""
    try:
        data: dict[str, Any] = json.loads((folder / _MARKER).read_bytes())
        if re.fullmatch(_NAME, str(data["folder"])):
            return data
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None
