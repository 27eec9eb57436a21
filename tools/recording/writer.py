"""Writing a live recording, by several agents and several processes at once."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from neveridle.errors import DiskFull, RecordingInvalid
from neveridle.tools.recording.format import Header, LiveEntry, LiveScope, Provenance
from neveridle.tools.recording.reader import read_header
from neveridle.tools.recording.request import key_of
from neveridle.tools.recording.scope import Scope


class RecordingWriter:
    """Appends model calls to a JSONL file; what is there already stays.

    Each call is one line, and each line one ``write`` to a file opened for appending: on
    POSIX systems and local disks, lines of several processes never mix, and a killed
    process leaves whole lines behind. (Windows and network disks have no atomic append:
    there, let one process record.)

    Args:
        path: the file; it and its folder are made when they are missing.
        model: the recorded model's name, for the header of a new file.
        note: anything a reader should know, for the header of a new file.

    Raises:
        RecordingInvalid: the file is there and is no live recording, or cannot be written.
        DiskFull: no space is left.
    """

    def __init__(self, path: Path, *, model: str = "", note: str = "") -> None:
        self.path = path
        now = datetime.now(UTC).isoformat(timespec="seconds")
        header = Header(provenance=Provenance(kind="live", model=model, recorded_at=now, note=note))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                create_once(path, _line(header.model_dump()))
            check_appendable(path)
            flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._file = os.open(path, flags)
        except OSError as error:
            raise _unwritable(path, error) from error

    def write(
        self,
        scope: Scope,
        request: Mapping[str, Any],
        response: Mapping[str, Any],
        seconds: float,
    ) -> None:
        """Append one call; it has reached the operating system when this returns.

        Raises:
            DiskFull: no space is left.
            RecordingInvalid: the file cannot be written, or this writer is closed.
        """
        entry = LiveEntry(
            key=key_of(request),
            scope=LiveScope.model_validate(scope.as_dict()),
            request=request,
            response=response,
            seconds=round(seconds, 3),
        )
        line = _line(entry.model_dump())
        try:
            written = os.write(self._file, line)
            if written < len(line):  # a full disk takes a part, then refuses
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def __enter__(self) -> RecordingWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_file", -1) >= 0:
            self.close()


def check_appendable(path: Path) -> None:
    """Look at the header of an existing file.

    Raises:
        RecordingInvalid: it is no live recording, or cannot be read.
    """
    try:
        with path.open("r", encoding="utf-8-sig", errors="replace") as file:
            first = file.readline(1_000_000)
    except OSError as error:
        raise _unwritable(path, error) from error
    try:
        data = json.loads(first) if first.strip() else None
    except json.JSONDecodeError:
        data = None
    header = read_header(path, [(1, data)])
    if header.provenance.kind != "live":
        msg = f"{path}: is an authored recording; live calls cannot be added to it."
        raise RecordingInvalid(msg, remedy="Set another file as `record` in [model].")


def create_once(path: Path, header: bytes) -> None:
    """Make a file with its header in one step; one that is there by now stays as it is.

    Raises:
        OSError: it cannot be written.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".recording-") as temporary:
        temporary.write(header)
        temporary.flush()
        try:
            with contextlib.suppress(FileExistsError):  # somebody else was first: theirs counts
                path.hardlink_to(temporary.name)
        except OSError:  # a file system without links: a small race is left
            with contextlib.suppress(FileExistsError), path.open("xb") as file:
                file.write(header)


def _line(data: Mapping[str, Any]) -> bytes:
    # ensure_ascii keeps the line whole for readers that split at U+2028, and lone surrogates legal
    return json.dumps(data, separators=(",", ":")).encode("ascii") + b"\n"


def _unwritable(path: Path, error: OSError) -> DiskFull | RecordingInvalid:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(
            f"{path}: no space is left on its disk.",
            remedy="Free some, delete a last line that was cut short, or record elsewhere.",
        )
    return RecordingInvalid(
        f"{path}: cannot be written ({error.strerror or error}).",
        remedy="Set a file that can be written as `record` in [model].",
    )
