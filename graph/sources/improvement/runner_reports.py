"""Reading the names of failing tests out of what test runners print."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from neveridle.graph.sources.improvement.quoting import plain

_LONGEST = 1_000  # characters of a line that may name a test


@dataclass(frozen=True, slots=True)
class FailedTest:
    """A test that failed; ``path`` is the file as printed, empty where none is."""

    name: str
    path: str = ""


def failed_tests(output: str) -> list[FailedTest]:
    """The failing tests named in a command's output, each once, in its order.

    Knows pytest, unittest, go test, cargo test, jest, vitest, and node's test
    runner or TAP. Cases of one parametrized test, and subtests of pytest and
    unittest, count as the one test.
    """
    lines = [line.rstrip() for line in plain(output).split("\n") if len(line) <= _LONGEST]
    text = "\n".join(lines)
    found: dict[FailedTest, None] = {}
    for sign, reader in _READERS:
        if re.search(sign, text, re.MULTILINE):
            found.update(dict.fromkeys(test for test in reader(lines) if test.name))
    return list(found)


_PYTEST_SUMMARY = re.compile(r"(?:FAILED|ERROR|SUBFAIL(?:ED)?(?:\[.*?\])?(?: \(.*?\))?) (\S.*)")
_PYTEST_VERBOSE = re.compile(r"(?:\[gw\d+\] )?(\S.*?::.+?) (?:FAILED|ERROR)(?: +\[ *\d+%\])?$")
_PYTEST_WORKER = re.compile(r"\[gw\d+\] \[ *\d+%\] (?:FAILED|ERROR) (\S.*::.+)$")


def _pytest(lines: list[str]) -> Iterator[FailedTest]:
    for line in lines:
        match = (
            _PYTEST_SUMMARY.match(line) or _PYTEST_VERBOSE.match(line) or _PYTEST_WORKER.match(line)
        )
        if match is None:
            continue
        # A case's id may hold anything, also " - ", so it is cut off first.
        node = match[1].split("[", 1)[0].split(" - ", 1)[0].strip()
        path, _, rest = node.partition("::")
        # What failed while it was collected has no test: the file does not load.
        if re.search(r"\.\w{1,5}$", path):
            yield FailedTest(f"{path}::{rest}" if rest else path, path)


_UNITTEST = re.compile(r"(?:FAIL|ERROR): (\S+) \(([\w.<>]+)\)")


def _unittest(lines: list[str]) -> Iterator[FailedTest]:
    for line in lines:
        if match := _UNITTEST.match(line):
            method, where = match.groups()
            if where.endswith((f"_FailedTest.{method}", "_FailedTest")):
                yield FailedTest(method)  # a module that does not load
            else:
                # Until Python 3.10 the method is not part of what stands in brackets.
                yield FailedTest(where if where.endswith(f".{method}") else f"{where}.{method}")


_GO_TEST = re.compile(r"\s*--- FAIL: (\S+) \([\d.]+m?s\)")
_GO_PACKAGE = re.compile(r"FAIL\s+(\S+)\s+(?:[\d.]+s|\[[\w ]+\])$")


def _go(lines: list[str]) -> Iterator[FailedTest]:
    names: list[str] = []
    for line in lines:
        if match := _GO_TEST.match(line):
            names.append(match[1].split("/", 1)[0])  # a subtest fails its test
        elif match := _GO_PACKAGE.match(line):
            yield from (FailedTest(f"{match[1]}.{name}") for name in names)
            if not names:
                yield FailedTest(match[1])  # it does not build
            names = []
    yield from (FailedTest(name) for name in names)


_CARGO = re.compile(r"test (\S+)(?: - should panic)? \.\.\. FAILED$")


def _cargo(lines: list[str]) -> Iterator[FailedTest]:
    yield from (FailedTest(match[1]) for line in lines if (match := _CARGO.match(line)))


_JEST_FILE = re.compile(r"\s*FAIL\s+(?:\S+ )??(\S+\.[cm]?[jt]sx?)(?: \([\d.]+ m?s\))?$")
_JEST_TEST = re.compile(r"\s{1,4}● (.+)$")
_VITEST = re.compile(r"\s*FAIL\s+(?:\|.+?\| )?(\S+\.[cm]?[jt]sx?)(?: \[ .+ \]| > (.+))$")


def _jest(lines: list[str]) -> Iterator[FailedTest]:
    path = ""
    for line in lines:
        if match := _VITEST.match(line):
            yield FailedTest(f"{match[1]} > {match[2]}" if match[2] else match[1], match[1])
        elif match := _JEST_FILE.match(line):
            path = match[1]
        elif (match := _JEST_TEST.match(line)) and path:
            if match[1] == "Test suite failed to run":
                yield FailedTest(path, path)
            elif match[1] != "Console":
                yield FailedTest(
                    f"{path} \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} {match[1]}", path
                )


_TAP = re.compile(r"( *)not ok \d+(?: - (.*?))?(?:(?<!\\) # (TODO|SKIP)\b.*)?$", re.IGNORECASE)
_TAP_SUBTEST = re.compile(r"( *)# Subtest: (.+)$")
_TAP_DETAIL = re.compile(r" *(location|failureType): '?(.+?)'?$")


def _tap(lines: list[str]) -> Iterator[FailedTest]:
    parents: dict[int, str] = {}
    for number, line in enumerate(lines):
        if match := _TAP_SUBTEST.match(line):
            depth = len(match[1])
            parents = {at: name for at, name in parents.items() if at < depth}
            parents[depth] = match[2]
        elif (match := _TAP.match(line)) and not match[3]:
            depth = len(match[1])
            details: dict[str, str] = {}
            for after in lines[number + 1 : number + 12]:
                if after.strip() == "...":
                    break
                if detail := _TAP_DETAIL.match(after):
                    details[detail[1]] = detail[2]
            if details.get("failureType") == "subtestsFailed":
                continue  # its failing subtest has been named
            above = [name for at, name in sorted(parents.items()) if at < depth]
            name = " > ".join([*above, match[2] or ""]).replace("\\#", "#")
            yield FailedTest(name, re.sub(r":\d+:\d+$", "", details.get("location", "")))


_SPEC_PLACE = re.compile(r"test at (.+?):\d+:\d+$")
_SPEC_NAME = re.compile(r"[✖\u00d7] (.+?)(?: \([\d.]+m?s\))?( # (?:TODO|SKIP)\b.*)?$")


def _spec(lines: list[str]) -> Iterator[FailedTest]:
    for place, line in pairwise(lines):
        where, name = _SPEC_PLACE.match(place), _SPEC_NAME.match(line)
        if where and name and not name[2]:
            yield FailedTest(name[1], where[1])


# A reader is asked only where its runner has left its sign: one runner's output may quote another.
_READERS: tuple[tuple[str, Callable[[list[str]], Iterator[FailedTest]]], ...] = (
    (r"^(?:=+ )?(?:.*\d+ (?:failed|error)).* in \d[\d.:]*", _pytest),
    (r"^Ran \d+ tests? in ", _unittest),
    (r"^(?:FAIL|--- FAIL:)\s", _go),
    (r"^test result: FAILED", _cargo),
    (r"^\s*(?:Tests|Test Suites|Test Files):?\s.*failed", _jest),
    (r"^(?:1\.\.\d+|# fail [1-9]\d*|TAP version \d+)", _tap),
    (r"^[✖\u00d7] failing tests:", _spec),
)
