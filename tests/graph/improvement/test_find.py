from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.errors import SettingsInvalid
from neveridle.graph.sources.improvement import (
    FINDERS,
    FinderContext,
    FindResult,
    Proposal,
    find_improvements,
    finders,
    fingerprint,
)
from neveridle.graph.sources.improvement.quoting import one_line, quoted
from neveridle.settings import ImprovementSettings

PLUG_IN = """
from neveridle.graph.sources.improvement import Proposal

class Fixed:
    name = "fixed"

    async def find(self, context):
        return [
            Proposal("fixed", f"Number {i}", "r", "d", i / 10, f"fixed:{i % 8}") for i in range(10)
        ]

class Broken:
    name = "broken"

    async def find(self, context):
        raise RuntimeError("token=hunter2hunter2 is\\n\\x1b[31mbroken")

class Careless:
    name = "careless"

    async def find(self, context):
        return None

class Sloppy:
    name = "sloppy"

    async def find(self, context):
        return ["a string", Proposal("sloppy", "Title", "r", "d", 0.5, "sloppy:1")]

number = 7
"""
ENTRY_POINTS = """[neveridle.finders]
fixed = plug_in_of_a_test:Fixed
broken = plug_in_of_a_test:Broken
careless = plug_in_of_a_test:Careless
sloppy = plug_in_of_a_test:Sloppy
number = plug_in_of_a_test:number
absent = plug_in_of_a_test:Absent
todo = plug_in_of_a_test:Broken
"""


@pytest.fixture
def plug_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution installed in a folder of its own."""
    site = tmp_path / "site"
    info = site / "plug_in_of_a_test-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-in-of-a-test\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    (site / "plug_in_of_a_test.py").write_text(PLUG_IN)
    monkeypatch.setattr(sys, "path", [str(site), *sys.path])


async def _find(
    context: FinderContext,
    *names: str,
    threshold: float = 0.3,
    known: frozenset[str] = frozenset(),
    limit: int = 100,
) -> FindResult:
    return await find_improvements(context, names, threshold=threshold, known=known, limit=limit)


def test_the_settings_name_what_is_built_in() -> None:
    settings = ImprovementSettings.model_validate({})
    assert settings.finders == list(FINDERS)
    assert [finder.name for finder in finders(settings.finders)] == list(FINDERS)


async def test_all_finders_on_one_repository(
    clone: Any, context: Callable[..., FinderContext]
) -> None:
    clone.write("test_a.py", "def test_a(): assert 0  # TODO: count\n")
    clone.git("checkout", "--quiet", "-b", "feature", "main")
    clone.commit(days_ago=14)
    clone.git("checkout", "--quiet", "main")
    clone.write("test_a.py", "def test_a(): assert 0  # TODO: count\n")
    lint = "echo 'test_a.py:1:1: E701 multiple statements'; exit 1"
    seen = context(
        checks={"unit": "PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 python -m pytest -q", "lint": lint}
    )
    result = await _find(seen, *FINDERS)
    assert [proposal.finder for proposal in result.proposals] == [
        "failing-tests", "stale-branches", "linter", "todo"
    ]  # fmt: skip
    assert result.problems == ()
    known = frozenset(proposal.fingerprint for proposal in result.proposals)
    again = await _find(seen, *FINDERS, known=known)
    assert again.proposals == ()
    assert (again.found, again.known, again.below) == (4, 4, 0)


@pytest.mark.usefixtures("plug_in")
async def test_what_is_left_out(context: Callable[..., FinderContext]) -> None:
    result = await _find(
        context(), "fixed", threshold=0.3, known=frozenset({"fixed:1", "fixed:5"}), limit=3
    )
    # Numbers 8 and 9 were found again as 0 and 1: the more valuable one stands for both.
    assert [proposal.title for proposal in result.proposals] == ["Number 8", "Number 7", "Number 6"]
    assert (result.found, result.known, result.below) == (8, 2, 1)
    exact = await _find(context(), "fixed", threshold=0.8)
    assert [proposal.value for proposal in exact.proposals] == [0.9, 0.8]


@pytest.mark.usefixtures("plug_in")
async def test_one_failing_finder_stops_no_other(
    clone: Any, context: Callable[..., FinderContext]
) -> None:
    clone.write("a.py", "# TODO: sum up\n")
    checks = {"first": "no-such-command-here", "second": "exit 1"}
    names = ("broken", "careless", "sloppy", "failing-tests", "todo")
    result = await _find(context(checks=checks), *names)
    assert [proposal.finder for proposal in result.proposals] == ["failing-tests", "sloppy", "todo"]
    assert [problem.finder for problem in result.problems] == list(names[:4])
    said = result.problems[0].message
    assert "RuntimeError" in said
    assert "\n" not in said
    assert "\x1b" not in said
    assert "no-such-command-here" in result.problems[3].message


@pytest.mark.usefixtures("plug_in")
async def test_unknown_and_broken_names(context: Callable[..., FinderContext]) -> None:
    with pytest.raises(SettingsInvalid, match=r"'tood'; known are failing-tests, .*sloppy"):
        await _find(context(), "tood")
    with pytest.raises(SettingsInvalid, match="nothing that makes a finder"):
        await _find(context(), "number")
    with pytest.raises(SettingsInvalid, match="cannot be loaded"):
        await _find(context(), "absent")
    # What is built in cannot be replaced by accident.
    assert (await _find(context(), "todo")).problems == ()


async def test_with_no_room_nobody_is_asked(
    clone: Any, context: Callable[..., FinderContext]
) -> None:
    result = await _find(context(checks={"unit": "exit 1"}), "failing-tests", limit=0)
    assert result == FindResult()
    assert clone.commands == []


async def test_the_order_is_the_same_each_time(
    clone: Any, context: Callable[..., FinderContext]
) -> None:
    for name in "dbca":
        clone.write(f"{name}.py", f"# TODO: do {name}s work")
    titles = [proposal.title for proposal in (await _find(context(), "todo", "todo")).proposals]
    assert titles == sorted(titles)
    assert len(titles) == 4


@pytest.mark.parametrize("value", [-0.1, 1.01, float("nan")])
def test_a_value_is_between_0_and_1(value: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Proposal("f", "t", "r", "d", value, "f:1")


def test_fingerprints_keep_parts_apart() -> None:
    assert fingerprint("f", "ab", "c") != fingerprint("f", "a", "bc")
    assert fingerprint("f", "\udcff").startswith("f:")


@given(st.text(), st.integers(10, 200))
def test_one_line_is_one_bounded_line(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    assert one_line(line, limit) == line


@given(st.text(), st.integers(1, 10), st.integers(20, 300), st.booleans())
def test_quotations_are_bounded(text: str, lines: int, limit: int, tail: bool) -> None:
    quotation = quoted(text, lines=lines, limit=limit, tail=tail)
    rows = quotation.split("\n")
    assert len(rows) <= lines + 1
    assert len(quotation) <= limit + len("\n> […]")
    assert all(row.startswith(">") for row in rows if row)


def test_a_tail_keeps_the_end() -> None:
    text = "\n".join(str(i) for i in range(100))
    assert quoted(text, lines=2, tail=True) == "> […]\n> 98\n> 99"
    assert quoted(text, lines=2) == "> 0\n> 1\n> […]"
