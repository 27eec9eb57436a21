"""Sync points with which a recorded task begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from neveridle.errors import RecordingInvalid
from neveridle.evals.recorded_task import FILE, load_task

TASK = """
schema = 2
title = "Two meet"
provenance = "authored"

[start]
repository = "repository"

[[sync_points]]
name = "totals"
participants = ["sam", "leo"]
lead = "quinn"
next_phase = { title = "Go on" }

[[tasks]]
source = "dispatch"
agent = "sam"
title = "A part"
sync = "totals"
"""


def test_a_task_names_the_sync_point_it_checks_in_at(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(TASK, encoding="utf-8")

    task = load_task(tmp_path)

    assert [(one.name, one.policy, one.within) for one in task.sync_points] == [
        ("totals", "fail", 86_400.0)
    ]
    assert [one.sync for one in task.tasks] == ["totals"]


def test_a_sync_point_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(TASK.replace('sync = "totals"', 'sync = "sums"'), encoding="utf-8")

    with pytest.raises(RecordingInvalid, match="'sums', which is not there"):
        load_task(tmp_path)
