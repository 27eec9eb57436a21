"""Which program a shell command line begins with."""

from __future__ import annotations

import posixpath
import re

WORD = re.compile(r"[A-Za-z0-9_./+@%:,-]+")
ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=(?:\"[^\"$`]*\"|'[^']*'|[^\s\"'$`;&|<>()]*)\s+")
MOVE = re.compile(r"cd\s+([^\s;&|$`\"'()<>]+)\s*(?:&&|;)\s*")
ENDS = {"", *" \t\n;&|<>)"}
OPENING = ("!", "(", "{", "time ")


def program_of(command: str) -> str:
    """The program that a command line runs first; empty where that cannot be told for sure.

    Assignments before it are passed over. After ``cd DIR &&`` a path is given relative to
    where the line begins. What a variable, a quote or a loop decides is not guessed at.
    """
    rest, folder = command.strip(), ""
    while rest:
        opening = next((one for one in OPENING if rest.startswith(one)), "")
        moved = MOVE.match(rest)
        if assigned := ASSIGNMENT.match(rest):
            rest = rest[assigned.end() :]
        elif opening:
            rest = rest[len(opening) :].lstrip()
        elif moved:
            folder, rest = posixpath.join(folder, moved[1]), rest[moved.end() :]
        else:
            break
    word = WORD.match(rest)
    if word is None or word[0].startswith("-") or rest[word.end() : word.end() + 1] not in ENDS:
        return ""
    if "/" not in word[0]:
        return word[0]
    path = posixpath.normpath(posixpath.join(folder, word[0]))
    return "" if path.startswith("..") else path
