"""Files of memories, as a person names them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from neveridle.errors import ImportInvalid


@contextmanager
def reading(path: Path) -> Generator[IO[bytes]]:
    """A file, open.

    Raises:
        ImportInvalid: it cannot be read.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror or error}."
        raise ImportInvalid(msg, remedy="Name a file with a JSON object on each line.") from error
    with file:
        yield file


@contextmanager
def replacing(path: Path) -> Generator[IO[bytes]]:
    """A file that takes its place once it is whole; only its owner may read a new one.

    Raises:
        ImportInvalid: it cannot be written.
    """
    target = path.resolve() if path.is_symlink() else path
    draft: str | None = None
    try:
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o600
        handle, draft = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(mode)
        Path(draft).replace(target)
        draft = None
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}."
        raise ImportInvalid(msg, remedy="Name a file in a folder that is there.") from error
    finally:
        if draft is not None:
            Path(draft).unlink(missing_ok=True)
