"""The vigil in the running team: who goes round in circles is told once, then stopped."""

from __future__ import annotations

from typing import Any

from neveridle.board import TaskState


async def test_who_repeats_itself_is_told_once_and_then_stopped(project: Any, api: Any) -> None:
    api.use(project)
    project.use("limits", attempts=1)
    api.says("Fix", api.tool("read_file", path="calc.py"))
    async with project.team() as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        (attempt,) = await team.board.attempts.of(task.id)
        nudged = await team.board.events.find(kind="attempt.nudged")
        state = (await team.board.tasks.get(task.id)).state
    assert (report.endings, state) == ({"failed": 1}, TaskState.BLOCKED)
    assert attempt.error_code == "stuck"
    assert len(api.asked) == 8
    told = ["# You go round in circles" in body["messages"][0]["content"] for body in api.asked]
    assert told == [False] * 4 + [True] * 4
    assert [event.data["why"] for event in nudged] == ["repeats"]


def told(api: Any) -> list[bool]:
    """Whether each request said that the agent goes round in circles."""
    systems = [[m for m in body["messages"] if m["role"] == "system"] for body in api.asked]
    assert all(len(one) == 1 for one in systems)
    return ["# You go round in circles" in one[0]["content"] for one in systems]


async def test_a_cycle_of_several_is_noticed_and_who_listens_goes_on(
    project: Any, api: Any
) -> None:
    api.use(project)
    project.use("limits", stuck_repeats=2)
    pair = [api.tool("read_file", path="calc.py"), api.tool("run", command="cat check.sh")]
    write = api.tool("write_file", path="a.txt", content="a\n")
    api.says("Fix", *pair * 2, *pair, write, api.outcome())
    async with project.team() as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        (nudged,) = await team.board.events.find(kind="attempt.nudged", task=task.id)
        assert await team.board.inbox.find() == []
    assert report.endings == {"completed": 1}
    assert told(api) == [False] * 4 + [True] * 4
    assert (nudged.data["why"], nudged.data["period"], nudged.data["times"]) == ("repeats", 2, 2)
    assert [one["tool"] for one in nudged.data["actions"]] == ["read_file", "run"]
    system = api.asked[-1]["messages"][0]["content"]
    assert "`read_file`, `run`" in system
    assert "check.sh`" not in system.split("# You go round")[1]  # no word of theirs is trusted


async def test_a_resumed_attempt_knows_what_it_was_told(project: Any, api: Any) -> None:
    await project.script()
    api.use(project)
    project.use("model", attempts=1)
    project.use("limits", attempts=1)
    same = api.tool("read_file", path="calc.py")
    api.says("Fix", *[same] * 2, 503, *[same] * 3, 503, same)
    ends: list[dict[str, int]] = []
    for _ in range(3):  # a new process each time
        async with project.team() as team:
            if not ends:
                await team.dispatch("sam", "Fix")
            ends.append((await team.run(until="idle", ticks=1)).endings)
            await team.board.clock.advance(30)
            await team.keeper.sweep()
    async with project.team() as team:
        attempts = await team.board.attempts.of(1)
        assert len(await team.board.events.find(kind="attempt.nudged")) == 1
        (item,) = await team.board.inbox.find()
    assert ends == [{"parked": 1}, {"parked": 1}, {"failed": 1}]
    assert [one.number for one in attempts] == [1, 1, 1]
    assert len(api.asked) == 8 + 2  # as if it had never been away
    last = attempts[-1]
    assert last.error.startswith(
        "The agent did the same with the same result again and again, 8 times in all"
    )
    assert 'read_file({"path": "calc.py"})' in last.error
    circles = last.evidence["circles"]
    assert (circles["times"], circles["told_after"]) == (8, 4)
    assert circles["actions"][0]["result"].startswith("calc.py, 2 lines")
    # The last attempt it had: one alert, for the failed task, with that error in its evidence.
    assert item.fingerprint == "alert:task-failed:1"
    assert item.evidence["attempts"][-1]["code"] == "stuck"


