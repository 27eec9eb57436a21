"""What needs a yes: commands, deploying, spending, merging."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.tools import BaseTool

from neveridle.board import TaskState
from neveridle.board.budget import Call, Cap, task_scope
from neveridle.tools.approval import needs_approval
from neveridle.tools.effects import Performer, service_tool


def tool_results(body: dict[str, Any]) -> list[str]:
    return [str(m["content"]) for m in body["messages"] if m["role"] == "tool"]


async def only_item(team: Any) -> Any:
    """What is to be decided; alerts are others' matter."""
    (item,) = [one for one in await team.board.inbox.find() if one.kind != "alert"]
    return item


@pytest.fixture
def gated(project: Any, api: Any) -> Any:
    """A project whose appends to a file need a yes."""
    api.use(project)
    project.use("approvals", commands=["echo * >> log.txt"])
    return project


async def test_a_command_that_is_approved_runs_as_it_was_shown_and_once(
    gated: Any, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOOR_TOKEN", "sesame-open-1234")
    command = "true;  A=1 sh -c 'echo  sesame-open-1234 >> log.txt'"
    api.says("Work", api.tool("run", command=command), api.outcome())
    async with gated.team() as team:
        await team.dispatch("sam", "Work")
        assert (await team.run(until="idle", timeout=60)).endings == {"parked": 1}
        item = await only_item(team)
        assert (item.kind, item.action) == ("approval", "command")
        shown = command.replace("sesame-open-1234", "<secret>")
        assert item.evidence == {"tool": "run", "command": shown, "pattern": "echo * >> log.txt"}
        assert "sesame" not in f"{item.title}{item.body}"
        await team.board.answering.answer(item.id, by="eve")
        assert (await team.run(until="idle", timeout=60)).endings == {"completed": 1}
    assert len(api.asked) == 2
    assert gated.shows("log.txt") == "sesame-open-1234"


async def test_a_command_that_is_denied_is_told_and_the_work_goes_on(gated: Any, api: Any) -> None:
    api.says(
        "Work",
        api.tool("run", command="echo x >> log.txt"),
        api.tool("run", command="echo y > other.txt"),
        api.outcome(),
    )
    async with gated.team() as team:
        await team.dispatch("sam", "Work")
        await team.run(until="idle", timeout=60)
        item = await only_item(team)
        await team.board.answering.answer(item.id, approved=False, text="Not\nthere.", by="eve")
        assert (await team.run(until="idle", timeout=60)).endings == {"completed": 1}
    said = tool_results(api.asked[1])[0]
    assert said.startswith("eve said no to this: Run: echo x >> log.txt. Their words, as data:\n")
    assert "> Not\n> there." in said
    assert (gated.shows("log.txt"), gated.shows("other.txt")) == (None, "y")


async def test_each_agent_and_role_has_its_own_gates(gated: Any, api: Any) -> None:
    gated.soul("leo", role="frontend", skills="html")
    gated.soul("quinn", role="qa", skills="testing")
    gated.use("roles", frontend={"approvals": {"commands": ["touch*"]}})
    gated.use("agents", quinn={"approvals": {"commands": ["ls*"]}})
    for agent in ("sam", "leo", "quinn"):
        for command in ("echo x >> log.txt", "touch x", "ls"):
            title = f"{agent} {command.split()[0]}"
            api.says(title, api.tool("run", command=command), api.outcome())
    async with gated.team() as team:
        for agent in ("sam", "leo", "quinn"):
            for command in ("echo", "touch", "ls"):
                await team.dispatch(agent, f"{agent} {command}", needs_change=False)
        await team.run(until="idle", timeout=60)
        asked = {(item.agent, item.evidence["pattern"]) for item in await team.board.inbox.find()}
    assert asked == {("sam", "echo * >> log.txt"), ("leo", "touch*"), ("quinn", "ls*")}


async def test_a_tool_that_is_marked_and_commands_that_deploy_need_a_yes(
    project: Any, api: Any
) -> None:
    api.use(project)
    project.use("approvals", deploy=True)
    made: list[str] = []

    async def promote(deployment: str) -> str:
        """Promote a deployment.

        Args:
            deployment: Its id.
        """
        made.append(deployment)
        return "promoted"

    def tools(performer: Performer) -> list[BaseTool]:
        return [needs_approval(service_tool(promote))]

    api.says(
        "Ship",
        api.tool("promote", deployment="dpl_1"),
        api.tool("run", command="cd web && npx vercel --prod || true"),
        api.outcome(),
    )
    async with project.team() as team:
        team.tool_makers.append(tools)
        await team.dispatch("sam", "Ship", needs_change=False)
        await team.run(until="idle", timeout=60)
        item = await only_item(team)
        assert (item.action, item.evidence) == (
            *("deploy", {"tool": "promote", "deployment": "dpl_1"}),
        )
        assert made == []
        await team.board.answering.answer(item.id, by="eve")
        await team.run(until="idle", timeout=60)
        assert made == ["dpl_1"]
        item = await only_item(team)
        assert (item.action, item.evidence["pattern"]) == ("deploy", "vercel -*")
        await team.board.answering.answer(item.id, approved=False, by="eve")
        assert (await team.run(until="idle", timeout=60)).endings == {"completed": 1}
    assert made == ["dpl_1"]


@pytest.fixture
def spend() -> Any:
    """Books what a task has cost."""

    async def book(team: Any, task: int, dollars: float) -> None:
        nanos = round(dollars * 1e9)
        call = Call(run="r", agent="sam", purpose="work", model="m", tokens=1, nanos=nanos,
                    seconds=60)  # fmt: skip
        held = await team.board.budgets.reserve(call, [Cap(scope=task_scope(task))])
        await team.board.budgets.settle(held, tokens=1, nanos=nanos, event={})

    return book


async def test_spending_is_asked_about_at_each_multiple(project: Any, api: Any, spend: Any) -> None:
    api.use(project)
    project.use("approvals", spend=2.0)
    api.says("Work", *[api.tool("run", command="true")] * 3, api.outcome())

    async with project.team() as team:
        task = await team.dispatch("sam", "Work", needs_change=False)
        await spend(team, task.id, 1.99)
        await spend(team, task.id, 3.0)
        assert (await team.run(until="idle", timeout=60)).endings == {"parked": 1}
        assert api.asked == []  # before the call
        item = await only_item(team)
        assert (item.action, item.fingerprint) == ("spend", f"spend:{task.id}:{task.id}x2")
        assert item.title == "Spend more on 'Work': $4.99 so far"
        assert item.evidence == {"spent": 4.99, "until": 6.0, "step": 2.0}
        await team.board.answering.answer(item.id, by="eve")
        assert (await team.run(until="idle", timeout=60)).endings == {"completed": 1}


async def test_spending_that_is_denied_blocks_until_a_person_takes_it_up(
    project: Any, api: Any, spend: Any
) -> None:
    api.use(project)
    project.use("approvals", spend=2.0)
    api.says("Work", api.tool("run", command="true"), api.outcome())
    async with project.team() as team:
        task = await team.dispatch("sam", "Work", needs_change=False)
        await spend(team, task.id, 2.0)
        await team.run(until="idle", timeout=60)
        item = await only_item(team)
        await team.board.answering.answer(item.id, approved=False, text="Enough.", by="eve")
        assert (await team.run(until="idle", timeout=60)).endings == {"blocked": 1}
        blocked = await team.board.tasks.get(task.id)
        assert (blocked.state, blocked.blocked_owner) == (TaskState.BLOCKED, "human")
        assert "eve said no to this: spending more than $2.00" in blocked.blocked_action
        assert f"`neveridle tasks retry {task.id}` asks you again." in blocked.blocked_action
        assert api.asked == []
        await team.board.tasks.retry(task.id)
        assert (await team.run(until="idle", timeout=60)).endings == {"parked": 1}
        again = await only_item(team)
        assert (again.fingerprint, again.id != item.id) == (item.fingerprint, True)
        await team.board.answering.answer(again.id, by="eve")
        assert (await team.run(until="idle", timeout=60)).endings == {"completed": 1}


async def test_merging_waits_for_a_yes_for_exactly_that_commit(project: Any, hands: Any) -> None:
    project.use("delivery", mode="merge", unsandboxed_merge=True)
    project.use("approvals", merge=True)
    hands.do("Work", hands.leave({"a.txt": "first\n"}), hands.leave({"a.txt": "second\n"}))
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Work")
        other = await team.dispatch("sam", "Nothing", needs_change=False)
        hands.do("Nothing", hands.leave())
        report = await team.run(until="idle", timeout=60)
        assert report.endings == {"parked": 1, "completed": 1}
        assert (await team.board.tasks.get(other.id)).state is TaskState.COMPLETED
        item = await only_item(team)
        (attempt,) = await team.board.attempts.of(task.id)
        assert item.fingerprint == f"merge:{task.id}:{attempt.commit}"
        assert (item.evidence["into"], item.evidence["files"]) == ("main", ["a.txt"])
        assert project.shows("a.txt") is None
        # A person takes it up by hand: it is the same question, and nothing is merged.
        await team.board.tasks.retry(task.id)
        assert (await team.run(until="idle", timeout=60)).endings == {"parked": 1}
        assert (await only_item(team)).id == item.id
        await team.board.answering.answer(item.id, approved=False, text="Say second.", by="eve")
        report = await team.run(until="idle", timeout=60)
        assert report.endings == {"failed": 1, "parked": 1}
        told = hands.seen[-1].failed
        assert told is not None
        assert told.error_code == "approval-denied"
        assert "eve said no to merging" in told.error
        assert "> Say second." in told.error
        item = await only_item(team)
        await team.board.answering.answer(item.id, by="eve")
        worked = len(hands.seen)
        report = await team.run(until="idle", timeout=60)
        assert report.endings == {"completed": 1}
        assert report.attempts[0].path[-2:] == ("deliver", "reflect")
        assert len(hands.seen) == worked
    assert project.shows("a.txt") == "second"


async def test_what_a_person_merged_meanwhile_needs_no_answer(project: Any, hands: Any) -> None:
    project.use("delivery", mode="merge", unsandboxed_merge=True)
    project.use("approvals", merge=True)
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Work")
        await team.run(until="idle", timeout=60)
        (attempt,) = await team.board.attempts.of(task.id)
        item = await only_item(team)
        clone = await team.workspaces.find(f"{task.id}-{attempt.fence}")
        assert clone is not None
        await clone.publish_branch()
        project.git("merge", "--quiet", attempt.branch)
        await team.board.tasks.retry(task.id)
        assert (await team.run(until="idle", timeout=60)).endings == {"completed": 1}
        assert (await team.board.inbox.get(item.id)).state == "withdrawn"


async def test_a_gate_of_a_role_that_nobody_has_is_said_at_start(project: Any) -> None:
    project.settings["roles"] = {
        "backend": {"approvals": {"merge": True}},
        "backnd": {"approvals": {"merge": True}},
    }
    async with project.team() as team:
        said = [one for one in team.notices if "[roles." in one]
    assert said == ["[roles.backnd] holds for nobody: the team's roles are backend."]
