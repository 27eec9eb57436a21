"""Telling a command that failed from one that could not do its work."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from neveridle.graph.sources.improvement.quoting import one_line, plain

if TYPE_CHECKING:
    from neveridle.tools.sandbox import CommandResult

_SHELL_CODES = {
    126: "found something that cannot be executed",
    127: "found no such command",
    9009: "found no such command",  # cmd.exe
    137: "was killed, probably for its memory",
}
_TELLTALES = (
    re.compile(r"^\S*python[\d.]*(?:\.exe)?: No module named .+$", re.MULTILINE | re.IGNORECASE),
    re.compile(r"^.*is not recognized as an internal or external command.*$", re.MULTILINE),
    re.compile(r"^.*(?:make|ninja)\S*: \*\*\* .*Error 127$", re.MULTILINE),
    re.compile(r"^.*make\S*: \*\*\* No rule to make target .*$", re.MULTILINE),
    re.compile(r"^npm (?:ERR!|error) Missing script: .*$", re.MULTILINE | re.IGNORECASE),
    re.compile(r"^.*ERROR: file or directory not found: .*$", re.MULTILINE),  # pytest's argument
    re.compile(r"^no tests ran in .*$|^=+ no tests ran in .*$", re.MULTILINE),
)


def why_unusable(name: str, result: CommandResult) -> str:
    """Why a failed command says nothing about the repository; empty when it does.

    A command that is missing, was stopped, or has nothing to look at is for the
    operator to put right, and no work for an agent.
    """
    what = f"The command of {name!r} (`{one_line(result.command, 200)}`)"
    if result.timed_out or result.exit_code is None:
        return f"{what} was stopped after {result.seconds:.0f} s."
    said = plain(result.output[-20_000:])
    tell = next((match[0] for sign in _TELLTALES if (match := sign.search(said))), "")
    if result.exit_code in _SHELL_CODES:
        last = tell or (said.strip().rsplit("\n", 1)[-1])
        return f"{what} {_SHELL_CODES[result.exit_code]}: {one_line(last, 200)}"
    return f"{what} could not do its work: {one_line(tell, 200)}" if tell else ""
