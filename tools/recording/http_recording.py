"""A recording of services: read once, asked by all the transports of a process."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from neveridle.errors import RecordingInvalid, RecordingMismatch
from neveridle.tools.recording.canonical import WORDS
from neveridle.tools.recording.difference import broken, difference_of_lines, nearest_by_lines
from neveridle.tools.recording.format import Provenance
from neveridle.tools.recording.http_format import (
    HTTP_FORMAT,
    HttpEntry,
    HttpHeader,
    HttpRequestLine,
)
from neveridle.tools.recording.http_request import http_key
from neveridle.tools.recording.http_writer import EXAMPLE
from neveridle.tools.recording.reader import read_entry, read_header_of, read_lines
from neveridle.tools.recording.strays import Strays

REMEDY: Final = "Undo the change, or record again with `record` in [services]."


class HttpRecording:
    """The exchanges of a JSONL file.

    Attributes:
        path: the file.
        provenance: where it comes from.
        exchanges: how many it holds.
        began: when the first answer came, in seconds since 1970; 0: there is none.
        strays: requests that it did not hold exactly; what a report must name.
    """

    def __init__(self, path: Path, header: HttpHeader, *, lenient: bool = False) -> None:
        self.path = path
        self.provenance: Provenance = header.provenance
        self.lenient = lenient
        self.strays = Strays()
        self.began = 0.0
        self._later: float | None = None
        self._entries: list[HttpEntry] = []
        self._by_key: dict[str, list[HttpEntry]] = {}
        self._answered: dict[str, int] = {}
        self._aliases: dict[str, str] = {}

    @classmethod
    def load(cls, path: Path, *, lenient: bool = False) -> HttpRecording:
        """Read a recording.

        Args:
            path: the file.
            lenient: whether the nearest exchange answers where none fits exactly.

        Raises:
            RecordingInvalid: with file, line (from 1) and remedy.
        """
        lines = read_lines(path)
        header = read_header_of(path, lines, HttpHeader, HTTP_FORMAT, EXAMPLE)
        recording = cls(path, header, lenient=lenient)
        for number, data in lines[1:]:
            where = f"{path}:{number}"
            recording._add(where, read_entry(HttpEntry, where, data))
        return recording

    @property
    def exchanges(self) -> int:
        """How many exchanges it holds."""
        return len(self._entries)

    def answer(self, asked: HttpRequestLine, names: dict[str, str]) -> HttpEntry:
        """The exchange recorded for a request.

        The same request asked several times is answered in the recorded order, and the last
        answer stays; different requests do not touch each other, in whatever order they come.

        Args:
            asked: the canonical request.
            names: what its names stand for here; what they stood for in the recording is
                from now on replaced by it in answers, see ``here``.

        Raises:
            RecordingMismatch: with the difference to the nearest recorded request.
        """
        same = self._by_key.get(http_key(asked))
        if same is None:
            same = self._nearest(asked)
        given = self._answered.get(same[0].key, 0)
        self._answered[same[0].key] = given + 1
        entry = same[min(given, len(same) - 1)]
        for name, recorded in entry.names.items():
            if name in names and names[name] != recorded:
                self._aliases[recorded] = names[name]
        return entry

    def here(self, text: str) -> str:
        """An answer's text with what its hashes, UUIDs and folders are in this run.

        Known is what any request has named so far, here and in the recording.
        """
        if not self._aliases:
            return text
        for recorded, here in self._aliases.items():
            if not WORDS.fullmatch(recorded):
                text = text.replace(recorded, here)
        return WORDS.sub(self._alias, text)

    def later(self, now: float) -> float:
        """Seconds by which moments in answers move: the same for all of a replay.

        Args:
            now: the time; that of the first call counts.
        """
        if self._later is None:
            self._later = round(now - self.began) if self.began else 0.0
        return self._later

    def _alias(self, found: re.Match[str]) -> str:
        word = found[0]
        whole = self._aliases.get(word)
        if whole is not None:
            return whole
        if "-" in word:
            return word
        for recorded, here in self._aliases.items():  # a short hash of a long one
            if recorded.startswith(word) and len(here) == len(recorded):
                return here[: len(word)]
        return word

    def _add(self, where: str, entry: HttpEntry) -> None:
        if entry.key != http_key(entry.request):
            msg = f"{where}: the key does not belong to the request; it was edited by hand."
            raise RecordingInvalid(msg, remedy="Delete the line and record the exchange again.")
        if entry.response is None and entry.failure is None:
            msg = f"{where}: holds neither an answer nor a failure."
            raise RecordingInvalid(msg, remedy="Delete the line and record the exchange again.")
        if entry.at and not self.began:
            self.began = entry.at
        self._entries.append(entry)
        self._by_key.setdefault(entry.key, []).append(entry)

    def _nearest(self, asked: HttpRequestLine) -> list[HttpEntry]:
        place = (asked.service, asked.method, asked.path)
        near = [
            one
            for one in self._entries
            if (one.request.service, one.request.method, one.request.path) == place
        ]
        said = f"{self.path}: holds no exchange that asks {shown(asked)}."
        found = nearest_by_lines(asked, [one.request for one in near or self._entries], _words)
        if found is None:
            self.strays.refused(said)
            raise RecordingMismatch(f"{said} It holds no exchange at all.", remedy=REMEDY)
        differs = difference_of_lines(lines_of(found), lines_of(asked))
        said = f"{said} The difference to the nearest:\n{differs}\n"
        if not self.lenient or not near:
            self.strays.refused(said)
            raise RecordingMismatch(said, remedy=REMEDY)
        self.strays.accepted(said)
        return self._by_key[http_key(found)]


def shown(request: HttpRequestLine) -> str:
    """A request in a few words."""
    return f"{request.service} {request.method} {request.path}"


def lines_of(request: HttpRequestLine) -> list[str]:
    """A canonical request as lines to read and compare."""
    lines = [shown(request)]
    lines += [f"? {name}={value}" for name, value in request.query]
    if request.body is not None:
        text = json.dumps(request.body, ensure_ascii=False, sort_keys=True, indent=1)
        # A GraphQL document is one string; its lines are what can be compared.
        text = text.replace("\\n", "\n")
        lines += [part for line in text.split("\n") for part in broken(line)]
    return lines


def _words(request: HttpRequestLine) -> list[str]:
    """What tells which recorded request is the nearest: most bodies are few, long lines."""
    return re.findall(r"\w+", "\n".join(lines_of(request)))
