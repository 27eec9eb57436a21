"""Memories out into a file of JSON lines, and in again."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import IO, Any, Final

from neveridle.board.memory_row import NewMemory
from neveridle.board.selection import Selection
from neveridle.errors import ImportInvalid, ModelMistake
from neveridle.memory.digest import digest_of
from neveridle.memory.exchange_line import BadLine, Line, line_of, read_line
from neveridle.memory.store import MemoryStore
from neveridle.memory.tidy import tidy_line
from neveridle.memory.writer import BATCH, Writer, prepared

Progress = Callable[[int], None]
"""Told how many lines are done."""
LONGEST: Final = 1 << 20
"""Bytes of a line at most; 16,000 characters of text, each escaped, are a tenth of it."""
MOST_TOLD: Final = 100
"""Bad lines that a report names."""
_PAGE: Final = 500
_BOM: Final = b"\xef\xbb\xbf"
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")
_EPISODES: Final = 10_000  # whose ids are kept while importing


@dataclass(slots=True)
class Imported:
    """What an import did.

    Attributes:
        read: lines with something in them.
        added: memories that are new.
        known: lines whose memory was there already.
        bad: lines that are no memory; nothing of them is imported.
        problems: line number and reason of the first hundred of them.
        unknown: fields that are none of ours, and in how many lines they were left out.
    """

    read: int = 0
    added: int = 0
    known: int = 0
    bad: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    unknown: dict[str, int] = field(default_factory=dict[str, int])

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "read": self.read,
            "added": self.added,
            "known": self.known,
            "bad": self.bad,
            "problems": [{"line": number, "reason": reason} for number, reason in self.problems],
            "unknown_fields": dict(self.unknown),
        }

    def refuse(self, number: int, reason: str) -> None:
        """Count a bad line."""
        self.bad += 1
        if len(self.problems) < MOST_TOLD:
            self.problems.append((number, reason))


class Exchange:
    """Exports from a store, and imports through a writer."""

    def __init__(self, store: MemoryStore, writer: Writer) -> None:
        self._store = store
        self._writer = writer

    async def export(
        self, to: IO[bytes], which: Selection, *, progress: Progress | None = None
    ) -> int:
        """Write memories as JSON lines, oldest first; how many."""
        after: int | None = None
        count = 0
        while rows := await self._store.select(which, _PAGE, after=after):
            ids = sorted({row.episode for row in rows if row.episode is not None})
            episodes = await self._store.episode_keys(ids)
            for row in rows:
                place = None if row.episode is None else episodes.get(row.episode)
                said = json.dumps(line_of(row, place), ensure_ascii=False)
                to.write(said.encode("utf-8", "replace") + b"\n")
            count, after = count + len(rows), rows[-1].id
            if progress is not None:
                progress(count)
        return count

    async def take(
        self,
        lines: IO[bytes],
        *,
        agent: str | None = None,
        trust: bool = False,
        strict: bool = False,
        progress: Progress | None = None,
    ) -> Imported:
        """Remember what stands in JSON lines; see ``Memory.import_``."""
        if strict:
            self._check(lines, agent, trust)
        done = Imported()
        waiting: list[Line] = []
        episodes: dict[tuple[str, str], int] = {}
        for number, raw in read_lines(lines):
            if not raw.strip():
                continue
            done.read += 1
            try:
                line = _checked(raw, agent, trust)
            except BadLine as error:
                done.refuse(number, str(error))
                continue
            for name in line.unknown:
                if name in done.unknown or len(done.unknown) < MOST_TOLD:
                    done.unknown[name] = done.unknown.get(name, 0) + 1
            waiting.append(line)
            if len(waiting) == BATCH:
                await self._store_lines(waiting, episodes, done)
                waiting.clear()
                if progress is not None:
                    progress(done.read)
        await self._store_lines(waiting, episodes, done)
        if progress is not None:
            progress(done.read)
        return done

    def _check(self, lines: IO[bytes], agent: str | None, trust: bool) -> None:
        """Read all of it before anything is stored; the first bad line ends it."""
        for number, raw in read_lines(lines):
            if not raw.strip():
                continue
            try:
                line = _checked(raw, agent, trust)
                if line.unknown:
                    msg = f"it has fields that are none of ours: {', '.join(line.unknown[:5])}"
                    raise BadLine(msg)
            except BadLine as error:
                msg = f"Line {number} is no memory: {error}. Nothing was imported."
                raise ImportInvalid(
                    msg, remedy="Correct it, or import without strictness."
                ) from error
        lines.seek(0)

    async def _store_lines(
        self, lines: list[Line], episodes: dict[tuple[str, str], int], done: Imported
    ) -> None:
        if not lines:
            return
        new = [await self._placed(line, episodes) for line in lines]
        known = await self._store.known(new)
        # What is there already is not embedded again.
        both = list(zip(new, known, strict=True))
        made = iter(await self._writer.signalled([one for one, there in both if there is None]))
        whole = [next(made) if there is None else one for one, there in both]
        stored = await self._store.add_unknown(whole)
        await self._writer.keep_within([one for one, there in both if there is None])
        done.added += sum(added for _, added in stored)
        done.known += sum(not added for _, added in stored)

    async def _placed(self, line: Line, episodes: dict[tuple[str, str], int]) -> NewMemory:
        one = prepared(line.note)
        key = tidy_line(line.episode)
        if not key:
            return one
        if (one.agent, key) not in episodes:
            if len(episodes) >= _EPISODES:
                episodes.clear()
            episodes[one.agent, key] = await self._store.begin_episode(
                agent=one.agent, key=key, title=tidy_line(line.title), source=one.source, at=one.at
            )
        placed = replace(one, episode=episodes[one.agent, key], position=line.position)
        return replace(placed, digest=digest_of(placed, episode=key))


def read_lines(file: IO[bytes]) -> Generator[tuple[int, bytes]]:
    """Lines and their numbers from 1, without their ends, whatever these are.

    A line that is too long is given as one that is no JSON, and never held whole.

    Raises:
        ImportInvalid: the file is UTF-16, as some editors on Windows save it.
    """
    number = 0
    while raw := file.readline(LONGEST + 1):
        number += 1
        if number == 1:
            if raw.startswith(_WIDE):
                msg = "This is UTF-16, not UTF-8."
                raise ImportInvalid(msg, remedy="Save it as UTF-8, one JSON object on each line.")
            raw = raw.removeprefix(_BOM)
        if len(raw) > LONGEST and not raw.endswith(b"\n"):
            while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
                pass
            raw = b"a line of more than 1 MiB"
        yield number, raw.rstrip(b"\r\n")


def _checked(raw: bytes, agent: str | None, trust: bool) -> Line:
    line = read_line(raw, agent=agent, trust=trust)
    try:
        prepared(line.note)  # what tidying leaves empty
    except ValueError as error:
        raise BadLine(str(error)) from None
    except ModelMistake as error:
        raise BadLine(error.message) from None
    return line
