"""The generated pages say what the code says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from neveridle.errors import DOCS, NeveridleError

ROOT = Path(__file__).parents[1]


def _reference(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "scripts")}
    command = [sys.executable, "-P", "-m", "reference", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize("page", ["configuration.md", "commands.md", "errors.md"])
def test_generated_page_is_up_to_date(page: str) -> None:
    done = _reference("--check", page)

    assert done.returncode == 0, done.stderr


def test_a_page_that_is_out_of_date_is_found_and_written_again(tmp_path: Path) -> None:
    page = tmp_path / "errors.md"
    page.write_text("# Errors\n", encoding="utf-8")

    found = _reference("--check", "--docs", str(tmp_path), "errors.md")
    assert found.returncode == 1
    assert "errors.md is out of date: run `make reference`" in found.stderr
    assert page.read_text(encoding="utf-8") == "# Errors\n"

    assert _reference("--docs", str(tmp_path), "errors.md").returncode == 0
    assert page.read_bytes() == (ROOT / "docs" / "errors.md").read_bytes()


def test_every_error_links_to_a_section_of_its_own() -> None:
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    sections = re.findall(r"^#{2,3} (\S+)$", text, flags=re.MULTILINE)
    kinds = [NeveridleError]
    for kind in kinds:
        kinds += [k for k in kind.__subclasses__() if k.__module__.startswith("neveridle.errors.")]

    assert sorted(sections) == sorted(kind.code for kind in kinds)
    assert len(set(sections)) == len(sections)
    assert all(kind("x").docs == f"{DOCS}#{kind.code}" for kind in kinds)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.code) for kind in kinds)
