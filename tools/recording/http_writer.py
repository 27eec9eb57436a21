"""Writing a recording of services, by several agents and several processes at once."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from neveridle.tools.recording.appender import Appender, first_line
from neveridle.tools.recording.format import Provenance
from neveridle.tools.recording.http_format import HTTP_FORMAT, HttpEntry, HttpHeader
from neveridle.tools.recording.reader import read_header_of

SETTING = "`record` in [services]"
"""Where its file is set."""
EXAMPLE = '{"format": "neveridle-http-recording", "version": 1, "provenance": {"kind": "live"}}'


class HttpRecordingWriter(Appender):
    """Appends exchanges to a JSONL file; what is there already stays; see ``Appender``.

    Args:
        path: the file; it and its folder are made when they are missing.
        note: anything a reader should know, for the header of a new file.

    Raises:
        RecordingInvalid: the file is there and is no such recording, or cannot be written.
        DiskFull: no space is left.
    """

    def __init__(self, path: Path, *, note: str = "") -> None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        header = HttpHeader(provenance=Provenance(kind="live", recorded_at=now, note=note))
        super().__init__(path, header.model_dump(), check=_check, setting=SETTING)

    def write(self, entry: HttpEntry) -> None:
        """Append one exchange; it has reached the operating system when this returns.

        Raises:
            DiskFull: no space is left.
            RecordingInvalid: the file cannot be written, or this writer is closed.
        """
        self.append(entry.model_dump(exclude_defaults=True))


def _check(path: Path) -> None:
    read_header_of(path, [(1, first_line(path, SETTING))], HttpHeader, HTTP_FORMAT, EXAMPLE)
