"""Where services' traffic is recorded or replayed: what a team's clients are given."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from neveridle.tools.recording.http_recorder import HttpRecorder, Now
from neveridle.tools.recording.http_recording import HttpRecording
from neveridle.tools.recording.http_replayer import HttpReplayer
from neveridle.tools.recording.http_sending import Blocking, Ordinary
from neveridle.tools.recording.http_writer import HttpRecordingWriter

if TYPE_CHECKING:
    from neveridle.settings.services import ServicesSettings


class HttpSeam:
    """Makes transports that record all services to one file, or answer them from one.

    ``Team(settings, transport=seam.transport)`` uses it; so does a team whose settings name a
    file as ``record`` or ``replay`` in ``[services]``. Close it once the team is closed.

    Args:
        writer: where exchanges are written; None: nothing is recorded.
        recording: what requests are answered from; None: services are called.
        roots: folders whose paths differ between runs, by name; see ``Names``.
        now: the time, in seconds since 1970; may be a coroutine function.
        wait: in simulated time, takes the seconds that an answer took, recorded or live; None:
            time is real, and recorded answers come at once.
        inner: makes what requests are sent by while they are recorded; None: the ordinary way.
    """

    def __init__(
        self,
        *,
        writer: HttpRecordingWriter | None = None,
        recording: HttpRecording | None = None,
        roots: Mapping[str, Path] | None = None,
        now: Now = time.time,
        wait: Callable[[float], Awaitable[None]] | None = None,
        inner: Callable[[str], httpx.AsyncBaseTransport | None] | None = None,
    ) -> None:
        self.writer = writer
        self.recording = recording
        self._roots = dict(roots or {})
        self._now = now
        self._wait = wait
        self._inner = inner

    @classmethod
    def of(
        cls,
        settings: ServicesSettings,
        *,
        root: Path,
        now: Now = time.time,
        wait: Callable[[float], Awaitable[None]] | None = None,
        lenient: bool = False,
    ) -> HttpSeam:
        """What ``record`` and ``replay`` in ``[services]`` say.

        Args:
            settings: the table.
            root: the folder that paths in it are relative to.
            now: see the class.
            wait: see the class.
            lenient: whether the nearest exchange answers where none fits exactly.

        Raises:
            RecordingInvalid: the file cannot be read, or written to.
            DiskFull: no space is left.
        """
        writer = recording = None
        if settings.record:
            writer = HttpRecordingWriter((root / settings.record).resolve())
        if settings.replay:
            path = (root / settings.replay).resolve()
            recording = HttpRecording.load(path, lenient=lenient)
        roots = {"root": root.resolve()}
        return cls(writer=writer, recording=recording, roots=roots, now=now, wait=wait)

    def transport(self, service: str) -> httpx.AsyncBaseTransport | None:
        """A new transport for a client of a service; None: the ordinary way."""
        if self.recording is not None:
            return HttpReplayer(
                self.recording, service, roots=self._roots, now=self._now, wait=self._wait
            )
        inner = self._inner(service) if self._inner is not None else None
        if self.writer is not None:
            return HttpRecorder(
                inner or (Ordinary() if self._wait is None else Blocking()),
                self.writer,
                service,
                roots=self._roots,
                now=self._now,
                wait=self._wait,
            )
        return inner

    def close(self) -> None:
        """Close the file that is written; may be called twice."""
        if self.writer is not None:
            self.writer.close()
