"""Souls and the roster: broken ones name file, line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from neveridle.agents import Roster, load_soul
from neveridle.errors import NotFound, SoulInvalid
from neveridle.settings import AgentSettings

GOOD = "---\nrole: backend\nskills: [Python, api, python]\n---\n\nI am Sam.\n"


def write(folder: Path, name: str, text: str, **how: str) -> Path:
    path = folder / name
    path.write_bytes(text.encode(how.get("encoding", "utf-8")))
    return path


@pytest.mark.parametrize("text", [GOOD, GOOD.replace("\n", "\r\n"), "\ufeff" + GOOD])
def test_a_soul_is_read_however_its_lines_end(tmp_path: Path, text: str) -> None:
    soul = load_soul(write(tmp_path, "Sam.md", text))
    assert (soul.name, soul.role, soul.skills) == ("sam", "backend", ("api", "python"))
    assert soul.text == "I am Sam."


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("I am Sam.", 1, "starts with front matter"),
        ("", 1, "starts with front matter"),
        ("---\nrole: a\n", 3, "has no end"),
        ("---\nrole: [a\n---\nx", 2, "cannot be read"),
        ("---\n- a\n---\nx", 2, "no list of names"),
        ("---\nskills: [a]\n---\nx", 1, "role is missing"),
        ("---\nrole: a\nskills: python\n---\nx", 3, "not a list of words"),
        ("---\nrole: a\nskills: [1]\n---\nx", 3, "not a list of words"),
        ("---\nrole: a\nrool: b\n---\nx", 3, "'rool' is not known"),
        ("---\nrole: a\nname: ../x\n---\nx", 3, "cannot be an agent's name"),
        ("---\nrole: a\n---\n\n", 5, "no text"),
    ],
)
def test_a_broken_soul_names_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = write(tmp_path, "sam.md", text)
    with pytest.raises(SoulInvalid) as raised:
        load_soul(path)
    assert str(raised.value).startswith(f"{path}:{line}: ")
    assert said in str(raised.value)
    assert raised.value.remedy


def test_a_soul_that_is_no_utf8_text(tmp_path: Path) -> None:
    path = write(tmp_path, "sam.md", "---\nrole: Prüfer\n---\nx", encoding="latin-1")
    with pytest.raises(SoulInvalid, match=r"sam\.md: cannot be read"):
        load_soul(path)


def test_a_roster_reads_a_folder_and_the_settings(tmp_path: Path) -> None:
    write(tmp_path, "sam.md", GOOD)
    write(tmp_path, "leo.md", GOOD.replace("Sam", "Leo"))
    write(tmp_path, "README.md", "Not a soul.")
    roster = Roster.load(tmp_path, {"leo": AgentSettings(skills=["html"], paused=True)})
    assert roster.names == ["leo", "sam"]
    assert (roster.get("LEO ").skills, roster.get("leo").paused) == (("html",), True)
    assert "sam" in roster
    assert len(roster) == 2
    with pytest.raises(NotFound) as raised:
        roster.get("ann")
    assert raised.value.remedy == "There are leo, sam."


def test_a_roster_without_souls_or_with_two_of_one_name_or_settings_of_nobody(
    tmp_path: Path,
) -> None:
    with pytest.raises(SoulInvalid, match="there are no souls"):
        Roster.load(tmp_path, {})
    write(tmp_path, "sam.md", GOOD)
    with pytest.raises(SoulInvalid, match=r"\[agents\.ann\] has no soul"):
        Roster.load(tmp_path, {"ann": AgentSettings()})
    with pytest.raises(SoulInvalid) as raised:
        Roster.load(tmp_path, {"Sam": AgentSettings()})
    assert raised.value.remedy == "Write it as [agents.sam]."
    write(tmp_path, "other.md", GOOD.replace("role", "name: sam\nrole"))
    with pytest.raises(SoulInvalid, match="another agent called sam"):
        Roster.load(tmp_path, {})
