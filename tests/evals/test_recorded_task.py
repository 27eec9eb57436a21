"""The format of recorded tasks, and what is said of a broken one."""

from __future__ import annotations

from pathlib import Path

import pytest

from neveridle.errors import RecordingInvalid
from neveridle.evals import find_task, load_task, shipped_tasks

GOOD = """\
schema = 1
title = "A task"
provenance = "authored"

[start]
repository = "repository"
folder = "code"
team = "neveridle.toml"
souls = "agents"
recording = "recording.jsonl"

[[tasks]]
source = "backlog"
title = "First"

[[tasks]]
source = "backlog"
title = "Second"
after = ["First"]
"""


def written(folder: Path, text: str) -> Path:
    (folder / "task.toml").write_text(text, encoding="utf-8")
    return folder


def test_every_shipped_task_can_be_read() -> None:
    assert "demo" in shipped_tasks()
    for name, folder in shipped_tasks().items():
        assert load_task(folder).name == name


def test_a_good_one_is_read(tmp_path: Path) -> None:
    task = load_task(written(tmp_path, GOOD))

    assert [one.title for one in task.tasks] == ["First", "Second"]
    assert task.folder == tmp_path


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("schema = 1", "schema = 3", 1, "schema"),
        ('provenance = "authored"', 'provenance = "guessed"', 3, "provenance"),
        (
            'source = "backlog"\ntitle = "First"',
            'source = "roadmap"\ntitle = "First"',
            13,
            "source",
        ),
        ('folder = "code"', 'folders = "code"', 7, "folders"),
    ],
)
def test_a_broken_one_names_file_and_line(
    tmp_path: Path, old: str, new: str, line: int, said: str
) -> None:
    with pytest.raises(RecordingInvalid) as raised:
        load_task(written(tmp_path, GOOD.replace(old, new, 1)))

    assert f"task.toml:{line}:" in raised.value.message
    assert said in raised.value.message
    assert raised.value.remedy


def test_a_task_cannot_come_after_one_that_is_not_named(tmp_path: Path) -> None:
    text = GOOD.replace('after = ["First"]', 'after = ["Frist"]')

    with pytest.raises(RecordingInvalid, match="Frist"):
        load_task(written(tmp_path, text))


def test_no_toml_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingInvalid, match="not valid TOML"):
        load_task(written(tmp_path, "schema ="))


def test_a_folder_without_a_task_is_said(tmp_path: Path) -> None:
    with pytest.raises(RecordingInvalid, match=r"task\.toml: cannot be read"):
        load_task(tmp_path)


def test_an_unknown_name_names_those_that_are_like_it() -> None:
    with pytest.raises(RecordingInvalid) as raised:
        find_task("demos")

    assert "Did you mean demo?" in raised.value.remedy
    with pytest.raises(RecordingInvalid, match="neveridle eval list"):
        find_task("no-such-task")


def test_a_task_is_found_by_its_folder(tmp_path: Path) -> None:
    assert find_task(str(written(tmp_path, GOOD))) == tmp_path
