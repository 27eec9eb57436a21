"""Whoever meets a code finds what to do: every code has its section, and names real commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import neveridle.cli.failure as failure
import neveridle.errors as errors
from neveridle.errors import NeveridleError

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
SECTIONS = {
    found[1]: found[2]
    for found in re.finditer(r"^###? ([a-z-]+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL)
}
CODE = r"(?m)(?<=`)neveridle [^`]*(?=`)|(?<=^\$ )neveridle .*$"
"""What stands as a command in the page."""
KINDS = [getattr(errors, name) for name in errors.__all__]
CODES = sorted(
    {kind.code for kind in KINDS if isinstance(kind, type) and issubclass(kind, NeveridleError)}
    | {failure.Misuse.code, "bug", "outcome-failed"}
)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_section_that_says_what_is_seen_why_and_what_to_do(code: str) -> None:
    said = SECTIONS[code]
    places = [said.find(word) for word in ("**You see**", "**Why", "**Do**")]
    if "**what to do** is" in said:
        return
    assert -1 not in places
    assert places == sorted(places)


def test_no_section_is_of_a_code_that_there_is_not() -> None:
    assert set(SECTIONS) == set(CODES)


def test_commands_that_are_named_exist() -> None:
    known = set(re.findall(r"^###? `neveridle ([a-z -]+)`", _read("commands.md"), re.MULTILINE))
    groups = {one.split()[0] for one in known if " " in one}
    named = re.findall(r"neveridle ([a-z]+)(?: ([a-z-]+))?", "\n".join(re.findall(CODE, PAGE)))
    assert len(named) > 15
    for first, second in named:
        assert (f"{first} {second}" if first in groups and second else first) in known


def _read(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")
