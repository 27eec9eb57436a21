"""Whether a command line does something that a person is asked about first.

A pattern counts wherever a command could begin. So it is compared with the whole line, with
each part of a chain, and with each of these from every one of its words on: no prefix, such as
``env A=1``, ``sudo -u me`` or ``xargs``, comes around it. What is quoted is looked through as
a command of its own, for ``sh -c``, ``eval`` and the like. All this asks rather too often:
``echo "git push"`` is asked about where ``git push*`` is a pattern.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from fnmatch import translate
from functools import lru_cache
from typing import Final

LONGEST: Final = 20_000
"""Characters of a command line that are looked through; a longer one is always asked about."""
WORDS: Final = 2_000
"""Words of one; the same."""
DEPTH: Final = 4
"""How deep commands are quoted in commands; what is deeper is asked about."""
_ENDS: Final = re.compile(r"&&|\|\||[;&|\n(){}`]")
_BLANK: Final = re.compile(r"\$\{?IFS\}?")
_SPACES: Final = re.compile(r"\s+")
_COMMANDISH: Final = re.compile(r"[\s;&|(){}`]")


def asked_by(command: str, patterns: Sequence[str]) -> str:
    """The first pattern that a command line falls under; empty: none.

    Args:
        command: the line, for ``/bin/sh``.
        patterns: such as ``git push*``, as ``fnmatch`` has them; case counts, spaces are one.
    """
    wanted = [(pattern, _compiled(pattern)) for pattern in patterns if pattern.strip()]
    if not wanted:
        return ""
    if len(command) > LONGEST or len(command.split()) > WORDS:
        return wanted[0][0]
    try:
        for line in _lines(command, DEPTH):
            for pattern, compiled in wanted:
                if compiled.match(line):
                    return pattern
    except RecursionError:
        return wanted[0][0]
    return ""


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(_SPACES.sub(" ", pattern.strip())))


def _lines(command: str, depth: int) -> Iterator[str]:
    """All that could be a command in a command line, its words with one space between."""
    if depth == 0:
        raise RecursionError
    text = _BLANK.sub(" ", command.replace("\\\n", ""))
    text = text.replace("$'", "'").replace('$"', '"')
    yield _SPACES.sub(" ", text.strip())
    inner: set[str] = set()
    for part in dict.fromkeys((text, *_ENDS.split(text), *_parts(text))):
        words = _words(part)
        for start, word in enumerate(words):
            rest = words[start + 1 :]
            yield " ".join((word, *rest))
            if "/" in word:
                yield " ".join((word.rsplit("/", 1)[1], *rest))
            # What follows an option's letter or an assignment may be a command as well.
            glued = {word[2:], word[3:]} if word.startswith("-") else set[str]()
            for piece in {word, word.partition("=")[2], *glued}:
                if _COMMANDISH.search(piece) and piece.strip() != text.strip():
                    inner.add(piece)
    for piece in sorted(inner):
        yield from _lines(piece, depth - 1)


def _parts(text: str) -> list[str]:
    """The parts of a chain, quotes respected: `sh -c 'a; b'` is one part here."""
    lexer = shlex.shlex(text, posix=False, punctuation_chars=";&|()\n{}`")
    lexer.commenters = ""
    lexer.whitespace = " \t\r"
    parts: list[list[str]] = [[]]
    try:
        for token in lexer:
            if set(token) <= set(";&|()\n{}`"):
                parts.append([])
            else:
                parts[-1].append(token)
    except ValueError:  # a quote that is not closed: the plain split has to do
        return []
    return [" ".join(part) for part in parts if part]


def _words(part: str) -> list[str]:
    """The words as the shell would see them; where quotes do not close, without any quotes."""
    try:
        return shlex.split(part)
    except ValueError:
        return re.sub(r"[\"'\\]", "", part).split()
