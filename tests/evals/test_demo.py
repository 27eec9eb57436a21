"""The demo is the first recorded task: played whole, with everything real but the model."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from neveridle.errors import StageTaken
from neveridle.evals import (
    Played,
    RecordedTask,
    find_task,
    load_task,
    play,
    score,
    summary,
)
from neveridle.evals.expectations import Expectations
from neveridle.evals.stage import set_up

pytestmark = pytest.mark.slow


def git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), *arguments]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout


@pytest.fixture(scope="module")
def task() -> RecordedTask:
    return load_task(find_task("demo"))


@pytest.fixture
async def played(task: RecordedTask, tmp_path: Path) -> Played:
    return await play(task, tmp_path / "stage")


async def test_all_that_the_demo_promises_holds(task: RecordedTask, played: Played) -> None:
    missed = [one for one in score(played, task.expect) if not one.passed]

    assert missed == []
    facts = summary(played)
    json.dumps(facts)
    assert facts["checks"] == {
        "before": {"tests": True, "acceptance": False},
        "after": {"tests": True, "acceptance": True},
    }
    assert facts["idle_model_calls"] == 0
    assert facts["model_calls"] == 56
    assert facts["input_tokens"] > 0
    assert played.report.problems == []
    # The repository is left clean, on its branch, with every merge and no branch of ours.
    assert git(played.repository, "status", "--porcelain") == ""
    assert git(played.repository, "branch", "--format=%(refname:short)").split() == ["main"]
    merges = git(played.repository, "rev-list", "--merges", "--count", "HEAD")
    assert int(merges) == facts["merged"] == 9
    assert list((played.folder / ".neveridle" / "work").glob("[0-9]*")) == []
    # What does not hold is said: the scores are not simply all green.
    wrong = Expectations.model_validate(
        {
            "completed": 99,
            "refused": ["Show the newest bookmark first"],
            "handoffs": [{"from": "leo", "to": "sam"}],
            "woken": ["Say which file is broken"],
            "learnings": 0,
            "proven": 9,
            "lessons": [
                {"learnt_in": "Say which file is broken", "used_in": "x", "calls": 1, "without": 2}
            ],
            "idle_model_calls": 1,
            "checks_after": {"tests": False},
            "roadmap_done": ["Look elsewhere"],
        }
    )
    assert [one.name for one in score(played, wrong) if one.passed] == [
        "rest at the end",
        "no secret kept",
    ]


@pytest.mark.whole_in_chaos
async def test_without_memory_the_later_task_goes_the_longer_way(
    task: RecordedTask, tmp_path: Path
) -> None:
    """The model's answers hang on the lesson standing in the prompt, not on the script alone."""
    (lesson,) = task.expect.lessons
    copy = tmp_path / "copy"
    shutil.copytree(task.folder, copy)
    with (copy / "neveridle.toml").open("a", encoding="utf-8") as file:
        file.write("\n[memory]\nenabled = false\n")

    played = await play(load_task(copy), tmp_path / "stage")

    (later,) = [one.id for one in played.tasks if one.title == lesson.used_in]
    calls = [e for e in played.events if e.kind == "model.call" and e.task_id == later]
    assert len(calls) == lesson.without > lesson.calls
    failed = {one.name for one in score(played, task.expect) if not one.passed}
    assert failed == {"learnings", "a lesson used", "lessons proven"}
    source = git(played.repository, "show", "main:shelf/store.py")
    assert "return list(self.bookmarks)" in source  # the detour was undone


@pytest.mark.whole_in_chaos
async def test_a_missing_answer_is_no_success(task: RecordedTask, tmp_path: Path) -> None:
    """Without its recording a task is not done, and the report says so."""
    copy = tmp_path / "copy"
    shutil.copytree(task.folder, copy)
    lines = (copy / "recording.jsonl").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if "refuse-links" not in line]
    (copy / "recording.jsonl").write_text("\n".join(kept) + "\n", encoding="utf-8")

    played = await play(load_task(copy), tmp_path / "stage")

    failed = {one.name for one in score(played, task.expect) if not one.passed}
    assert {"rest at the end", "completed"} <= failed
    assert [problem["code"] for problem in played.report.problems] == ["recording-mismatch"]


async def test_a_folder_of_somebody_else_is_left_alone(task: RecordedTask, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")

    with pytest.raises(StageTaken):
        await set_up(task, tmp_path)

    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "mine"


async def test_the_stage_is_the_same_each_time(task: RecordedTask, tmp_path: Path) -> None:
    heads: list[str] = []
    for _ in range(2):
        config = await set_up(task, tmp_path / "stage")
        heads.append(git(config.parent / task.start.folder, "rev-parse", "HEAD"))

    assert heads[0] == heads[1]
