"""Reading findings out of what linters and type checkers print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from neveridle.graph.sources.improvement.quoting import plain

_LONGEST = 1_000  # characters of a line that may be a finding


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One finding.

    Attributes:
        path: as printed.
        line: 1-based.
        rule: the rule's code or name; empty where none is printed.
        message: without the rule.
        error: whether the linter calls it an error, or its rule is for code that cannot work.
    """

    path: str
    line: int
    rule: str
    message: str
    error: bool = False


def lint_findings(output: str) -> list[LintFinding]:
    """The findings in a command's output, each once, in its order.

    Knows ``path:line[:column]: …`` (ruff, flake8, pylint, mypy, eslint's unix format,
    golangci-lint, shellcheck, gcc), ``path(line,column): …`` (tsc), the block
    formats of ruff and rustc (`` --> path:line:column``), and findings listed below
    their file's name (eslint, ruff's grouped format). The paths may be anything:
    whoever calls checks that they are files.
    """
    lines = [line.rstrip() for line in plain(output).split("\n") if len(line) <= _LONGEST]
    return list(dict.fromkeys([*_one_line(lines), *_blocks(lines), *_below(lines)]))


_PLACE = re.compile(
    r"(?P<path>(?:[A-Za-z]:[\\/])?[^\s:(][^:(]*?)"
    r"(?::(?P<line>\d{1,7})(?::\d+)?(?:-\d+)?:|\((?P<at>\d{1,7})(?:,\d+)?\):) *(?P<rest>\S.*)$"
)


def _one_line(lines: list[str]) -> Iterator[LintFinding]:
    for line in lines:
        if match := _PLACE.match(line):
            found = _finding(match["path"], match["line"] or match["at"], match["rest"])
            if found:
                yield found


_BLOCK_PLACE = re.compile(r" *--> (.+?):(\d{1,7}):\d+$")
_BLOCK_HEAD = re.compile(r"(?:[A-Z]{1,10}\d{1,5} |(?:error|warning)(?:\[\w+\])?: )\S")


def _blocks(lines: list[str]) -> Iterator[LintFinding]:
    for head, line in pairwise(lines):
        place = _BLOCK_PLACE.match(line)
        if place and _BLOCK_HEAD.match(head):
            found = _finding(place[1], place[2], head)
            if found:
                yield found


_BELOW = re.compile(r" +(\d{1,7}):\d+ +(\S.*)$")


def _below(lines: list[str]) -> Iterator[LintFinding]:
    path = ""
    for line in lines:
        if not line:
            continue
        if not line.startswith(" "):
            path = line.removesuffix(":")
        elif path and (match := _BELOW.match(line)):
            found = _finding(path, match[1], match[2])
            if found:
                yield found


# How the rest of a line names its rule; the first that fits counts.
_LEVEL = r"(?:(?P<level>fatal error|error|warning|info|note|style|convention|refactor)\b:? *)?"
_RULES = (
    re.compile(rf"{_LEVEL}\[(?P<rule>[A-Z]+\d+)(?:\([\w-]+\))?[^\]]*\] (?P<message>.+)$"),  # pylint
    re.compile(rf"{_LEVEL}(?P<rule>[A-Z]{{1,10}}\d{{1,5}}):? (?:\[\*\] )?(?P<message>.+)$"),  # ruff
    re.compile(r"(?P<level>error|warning)\[(?P<rule>\w+)\]: (?P<message>.+)$"),  # rustc
    re.compile(r"(?P<message>.+?) \[(?P<level>Error|Warning)/(?P<rule>[\w@/-]+)\]$"),  # eslint unix
    re.compile(rf"{_LEVEL}(?P<message>.+?) +\[(?P<rule>[\w@/,.-]+)\]$"),  # mypy, gcc, shellcheck
    re.compile(rf"{_LEVEL}(?P<message>.+?) \((?P<rule>[a-z][\w-]*)\)$"),  # golangci-lint
    re.compile(r"(?P<level>error|warning)  +(?P<message>.+?)  +(?P<rule>[\w@/-]+)$"),  # eslint
    re.compile(rf"{_LEVEL}(?P<message>.+)$"),
)
_REMARKS = {"note", "info"}
# Syntax errors and undefined names, by pycodestyle, pyflakes and pylint.
_BROKEN = re.compile(r"E9\d*|F(?:4[0-9]5|63[1-4]|7\d\d|82\d)|[EF]\d{4}")


def _finding(path: str, line: str, rest: str) -> LintFinding | None:
    for pattern in _RULES:
        if match := pattern.match(rest):
            parts = match.groupdict()
            level = (parts.get("level") or "").lower()
            rule = parts.get("rule") or ""
            if level in _REMARKS:
                return None  # it explains the finding before it
            broken = "error" in level or _BROKEN.fullmatch(rule) is not None
            return LintFinding(path, int(line), rule, parts["message"].strip(), broken)
    return None
