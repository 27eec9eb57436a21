"""A whole play in which services, model, machine and process fail, and people act meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from neveridle.evals.result import CaseResult
from neveridle.evals.suite import run_suite

TASK = """\
schema = 2
title = "A plan of faults"
provenance = "authored"

[start]
repository = "repository"
folder = "code"
services = { linear = "linear.json" }

[[faults]]
kind = "kill"
node = "verify"

[[faults]]
kind = "kill"
node = "work step 2"

[[faults]]
kind = "kill"
service = "linear"
request = "NeveridleUpdate"
when = "after"

[[faults]]
kind = "model"
answer = "429"
retry_after = 7
step = 1

[[faults]]
kind = "service"
service = "linear"
on = "NeveridleIssues"
answer = "5xx"

[[faults]]
kind = "clock-jump"
on = "task.claimed"
nth = 2
after = 1
seconds = 200

[[faults]]
kind = "disk-full"
of = "checkpoints"
at = 9000
may = true

[[acts]]
kind = "dispatch"
at = 600
to = "ada"
title = "Write b"

[[acts]]
kind = "ticket"
on = "task.completed"
ticket = "write a"
comment = "thank you"

[[acts]]
kind = "commit"
at = 610
files = { "c.txt" = "c" }

[expect]
completed = 2
"""
TEAM = """\
[team]
name = "t"
repository = "code"
branch = "main"
[model]
default = "replay:recording.jsonl"
[checks]
tests = "true"
[delivery]
mode = "merge"
unsandboxed_merge = true
[leases]
lease = 60
heartbeat = 10
[improvement]
enabled = false
[memory]
enabled = false
[services.linear]
team = "AGT"
[tracker]
kind = "linear"
"""


def laid_out(folder: Path) -> Path:
    for name in ("repository", "agents"):
        (folder / name).mkdir(parents=True)
    (folder / "task.toml").write_text(TASK, encoding="utf-8")
    (folder / "neveridle.toml").write_text(TEAM, encoding="utf-8")
    (folder / "repository/README.md").write_text("Files.\n", encoding="utf-8")
    soul = "---\nrole: backend\nskills: [backend]\n---\n\n# ADA\n\nYou write files.\n"
    (folder / "agents/ada.md").write_text(soul, encoding="utf-8")
    start = {"issues": [{"title": "Write a", "description": "Write a.txt."}]}
    (folder / "linear.json").write_text(json.dumps(start), encoding="utf-8")
    made_by = {"kind": "authored", "model": "authored"}
    lines: list[object] = [{"format": "neveridle-recording", "version": 1, "provenance": made_by}]
    for key, name in (("linear:AGT-1", "a.txt"), ("dispatch:write-b", "b.txt")):
        wrote = {"name": "write_file", "args": {"path": name, "content": "x\n"}}
        said = {"status": "completed", "summary": "Wrote it.", "files_changed": [name]}
        lines.append({"task": key, "step": 1, "tool_calls": [wrote]})
        ended = {"name": "TaskOutcome", "args": said}
        lines.append({"task": key, "step": 2, "tool_calls": [ended]})
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (folder / "recording.jsonl").write_text(text, encoding="utf-8")
    return folder


def told(result: CaseResult) -> dict[str, tuple[bool | None, str]]:
    return {one.name: (one.passed, one.detail) for one in result.scores}


@pytest.mark.whole_in_chaos
async def test_killed_three_times_what_is_to_be_done_is_done_once(tmp_path: Path) -> None:
    task = laid_out(tmp_path / "planned")
    suite = await run_suite([task], seed=3, folder=tmp_path / "kept")
    (one,) = suite.results

    assert one.trouble is None
    assert one.status == "passed", told(one)
    happened = told(one)["faults happened"][1]
    for said in (
        "kill before verify of Write a", "kill before work step 2 of linear:AGT-1",
        "kill after linear NeveridleUpdate", "linear NeveridleIssues: 5xx",
        "model linear:AGT-1 work step 1: 429", "the machine stood still for 200 s",
    ):  # fmt: skip
        assert happened.count(said) == 1
    log = (tmp_path / "kept/planned/events.txt").read_text(encoding="utf-8")
    assert log.count("task.completed") == 2
    assert log.count("attempt.expired") >= 3
    # The write whose answer a kill swallowed is not done again.
    assert log.count('effect.done ada Write a {"effect": 1,') == 1
    repository = tmp_path / "kept/planned/code"
    assert {path.name for path in repository.glob("*.txt")} == {"a.txt", "b.txt", "c.txt"}
