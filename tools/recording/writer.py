"""Writing a live recording, by several agents and several processes at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from neveridle.errors import RecordingInvalid
from neveridle.tools.recording.appender import Appender, first_line
from neveridle.tools.recording.format import Header, LiveEntry, LiveScope, ModelFailure, Provenance
from neveridle.tools.recording.reader import read_header
from neveridle.tools.recording.request import key_of
from neveridle.tools.recording.scope import Scope

SETTING = "`record` in [model]"
"""Where its file is set."""


class RecordingWriter(Appender):
    """Appends model calls to a JSONL file; what is there already stays; see ``Appender``.

    Args:
        path: the file; it and its folder are made when they are missing.
        model: the recorded model's name, for the header of a new file.
        note: anything a reader should know, for the header of a new file.

    Raises:
        RecordingInvalid: the file is there and is no live recording, or cannot be written.
        DiskFull: no space is left.
    """

    def __init__(self, path: Path, *, model: str = "", note: str = "") -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        header = Header(provenance=Provenance(kind="live", model=model, recorded_at=now, note=note))
        super().__init__(path, header.model_dump(), check=check_appendable, setting=SETTING)

    def write(
        self,
        scope: Scope,
        request: Mapping[str, Any],
        response: Mapping[str, Any],
        seconds: float,
        *,
        failure: ModelFailure | None = None,
    ) -> None:
        """Append one call; it has reached the operating system when this returns.

        Args:
            scope: who asked.
            request: the canonical request.
            response: the answer; empty where it failed.
            seconds: how long it took.
            failure: how it failed; None: it was answered.

        Raises:
            DiskFull: no space is left.
            RecordingInvalid: the file cannot be written, or this writer is closed.
        """
        entry = LiveEntry(
            key=key_of(request),
            scope=LiveScope.model_validate(scope.as_dict()),
            request=request,
            response=response,
            failure=failure,
            seconds=round(seconds, 3),
        )
        # An answered call has the lines that earlier versions can read.
        self.append(entry.model_dump(exclude={"failure"} if failure is None else {"response"}))


def check_appendable(path: Path) -> None:
    """Look at the header of an existing file.

    Raises:
        RecordingInvalid: it is no live recording, or cannot be read.
    """
    header = read_header(path, [(1, first_line(path, SETTING))])
    if header.provenance.kind != "live":
        msg = f"{path}: is an authored recording; live calls cannot be added to it."
        raise RecordingInvalid(msg, remedy="Set another file as `record` in [model].")
