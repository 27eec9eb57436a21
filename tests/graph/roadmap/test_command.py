from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from neveridle.cli.roadmap import roadmap_command
from neveridle.errors import RoadmapInvalid

app = typer.Typer()
app.command("roadmap")(roadmap_command)

TEXT = """\
# Roadmap

- [ ] [api] Parser (owner: Ana)
  - [x] Tokens
- [ ] Printer — depends on Parser
"""


@pytest.fixture
def roadmap(tmp_path: Path) -> Path:
    file = tmp_path / "road map é.md"
    file.write_text(TEXT, "utf-8")
    return file


def test_json_lists_every_item(roadmap: Path) -> None:
    result = CliRunner().invoke(app, [str(roadmap), "--json"])
    assert result.exit_code == 0
    records = json.loads(result.stdout)
    keys = [record.pop("key") for record in records]
    assert len(set(keys)) == 3
    assert records == [
        {
            "line": 3,
            "title": "Parser",
            "status": "todo",
            "section": "Roadmap",
            "parent_line": None,
            "owner": "Ana",
            "area": "api",
            "depends_on_lines": [],
            "leaf": False,
        },
        {
            "line": 4,
            "title": "Tokens",
            "status": "done",
            "section": "Roadmap",
            "parent_line": 3,
            "owner": None,
            "area": None,
            "depends_on_lines": [],
            "leaf": True,
        },
        {
            "line": 5,
            "title": "Printer",
            "status": "todo",
            "section": "Roadmap",
            "parent_line": None,
            "owner": None,
            "area": None,
            "depends_on_lines": [3],
            "leaf": True,
        },
    ]


def test_the_table_shows_titles_and_status(roadmap: Path) -> None:
    result = CliRunner(env={"COLUMNS": "160"}).invoke(app, [str(roadmap)])
    assert result.exit_code == 0
    tokens = next(line for line in result.stdout.splitlines() if "Tokens" in line)
    assert "4" in tokens
    assert "done" in tokens


def test_a_roadmap_without_items_says_so(tmp_path: Path) -> None:
    file = tmp_path / "R.md"
    file.write_text("# Roadmap\n\nWords.\n", "utf-8")
    assert "no work items" in CliRunner().invoke(app, [str(file)]).stdout


def test_a_missing_file_is_named_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(RoadmapInvalid, match=r"gone\.md") as caught:
        roadmap_command(tmp_path / "gone.md")
    assert caught.value.remedy


def test_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(RoadmapInvalid) as caught:
        roadmap_command(tmp_path)
    assert str(tmp_path) in caught.value.message


def test_an_undecodable_file_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "R.md"
    file.write_bytes("# Roadmap\n\n- [ ] Über\n".encode("latin-1"))
    with pytest.raises(RoadmapInvalid, match="line 3") as caught:
        roadmap_command(file)
    assert "UTF-8" in caught.value.remedy
