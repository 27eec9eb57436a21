"""Finder: comments in which somebody left work for later."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from neveridle.graph.sources.improvement.comments import comment_lines
from neveridle.graph.sources.improvement.finder import FinderContext, FinderFailed
from neveridle.graph.sources.improvement.languages import family_of
from neveridle.graph.sources.improvement.proposal import Proposal, fingerprint
from neveridle.graph.sources.improvement.quoting import NOTICE, one_line, quoted
from neveridle.graph.sources.improvement.source_files import Scan, source_files

MOST: Final = 100
"""Proposals at most, the most valuable first; what is left is found once these are done."""

_VALUES: Final = {"FIXME": 0.5, "XXX": 0.45, "HACK": 0.4, "TODO": 0.4}
_ABOVE, _BELOW = 3, 8  # lines of the file shown around the comment
_TAG = "TODO|FIXME|HACK|XXX"
# At the beginning of a comment; not "TODO comments are …", "TODO/FIXME", "XXX, YYY".
_LEADING = re.compile(
    rf"@?(?P<tag>{_TAG})\b"
    r"(?![/,|'\"`]| (?:and|or|is|are|comments?|lists?|items?|markers?|tags?)\b)"
    r"(?:\((?P<who>[^()\n]{0,80})\))?[\s:.\-–—]*(?P<text>.*)$"  # noqa: RUF001 - dashes as people type them
)
# Further on only where it is marked as one: "see above. TODO: …", "TODO(sam) …".
_INNER = re.compile(
    rf"(?<![\w\"'`/|,])(?P<tag>{_TAG})(?:\((?P<who>[^()\n]{{0,80}})\):?|:)\s+(?P<text>.*)$"
)


@dataclass(frozen=True, slots=True)
class Note:
    """One comment that leaves work for later; ``line`` is 1-based."""

    tag: str
    text: str
    line: int


class Todo:
    """Proposes to do what TODO, FIXME, HACK and XXX comments say.

    Looks at source files by the comment syntax of their language, so neither at
    prose nor at strings. A comment that says nothing but the tag is passed over.
    """

    name = "todo"

    async def find(self, context: FinderContext) -> list[Proposal]:
        """Proposals, the most valuable first.

        Raises:
            FinderFailed: the tree is larger than is looked at; carries what was found.
        """
        scan, stop = Scan(), threading.Event()
        try:
            found = await asyncio.to_thread(_scan, context.checkout.tree, scan, stop)
        finally:
            stop.set()  # a cancelled search must not hold up the end of the loop
        found.sort(key=lambda proposal: (-proposal.value, proposal.title))
        if scan.cut:
            msg = f"Only {scan.files} files ({scan.bytes} bytes) were searched for comments."
            raise FinderFailed(msg, found=found[:MOST])
        return found[:MOST]


def _scan(tree: Path, scan: Scan, stop: threading.Event) -> list[Proposal]:
    found: dict[str, Proposal] = {}
    for path, text in source_files(tree, lambda path: family_of(path) != "", scan):
        if stop.is_set():
            break
        lines = text.split("\n")
        for note in islice(notes(text, family_of(path)), MOST):
            proposal = _proposal(path, lines, note)
            found.setdefault(proposal.fingerprint, proposal)
    return list(found.values())


def notes(text: str, family: str) -> Iterator[Note]:
    """The comments in a source file (with ``\\n`` line ends) that leave work for later."""
    for line, comment in comment_lines(text, family):
        match = _LEADING.match(comment) or _INNER.search(comment)
        if match and re.search(r"\w{2}", match["text"]):
            yield Note(match["tag"], match["text"].strip(), line)


def _proposal(path: str, lines: list[str], note: Note) -> Proposal:
    first = max(1, note.line - _ABOVE)
    around = "\n".join(lines[first - 1 : note.line + _BELOW])
    said = one_line(note.text, 100)
    return Proposal(
        finder=Todo.name,
        title=f'{note.tag} in {one_line(path, 80)}: "{said}"',
        reason=f"A {note.tag} comment says that something is left to do.",
        description=f"In {one_line(path, 200)}, line {note.line}, a {note.tag} comment leaves "
        "work for later. Do it and remove the comment; if it no longer applies, only remove the "
        f"comment, and say why.\n\nThe file from line {first}. {NOTICE}\n{quoted(around)}",
        value=_VALUES[note.tag],
        # Not the tag: a TODO that somebody promotes to a FIXME is still the same work.
        fingerprint=fingerprint(Todo.name, path, _normal(note.text)),
        paths=(path,),
    )


def _normal(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
