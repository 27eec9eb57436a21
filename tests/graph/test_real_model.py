"""A whole task with a real language model behind a real HTTP API.

The model is far too small to solve anything. What must hold is that its attempt ends as a
well-formed failed outcome with its evidence, within its limits, and that the loop goes on.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from neveridle.board import AttemptState, TaskState
from neveridle.evals.local_server import LocalServer, missing, start_local_server

pytestmark = [
    pytest.mark.real_model,
    pytest.mark.skipif(bool(missing()), reason=f"no local model: {missing()}"),
]

CALLS = 3
TOKENS = 64


@pytest.fixture(scope="module")
def server() -> Generator[LocalServer]:
    with start_local_server() as running:
        yield running


async def test_a_task_with_a_real_model_ends_within_its_limits_and_the_loop_goes_on(
    project: Any, server: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "nobody-asks-for-it")
    project.use(
        "model",
        default=server.model,
        base_url=server.base_url,
        temperature=0.0,
        max_output_tokens=TOKENS,
    )
    project.use("limits", model_calls=CALLS, attempts=1)
    project.use("memory", enabled=True)
    head = project.git("rev-parse", "main")
    async with project.team() as team:
        await team.dispatch("sam", "Add a function that subtracts", priority="high")
        await team.dispatch("sam", "Say hello in the README")

        report = await team.run(until="idle")

        tasks = await team.board.tasks.find()
        attempts = [one for task in tasks for one in await team.board.attempts.of(task.id)]
        calls = await team.board.events.find(kind="model.call")
        lessons = await team.board.memories.newest(10)

    assert report.reason == "idle"
    assert [(line.title, line.ending) for line in report.attempts] == [
        ("Add a function that subtracts", "failed"),
        ("Say hello in the README", "failed"),
    ]
    assert [task.state for task in tasks] == [TaskState.BLOCKED] * 2
    for task, attempt in zip(tasks, attempts, strict=True):
        assert attempt.state is AttemptState.FAILED
        assert attempt.error_code in ("outcome-invalid", "limit-reached", "work-refused")
        assert attempt.error
        assert attempt.outcome is not None
        assert attempt.outcome["status"] == "failed"
        assert attempt.outcome["summary"] == attempt.error
        assert attempt.evidence is not None
        assert attempt.evidence["changed"] == []
        assert attempt.evidence["passed"] is False
        assert f"neveridle tasks retry {task.id}" in task.blocked_action
        worked = [
            event for event in calls
            if event.task_id == task.id and event.data["purpose"] == "work"
        ]  # fmt: skip
        assert 1 <= len(worked) <= CALLS
    assert 2 <= report.model_calls == len(calls)
    for event in calls:
        assert event.data["input_tokens"] > 0
        assert 0 < event.data["output_tokens"] <= TOKENS
    assert report.output_tokens <= len(calls) * TOKENS
    assert report.idle_model_calls == 0
    assert {row.source for row in lessons} == {f"task:{task.id}" for task in tasks}
    assert project.git("rev-parse", "main") == head
    assert project.git("status", "--porcelain") == ""