async def test_folding_the_conversation_takes_no_count_away(project: Any, api: Any) -> None:
    api.use(project)
    lines = "\n".join(f"line {number} of some length, ticket NEV-{number}" for number in range(60))
    project.commit({"long.txt": lines})
    project.use("compaction", window=9000, share=0.7, keep=4, summarize=False)
    project.use("limits", attempts=1, stuck_repeats=12, stuck_rounds=0)
    api.says("Fix", api.tool("read_file", path="long.txt"))
    async with project.team() as team:
        await team.dispatch("sam", "Fix")
        await team.run(until="idle", timeout=60)
        assert len(await team.board.events.find(kind="conversation.compacted")) > 2
        (attempt,) = await team.board.attempts.of(1)
    assert attempt.error_code == "stuck"
    assert told(api) == [False] * 12 + [True] * 12


async def test_who_cannot_end_is_told_and_stopped(project: Any, api: Any) -> None:
    api.use(project)
    project.use("limits", attempts=1, stuck_rounds=3)
    api.says("Fix", *[api.tool("TaskOutcome", status=f"no{n}") for n in range(30)])
    async with project.team() as team:
        await team.dispatch("sam", "Fix")
        await team.run(until="idle", timeout=60)
        (attempt,) = await team.board.attempts.of(1)
        (nudged,) = await team.board.events.find(kind="attempt.nudged")
    assert (attempt.error_code, nudged.data["why"]) == ("stuck", "no-news")
    assert attempt.error.startswith("Nothing new came of 6 rounds")
    assert told(api) == [False] * 3 + [True] * 3


async def test_a_limit_that_is_near_is_told_once(project: Any, api: Any) -> None:
    api.use(project)
    project.use("limits", attempts=1, model_calls=10, tool_calls=20)
    api.says("Fix", *[api.tool("run", command=f"echo {n}") for n in range(30)])
    async with project.team() as team:
        await team.dispatch("sam", "Fix")
        await team.run(until="idle", timeout=60)
        (attempt,) = await team.board.attempts.of(1)
        (nudged,) = await team.board.events.find(kind="attempt.nudged")
    assert attempt.error_code == "limit-reached"
    assert nudged.data == {"why": "limit", "what": "model calls", "used": 8, "limit": 10}
    said = ["8 of its 10 model calls are used" in b["messages"][0]["content"] for b in api.asked]
    assert said == [False] * 8 + [True] * 2


async def test_it_can_be_turned_off(project: Any, api: Any) -> None:
    api.use(project)
    project.use("limits", stuck_repeats=0, stuck_rounds=0)
    same = api.tool("read_file", path="calc.py")
    write = api.tool("write_file", path="a.txt", content="a\n")
    api.says("Fix", *[same] * 30, write, api.outcome())
    async with project.team() as team:
        await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        assert await team.board.events.find(kind="attempt.nudged") == []
    assert report.endings == {"completed": 1}


async def test_an_end_that_is_none_is_put_right_in_the_same_attempt(project: Any, api: Any) -> None:
    project.soul("leo")
    api.use(project)
    write = api.tool("write_file", path="a.txt", content="a\n")
    api.says(
        "Fix",
        write,
        api.text("I think that it is done."),
        api.outcome(status="blocked", summary="No key."),
        api.outcome(),
    )
    nobody = {"to": "nobody", "action": "Go on"}
    other = api.tool("write_file", path="b.txt", content="b\n")
    wrong = api.outcome(status="handed_off", handoff=nobody)
    look = api.tool("read_file", path="b.txt")["tool_calls"][0]
    wrong["tool_calls"].append({**look, "id": "call-2"})  # what it also called is not left open
    api.says("Other", other, wrong, api.outcome())
    async with project.team() as team:
        await team.dispatch("sam", "Fix")
        await team.run(until="idle", timeout=60)
        await team.dispatch("leo", "Other")
        await team.run(until="idle", timeout=60, agents=["leo"])
        attempts = [*await team.board.attempts.of(1), *await team.board.attempts.of(2)]
    first = [body["messages"] for body in api.asked[:4]]
    assert [m["role"] for m in first[-1][2:]] == [
        "assistant", "tool", "assistant", "user", "assistant", "tool",
    ]  # fmt: skip
    assert "ended without a TaskOutcome" in first[2][-1]["content"]
    assert "blocked, without an owner and an action" in first[3][-1]["content"]
    assert [m["role"] for m in api.asked[-1]["messages"][-3:]] == ["assistant", "tool", "tool"]
    said = [m["content"] for m in api.asked[-1]["messages"][-2:]]
    assert any("or to 'nobody'. Hand off to one of sam" in text for text in said)
    assert [one.state for one in attempts] == ["completed"] * 2
