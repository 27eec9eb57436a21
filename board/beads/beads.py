"""Moving over from Beads, and back."""

from __future__ import annotations

from collections.abc import Iterable

from neveridle.board.beads.exporting import as_jsonl, export
from neveridle.board.beads.reading import Reading
from neveridle.board.beads.report import Imported
from neveridle.board.beads.taking import Taking
from neveridle.board.database import Database


class Beads:
    """``board.beads``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, reading: Reading, *, agents: Iterable[str] = ()) -> Imported:
        """Take over what a file of issues says: all of it, or nothing.

        Each issue becomes a task of the backlog, with the ref ``beads:ID``. Read again,
        only what changed in the file changes here, and nothing that the team does or did
        is undone.

        Args:
            reading: the file, from ``read_issues``.
            agents: names of the team's agents: what is assigned to one of them is theirs.

        Raises:
            ImportInvalid: too much would be inherited from issue to issue.
        """
        names = frozenset(name.lower() for name in agents)
        return await self._database.write(lambda c: Taking(c, reading, names).run())

    async def export(self) -> bytes:
        """The whole backlog as Beads' JSONL, by id: unchanged issues as they were read.

        Tasks that did not come from Beads are in it under ids of their own, which stay the
        same; read again here, they are known for what they are.
        """
        return as_jsonl(await self._database.read(export))
