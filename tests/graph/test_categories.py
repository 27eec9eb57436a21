"""The four categories of errors in the running team, where no other test injects them.

Elsewhere: a service's resets, open breakers and rejected credentials in ``test_routing``; a
provider's outage, blocked outcomes and full disks in ``test_recover``; refused arguments and
failing checks in ``tests/agents/test_worker``; unreadable state in ``test_corrupted``.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from neveridle.board import NewTask, Source, TaskState

TIMEOUT = 3.0


def late() -> dict[str, Any]:
    time.sleep(TIMEOUT + 0.5)
    return {"role": "assistant", "content": "too late"}


SLOW = {"hang": late}


@pytest.mark.parametrize("trouble", [429, 500, 503, SLOW], ids=["429", "500", "503", "timeout"])
async def test_what_passes_is_waited_for_and_the_same_attempt_goes_on(
    project: Any, api: Any, trouble: Any
) -> None:
    await project.script()
    api.use(project)
    project.use("model", attempts=1)
    if trouble is SLOW:
        project.use("model", timeout=TIMEOUT)
    write = api.tool("write_file", path="a.txt", content="a\n")
    api.says("Fix", write, trouble, 503 if trouble is SLOW else trouble, api.outcome())
    ends: list[dict[str, int]] = []
    async with project.team() as team:
        task = await team.dispatch("sam", "Fix")
        for _ in range(3):
            ends.append((await team.run(until="idle", ticks=1)).endings)
            await team.board.clock.advance(60)
            await team.keeper.sweep()
        attempts = await team.board.attempts.of(task.id)
        failures = (await team.board.tasks.get(task.id)).failures
    away = {"released": 1} if trouble == 429 else {"parked": 1}
    assert ends == [away, away, {"completed": 1}]
    assert ([one.number for one in attempts], failures) == ([1, 1, 1], 0)
    assert len(api.asked) == 4  # no request more than it takes
    assert project.shows("a.txt") == "a"


async def test_a_rejected_key_stops_who_uses_it_and_others_do_the_work(
    project: Any, api: Any
) -> None:
    for name in ("ann", "leo"):
        project.soul(name)
    api.use(project)
    project.settings["agents"] = {"leo": {"model": "replay:recording.jsonl"}}
    for number in (1, 2):
        api.says(f"Fix {number}", 401)
        project.says(f"backlog:fix-{number}", project.write(f"{number}", "x\n"), project.done())
    async with project.team() as team:
        for number in (1, 2):
            await team.board.tasks.add(NewTask(source=Source.BACKLOG, title=f"Fix {number}"))
        first = await team.run(until="idle", ticks=1, agents=["sam"])
        report = await team.run(until="idle", timeout=60, agents=["leo"])
        counts = await team.board.tasks.counts()
    assert (first.endings, set(first.stopped)) == ({"released": 1}, {"ann", "sam"})
    assert first.stopped["ann"]["code"] == "credentials-rejected"
    assert len(api.asked) == 1
    assert (report.endings, counts[TaskState.COMPLETED]) == ({"completed": 2}, 2)
    assert {line.agent for line in report.attempts} == {"leo"}


async def test_a_start_says_whose_key_was_rejected_and_tries_another_one(
    project: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.use(project)
    write = api.tool("write_file", path="a.txt", content="a\n")
    api.says("Fix", 401, write, api.outcome())
    runs: list[Any] = []
    for key in ("a-key-of-the-test-1", "a-key-of-the-test-1", "a-key-of-the-test-2"):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        async with project.team() as team:
            if not runs:
                await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="Fix"))
            asked = len(api.asked)
            report = await team.run(until="idle", timeout=60)
            runs.append((report.reason, report.endings, len(api.asked) - asked))
            said = [one for one in report.notices if "services reset openai" in one]
            assert len(said) == (len(runs) == 2)
    assert runs[:2] == [("stopped", {"released": 1}, 1), ("idle", {}, 0)]
    assert runs[2] == ("idle", {"completed": 1}, 2)
