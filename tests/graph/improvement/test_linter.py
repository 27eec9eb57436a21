from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neveridle.graph.sources.improvement import FinderContext, FinderFailed
from neveridle.graph.sources.improvement.lint_reports import LintFinding, lint_findings
from neveridle.graph.sources.improvement.linter import Linter

RUFF = shutil.which("ruff") or ""


async def _find(context: FinderContext) -> list[Any]:
    return await Linter().find(context)


@pytest.mark.parametrize(
    ("output", "finding"),
    [
        ("a.py:1:8: F401 [*] `os` imported but unused",
         LintFinding("a.py", 1, "F401", "`os` imported but unused")),
        ("./b c/é.py:3:1: E302 expected 2 blank lines, found 1",
         LintFinding("./b c/é.py", 3, "E302", "expected 2 blank lines, found 1")),
        ("a.py:3:12: F821 Undefined name `x`",
         LintFinding("a.py", 3, "F821", "Undefined name `x`", error=True)),
        ("a.py:1:0: C0114: Missing module docstring (missing-module-docstring)",
         LintFinding("a.py", 1, "C0114", "Missing module docstring (missing-module-docstring)")),
        ("a.py:9: [E0602(undefined-variable), f] Undefined variable 'x'",
         LintFinding("a.py", 9, "E0602", "Undefined variable 'x'", error=True)),
        ("src/a.py:7: error: Incompatible return value type (got \"int\")  [return-value]",
         LintFinding("src/a.py", 7, "return-value",
                     'Incompatible return value type (got "int")', error=True)),
        ("a.py:7: note: See https://example.org", None),
        ("C:\\work\\a.js:4:10: 'x' is defined but never used. [Error/no-unused-vars]",
         LintFinding("C:\\work\\a.js", 4, "no-unused-vars",
                     "'x' is defined but never used.", error=True)),
        ("a.go:5:2: Error return value is not checked (errcheck)",
         LintFinding("a.go", 5, "errcheck", "Error return value is not checked")),
        ("a.sh:1:1: warning: Tips depend on target shell. [SC2148]",
         LintFinding("a.sh", 1, "SC2148", "Tips depend on target shell.")),
        ("src/a.ts(12,5): error TS2304: Cannot find name 'x'.",
         LintFinding("src/a.ts", 12, "TS2304", "Cannot find name 'x'.", error=True)),
        ("a.c:3:5: error: expected ';' before 'return'",
         LintFinding("a.c", 3, "", "expected ';' before 'return'", error=True)),
        ("I001 [*] Import block is un-sorted\n --> a.py:1:1\n  |\n1 | import os",
         LintFinding("a.py", 1, "I001", "Import block is un-sorted")),
        ("error[E0308]: mismatched types\n --> src/lib.rs:1:26\n  |",
         LintFinding("src/lib.rs", 1, "E0308", "mismatched types", error=True)),
        ("warning: unused variable: `x`\n --> src/lib.rs:2:41\n",
         LintFinding("src/lib.rs", 2, "", "unused variable: `x`")),
        ("/tree/a.js\n  1:10  error  'x' is defined but never used  no-unused-vars\n",
         LintFinding("/tree/a.js", 1, "no-unused-vars",
                     "'x' is defined but never used", error=True)),
        ("a.py:\n  1:8  F401 [*] `os` imported but unused",
         LintFinding("a.py", 1, "F401", "`os` imported but unused")),
        ("\x1b[1ma.py\x1b[0m:1:8: \x1b[31mF401\x1b[0m unused",
         LintFinding("a.py", 1, "F401", "unused")),
        ("Found 3 errors.", None),
        ("", None),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)  # fmt: skip
def test_formats(output: str, finding: LintFinding | None) -> None:
    expected = [] if finding is None else [finding]
    assert lint_findings(output) == expected
    assert lint_findings(output.replace("\n", "\r\n") + "\r\n") == expected


_PIECES = st.sampled_from(
    ["a.py:1:8: F401 x", "a.py:", "/a.js", "  1:10  error  x  rule", " --> a.py:1:1", "I001 x",
     "a.py:1: error: x  [r]", "a(1,2): b", "a:99999999999: x", "[", "a.py:1: [", "a.py:1:1:"]
) | st.text(max_size=40)  # fmt: skip


@given(st.lists(_PIECES, max_size=30), st.sampled_from(["\n", "\r\n", "", " "]))
def test_never_raises(pieces: list[str], end: str) -> None:
    for finding in lint_findings(end.join(pieces)):
        assert finding.path
        assert finding.line >= 0


@pytest.mark.skipif(not RUFF, reason="ruff is not installed")
@pytest.mark.parametrize("style", ["full", "concise", "grouped", "pylint"])
async def test_ruff(clone: Any, context: Callable[..., FinderContext], style: str) -> None:
    clone.write("src/a.py", "import os, sys\ndef f():\n    return undefined\n")
    clone.write("b.py", "import json\n")
    command = f"'{RUFF}' check --isolated --no-cache --select F --output-format {style}"
    found = await _find(context(checks={"lint": command}))
    assert [(proposal.title, proposal.value) for proposal in found] == [
        ("Resolve F821 in src/a.py (one finding)", 0.5),
        ("Resolve F401 in src/a.py (2 findings)", 0.41),
        ("Resolve F401 in b.py (one finding)", 0.4),
    ]
    assert found[0].paths == ("src/a.py",)
    assert "> line 3: Undefined name `undefined`" in found[0].description
    before = {proposal.fingerprint for proposal in found}
    clone.write("src/a.py", "'''Moved.'''\n\nimport os\ndef f():\n    return 1 + undefined\n")
    after = {proposal.fingerprint for proposal in await _find(context(lint=command))}
    assert after == before


async def test_more_findings_are_worth_more_up_to_a_bound(
    clone: Any, context: Callable[..., FinderContext]
) -> None:
    clone.write("a.py", "x")
    lines = "".join(f"a.py:{i}:1: F821 Undefined name x{i}\\n" for i in range(1, 100))
    (found,) = await _find(context(lint=f"printf '{lines}'; exit 1"))
    assert found.value == 0.6
    assert "99 findings" in found.title
    assert len(found.description) < 3_500


async def test_findings_outside_the_tree_are_not_ours(
    clone: Any, context: Callable[..., FinderContext], tmp_path: Path
) -> None:
    (tmp_path / "other.py").write_text("x")
    clone.write("in side.py", "x")
    clone.write("windows/a.py", "x")
    (clone.tree / "link.py").symlink_to(tmp_path / "other.py")
    output = "".join(
        f"{path}:1:1: E1 bad\\n"
        for path in ("../other.py", tmp_path / "other.py", "link.py", "gone.py", "12",
                     clone.tree / "in side.py", "windows\\\\a.py")
    )  # fmt: skip
    found = await _find(context(lint=f"printf '{output}'; exit 1"))
    assert sorted(proposal.paths for proposal in found) == [("in side.py",), ("windows/a.py",)]


async def test_a_linter_that_names_nothing(
    clone: Any, context: Callable[..., FinderContext]
) -> None:
    (found,) = await _find(context(lint="echo would reformat a.py; exit 1"))
    assert found.title.startswith("Make the linter pass: echo would")
    assert "> would reformat a.py" in found.description


async def test_nothing_to_find(clone: Any, context: Callable[..., FinderContext]) -> None:
    assert await _find(context()) == []
    clone.write("a.py", "x")
    assert await _find(context(lint="echo 'a.py:1:1: E1 bad'")) == []


async def test_a_linter_that_cannot_run(clone: Any, context: Callable[..., FinderContext]) -> None:
    with pytest.raises(FinderFailed, match="no-such-linter"):
        await _find(context(lint="no-such-linter ."))
