"""What goes wrong is answered by who must act, and never loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neveridle.agents import Interrupted
from neveridle.board import AttemptState, NewTask, Source, TaskState
from neveridle.errors import (
    CredentialsRejected,
    DiskFull,
    LimitReached,
    ModelMistake,
    OperatorError,
    OutcomeInvalid,
    ServiceError,
)


async def test_a_service_that_is_down_is_waited_for_longer_each_time_and_not_counted(
    project: Any, hands: Any
) -> None:
    await project.script()
    down = hands.fail(ServiceError("The model's provider is down."))
    hands.do("Fix", down, down, down, hands.leave({"a.txt": "a\n"}))
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        waits: list[float] = []
        for _ in range(3):
            report = await team.run(until="idle", ticks=1)
            assert report.endings == {"parked": 1}
            waiting = await team.board.tasks.get(task.id)
            assert (waiting.state, waiting.waiting_on, waiting.failures) == (
                TaskState.WAITING,
                "retry",
                0,
            )
            assert waiting.waiting_until is not None
            waits.append(waiting.waiting_until - await team.board.clock.now())
            assert (await team.graph.ainvoke({"agent": "sam"}))["path"][-1] == "rest"
            await team.board.clock.advance(waits[-1])
            await team.keeper.sweep()
        report = await team.run(until="idle")
        attempts = await team.board.attempts.of(task.id)
        events = await team.board.events.find(kind="attempt.waits")
    assert waits == [5.0, 10.0, 20.0]
    assert report.endings == {"completed": 1}
    assert [one.number for one in attempts] == [1] * 4
    assert [event.data["code"] for event in events] == ["service"] * 3


async def test_a_service_that_stays_down_is_not_asked_for_ever(project: Any, hands: Any) -> None:
    await project.script()
    hands.do("Fix", hands.fail(ServiceError("Down.")))
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        for _ in range(30):
            await team.run(until="idle", ticks=1)
            await team.board.clock.advance(600)
            await team.keeper.sweep()
        blocked = await team.board.tasks.get(task.id)
    assert (blocked.state, blocked.blocked_owner) == (TaskState.BLOCKED, "human")
    assert len(hands.seen) == 9


async def test_a_conversation_goes_on_where_the_provider_broke_it_off(
    project: Any, api: Any
) -> None:
    await project.script()
    api.use(project)
    project.use("model", attempts=1)
    write = api.tool("write_file", path="a.txt", content="a\n")
    api.says("Fix", write, 503, api.outcome())
    async with project.team() as team:
        task = await team.dispatch("sam", "Fix")
        first = await team.run(until="idle", ticks=1)
        await team.board.clock.advance(5)
        second = await team.run(until="idle")
        attempts = await team.board.attempts.of(task.id)
    assert (first.endings, second.endings) == ({"parked": 1}, {"completed": 1})
    assert (first.model_calls, second.model_calls) == (1, 1)
    assert [one.number for one in attempts] == [1, 1]
    roles = [message["role"] for message in api.asked[-1]["messages"]]
    assert roles == ["system", "user", "assistant", "tool"]


async def test_rejected_credentials_stop_who_uses_them_and_nobody_else(
    project: Any, hands: Any
) -> None:
    project.soul("leo")
    first = hands.fail(CredentialsRejected("The key is not valid.", remedy="Set another."))

    async def by_agent(assignment: Any) -> Any:
        act = first if assignment.agent.name == "sam" else hands.leave({"a.txt": "a\n"})
        return await act(assignment)

    hands.do("*", by_agent)
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "For Sam")
        await team.dispatch("leo", "For Leo")
        report = await team.run(until="idle", timeout=60)
        state = await team.graph.ainvoke({"agent": "sam"})
        tasks = {task.title: task.state for task in await team.board.tasks.find()}
        said = await team.board.messages.latest("dev")
        (event,) = await team.board.events.find(kind="agent.stopped")

        assert tasks == {"For Sam": TaskState.PENDING, "For Leo": TaskState.COMPLETED}
        assert set(report.stopped) == {"sam"}
        assert state["path"] == ["heartbeat", "rest"]
        assert (event.agent, event.data["code"]) == ("sam", "credentials-rejected")
        assert "@human I stopped: The key is not valid. Set another." in [m.content for m in said]

        hands.do("*", hands.leave({"b.txt": "b\n"}))  # the operator has set another key
        later = await team.run(until="idle", timeout=60)
    assert (later.endings, later.stopped) == ({"completed": 1}, {})


async def test_a_rejected_key_is_tried_once_not_once_for_each_agent(project: Any, api: Any) -> None:
    project.soul("leo")
    api.use(project)
    api.says("Fix", 401)
    async with project.team() as team:
        task = await team.board.tasks.add(NewTask(source=Source.BACKLOG, title="Fix"))
        report = await team.run(until="idle", timeout=60)
        state = (await team.board.tasks.get(task.id)).state
    assert len(api.asked) == 1
    assert set(report.stopped) == {"sam", "leo"}
    assert (report.reason, state) == ("stopped", TaskState.PENDING)


async def test_a_full_disk_returns_the_task_instead_of_blocking_all_of_them(
    team: Any, hands: Any
) -> None:
    hands.do("*", hands.fail(DiskFull("No space is left.")))
    for number in range(3):
        await team.dispatch("sam", f"Task {number}")
    report = await team.run(until="idle", timeout=60)
    counts = await team.board.tasks.counts()
    assert (report.reason, report.stopped["sam"]["code"]) == ("stopped", "disk-full")
    assert counts[TaskState.PENDING] == 3


async def test_what_an_operator_must_repair_blocks_this_task_only(team: Any, hands: Any) -> None:
    hands.do("Fix", hands.fail(OperatorError("The tool is missing.", remedy="Install it.")))
    task = await team.dispatch("sam", "Fix")
    await team.dispatch("sam", "Other")
    report = await team.run(until="idle", timeout=60)
    blocked = await team.board.tasks.get(task.id)
    assert report.endings == {"blocked": 1, "completed": 1}
    assert (blocked.state, blocked.blocked_owner) == (TaskState.BLOCKED, "human")
    assert blocked.blocked_action == "The tool is missing. Install it."
    assert report.problems[0]["code"] == "operator"


async def test_an_unexpected_exception_is_a_failed_attempt_and_the_others_go_on(
    project: Any, hands: Any
) -> None:
    project.soul("leo")
    hands.do(
        "Fix", hands.fail(ZeroDivisionError("a bug; token=sk-abcdefghijklmnopqrstuvwxyz123456"))
    )
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        await team.dispatch("leo", "Other")
        report = await team.run(until="idle", timeout=60)
        attempts = await team.board.attempts.of(task.id)
    assert report.endings == {"failed": 3, "completed": 1}
    assert {one.error_code for one in attempts} == {"bug"}
    assert attempts[0].error.startswith("ZeroDivisionError at ")
    assert "sk-abcdefghijklmnopqrstuvwxyz123456" not in attempts[0].error


@pytest.mark.parametrize(
    "error", [LimitReached("Too long."), OutcomeInvalid("No outcome."), ModelMistake("Refused.")]
)
async def test_a_models_mistake_is_a_failed_attempt_with_its_reason(
    team: Any, hands: Any, error: ModelMistake
) -> None:
    hands.do("Fix", hands.fail(error), hands.leave({"a.txt": "a\n"}))
    task = await team.dispatch("sam", "Fix")
    report = await team.run(until="idle", timeout=60)
    failed, _ = await team.board.attempts.of(task.id)
    assert report.endings == {"failed": 1, "completed": 1}
    assert (failed.state, failed.error_code) == (AttemptState.FAILED, error.code)
    assert failed.error == error.message


@pytest.mark.parametrize(
    "outcome",
    [
        None,
        {"status": "completed"},
        {"status": "great", "summary": "x"},
        {"status": "blocked", "summary": "x", "owner": "human"},
        {"status": "handed_off", "summary": "x", "handoff": {"to": "sam", "action": "y"}},
        {"status": "handed_off", "summary": "x", "handoff": {"to": "nobody", "action": "y"}},
        {"status": "handed_off", "summary": "x"},
    ],
)
async def test_a_malformed_outcome_fails_the_attempt_and_does_not_loop(
    team: Any, hands: Any, outcome: Any
) -> None:
    async def act(assignment: Any) -> Any:
        return outcome

    hands.do("Fix", act)
    task = await team.dispatch("sam", "Fix")
    report = await team.run(until="idle", timeout=60)
    assert report.endings == {"failed": 3}
    codes = {one.error_code for one in await team.board.attempts.of(task.id)}
    assert codes == {"outcome-invalid"}


async def test_a_blocked_outcome_waits_for_its_owner_and_goes_on_when_released(
    project: Any,
) -> None:
    key = "dispatch:fix"
    project.says(
        key,
        project.write("half.txt", "half\n"),
        project.done("No key.", status="blocked", owner="human", action="put a key in the vault"),
        project.call("read_file", path="half.txt"),
        project.write("rest.txt", "rest\n"),
        project.done("Now it works."),
    )
    async with project.team() as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        assert report.endings == {"blocked": 1}
        blocked = await team.board.tasks.get(task.id)
        assert (blocked.state, blocked.blocked_owner) == (TaskState.BLOCKED, "human")
        assert blocked.blocked_action == "put a key in the vault"
        said = await team.board.messages.latest("dev")
        assert said[-1].content == (
            f"@human Task {task.id} is blocked: Fix. [inbox 1]\nput a key in the vault"
        )
        assert (await team.run(until="idle", timeout=60)).attempts == []

    async with project.team() as team:  # the next morning
        await team.board.tasks.retry(task.id)
        report = await team.run(until="idle", timeout=60)
        attempts = await team.board.attempts.of(task.id)
    assert report.endings == {"completed": 1}
    assert report.model_calls == 3
    assert [one.number for one in attempts] == [1, 1]
    assert (project.shows("half.txt"), project.shows("rest.txt")) == ("half", "rest")
    assert project.clones == []


async def test_work_that_asks_a_question_is_parked_and_others_go_on(team: Any, hands: Any) -> None:
    hands.do("Ask", hands.fail(Interrupted(["Which colour?"])), hands.leave({"a.txt": "red\n"}))
    task = await team.dispatch("sam", "Ask", priority="high")
    await team.dispatch("sam", "Other")
    report = await team.run(until="idle", timeout=60)
    assert [(line.title, line.ending) for line in report.attempts] == [
        ("Ask", "parked"),
        ("Other", "completed"),
    ]
    assert report.attempts[0].path[-2:] == ("work", "park")
    waiting = await team.board.tasks.get(task.id)
    assert (waiting.state, waiting.waiting_on) == (TaskState.WAITING, "human")
    said = await team.board.messages.latest("dev")
    assert f"Task {task.id} waits for an answer: Which colour?" in [m.content for m in said]
    await team.board.tasks.retry(task.id)
    assert (await team.run(until="idle", timeout=60)).endings == {"completed": 1}


def gives(tool: Any) -> Callable[[Any], list[Any]]:
    """Gives an agent this tool and no other."""

    def tools_for(workspace: Any) -> list[Any]:
        return [tool]

    return tools_for


async def test_an_interrupt_inside_a_tool_parks_the_attempt_with_its_conversation(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from langchain_core.tools import tool
    from langgraph.types import interrupt

    @tool
    def ask_person(question: str) -> str:
        """Ask a person."""
        return str(interrupt(question))

    project.says("dispatch:ask", project.call("ask_person", question="Which colour?"))
    async with project.team() as team:
        monkeypatch.setattr(team, "tools_for", gives(ask_person))
        task = await team.dispatch("sam", "Ask")
        report = await team.run(until="idle", timeout=60)
        said = await team.board.messages.latest("dev")
        (attempt,) = await team.board.attempts.of(task.id)
        kept = await team.checkpoints.exists(attempt.thread)
        await team.board.tasks.retry(task.id)  # released without an answer: it asks again
        again = await team.run(until="idle", timeout=60)
    assert report.endings == again.endings == {"parked": 1}
    assert (report.model_calls, again.model_calls) == (1, 0)
    assert attempt.state is AttemptState.PARKED
    assert kept
    assert said[-1].content == f"Task {task.id} waits for an answer: Which colour?"


async def test_a_bug_in_a_tool_fails_the_attempt_not_the_task(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from langchain_core.tools import tool

    @tool
    def fragile(path: str) -> str:
        """Look at a file."""
        raise ConnectionError(f"a bug of the tool with {path}")

    for attempt in (1, 2, 3):
        project.says("dispatch:fix", project.call("fragile", path="a"), attempt=attempt)
    async with project.team() as team:
        monkeypatch.setattr(team, "tools_for", gives(fragile))
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        attempts = await team.board.attempts.of(task.id)
    assert report.endings == {"failed": 3}
    assert {one.error_code for one in attempts} == {"bug"}


async def test_memory_out_of_order_does_not_stop_work(
    project: Any, hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neveridle.errors import MemoryUnusable

    async def broken(*_: Any, **__: Any) -> Any:
        raise MemoryUnusable("The index is gone.")

    project.use("memory", enabled=True)
    project.learns("dispatch:fix", "Look first.")
    async with project.team(worker=hands) as team:
        monkeypatch.setattr(team.memory, "recall", broken)
        await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
    assert report.endings == {"completed": 1}
    assert [problem["code"] for problem in report.problems] == ["memory-unusable"]


async def test_lessons_are_recorded_with_the_end_and_recalled_for_the_next_task(
    project: Any, hands: Any
) -> None:
    project.use("memory", enabled=True)
    project.learns("dispatch:fix-the-login", "The login lives in auth.py.")
    project.learns("dispatch:change-the-login", "Again the login.")
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix the login")
        await team.run(until="idle", timeout=60)
        (row,) = await team.board.memories.newest(10)
        await team.dispatch("sam", "Change the login")
        await team.run(until="idle", timeout=60)
    assert (row.source, row.trusted, row.agent) == (f"task:{task.id}", False, "sam")
    assert any("The login lives in auth.py." in lesson for lesson in hands.seen[1].lessons)
