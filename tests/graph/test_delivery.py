"""Work that passed arrives: as a branch, or merged, once, and only if it fits."""

from __future__ import annotations

import asyncio
from typing import Any

from neveridle.board import Phase, TaskState


def meanwhile(project: Any, hands: Any, files: dict[str, str], *, theirs: dict[str, str]) -> Any:
    """While the agent works, a person commits something else."""

    async def act(assignment: Any) -> Any:
        project.commit(theirs)
        return await hands.leave(files)(assignment)

    return act


async def test_a_moved_target_is_merged_and_checked_again(
    team: Any, hands: Any, project: Any
) -> None:
    hands.do("Fix", meanwhile(project, hands, {"a.txt": "a\n"}, theirs={"b.txt": "b\n"}))
    task = await team.dispatch("sam", "Fix")
    report = await team.run(until="idle", timeout=60)
    assert report.endings == {"completed": 1}
    assert (project.shows("a.txt"), project.shows("b.txt"), project.merges) == ("a", "b", 1)
    (event,) = await team.board.events.find(kind="branch.merged", task=task.id)
    assert event.data == {
        "branch": f"neveridle/{task.id}-fix",
        "commit": project.git("rev-parse", "main"),
        "work": project.git("rev-parse", "main^2"),
    }
    assert project.git("log", "-1", "--format=%an %s", "main^2") == "sam Fix"


async def test_a_merge_that_breaks_what_both_sides_had_whole_is_refused(
    project: Any, hands: Any
) -> None:
    """Each side passes its checks; together they do not, though git sees no conflict."""
    project.use("checks", tests="test ! -e a.txt || test ! -e b.txt")

    async def repair(assignment: Any) -> Any:
        (assignment.tree / "a.txt").unlink()
        return await hands.leave({"c.txt": "c\n"})(assignment)

    hands.do("Fix", meanwhile(project, hands, {"a.txt": "a\n"}, theirs={"b.txt": "b\n"}), repair)
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        refused, _ = await team.board.attempts.of(task.id)
    assert [line.ending for line in report.attempts] == ["failed", "completed"]
    assert report.attempts[0].path[-4:] == ("verify", "deliver", "recover", "reflect")
    assert refused.phase is Phase.VERIFIED
    assert refused.error.startswith("Merged with main, the work does not pass.")
    assert (project.shows("a.txt"), project.shows("b.txt"), project.shows("c.txt")) == (
        None,
        "b",
        "c",
    )


async def test_a_conflict_is_a_failed_attempt_and_the_next_starts_from_the_new_head(
    team: Any, hands: Any, project: Any
) -> None:
    starts: list[str] = []

    async def again(assignment: Any) -> Any:
        starts.append((assignment.tree / "calc.py").read_text())
        return await hands.leave({"calc.py": "both\n"})(assignment)

    hands.do(
        "Fix",
        meanwhile(project, hands, {"calc.py": "mine\n"}, theirs={"calc.py": "theirs\n"}),
        again,
    )
    task = await team.dispatch("sam", "Fix")

    report = await team.run(until="idle", timeout=60)

    assert [line.ending for line in report.attempts] == ["failed", "completed"]
    conflicted, done = await team.board.attempts.of(task.id)
    assert conflicted.error_code == "merge-conflict"
    assert conflicted.error.endswith("in: calc.py.")
    assert "+mine" in (conflicted.evidence or {})["patch"]
    assert starts == ["theirs\n"]
    assert done.base == project.git("rev-parse", "main^1")
    assert (project.shows("calc.py"), project.clones) == ("both", [])


async def test_two_items_next_to_each_other_on_the_roadmap_do_not_conflict(
    project: Any, hands: Any
) -> None:
    """Both were begun from the same commit, and both tick their line."""
    project.soul("leo")
    project.commit({"ROADMAP.md": "# Roadmap\n\n- [ ] One (@sam)\n- [ ] Two (@leo)\n"})
    both = asyncio.Barrier(2)

    async def together(assignment: Any) -> Any:
        await both.wait()
        return await hands.leave({f"{assignment.task.title}.txt": "done\n"})(assignment)

    hands.do("*", together)
    async with project.team(worker=hands) as team:
        report = await team.run(until="idle", timeout=60)
    assert report.endings == {"completed": 2}
    assert project.shows("ROADMAP.md") == "# Roadmap\n\n- [x] One (@sam)\n- [x] Two (@leo)"
    assert (project.shows("One.txt"), project.shows("Two.txt")) == ("done", "done")
    assert project.git("status", "--porcelain") == ""


async def test_a_persons_uncommitted_changes_are_left_alone_and_delivery_waits(
    project: Any,
) -> None:
    project.says("dispatch:fix", project.write("calc.py", "mine\n"), project.done())
    async with project.team() as team:
        task = await team.dispatch("sam", "Fix")
        (project.repo / "calc.py").write_text("not committed\n")

        report = await team.run(until="idle", timeout=60)

        assert report.endings == {"blocked": 1}
        blocked = await team.board.tasks.get(task.id)
        assert (blocked.state, blocked.blocked_owner) == (TaskState.BLOCKED, "human")
        assert "calc.py" in blocked.blocked_action
        assert f"`neveridle tasks retry {task.id}`" in blocked.blocked_action
        assert (project.repo / "calc.py").read_text() == "not committed\n"
        assert report.model_calls == 2

        project.git("checkout", "-q", "--", "calc.py")
        await team.board.tasks.retry(task.id)
        later = await team.run(until="idle", timeout=60)

    assert later.endings == {"completed": 1}
    assert later.model_calls == 0
    assert later.attempts[0].path[-3:] == ("claim", "deliver", "reflect")
    assert (project.shows("calc.py"), (project.repo / "calc.py").read_text()) == ("mine", "mine\n")
    assert (project.clones, project.merges) == ([], 1)


async def test_delivery_as_a_branch_leaves_the_target_alone(project: Any, hands: Any) -> None:
    project.use("delivery", mode="branch")
    head = project.git("rev-parse", "main")
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        (event,) = await team.board.events.find(kind="branch.published")
    assert report.endings == {"completed": 1}
    branch = f"neveridle/{task.id}-fix"
    assert event.data == {"branch": branch}
    assert project.git("rev-parse", "main") == head
    assert (project.branches, project.shows(f"{task.id}.txt", branch)) == ([branch], "done")
    assert project.clones == []


async def test_a_branch_of_somebody_else_is_not_overwritten(project: Any, hands: Any) -> None:
    project.use("delivery", mode="branch")
    project.git("checkout", "-q", "-b", "neveridle/1-fix")
    tip = project.commit({"theirs.txt": "theirs\n"})
    project.git("checkout", "-q", "main")
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        assert report.endings == {"blocked": 1}
        assert project.git("rev-parse", "neveridle/1-fix") == tip
        project.git("branch", "-m", "neveridle/1-fix", "theirs")
        await team.board.tasks.retry(task.id)
        assert (await team.run(until="idle", timeout=60)).endings == {"completed": 1}
    assert project.branches == ["neveridle/1-fix", "theirs"]
    assert len(hands.seen) == 1


async def test_fast_forward_makes_no_merge_commit_where_none_is_needed(
    project: Any, hands: Any
) -> None:
    project.use("delivery", merge_style="fast-forward")
    hands.do("Fix", hands.leave({"a.txt": "a\n"}))
    hands.do("Other", meanwhile(project, hands, {"c.txt": "c\n"}, theirs={"b.txt": "b\n"}))
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        await team.run(until="idle", timeout=60)
        assert (project.shows("a.txt"), project.merges) == ("a", 0)
        await team.dispatch("sam", "Other")
        await team.run(until="idle", timeout=60)
    assert (project.shows("b.txt"), project.shows("c.txt"), project.merges) == ("b", "c", 1)


async def test_an_item_that_was_taken_off_the_roadmap_meanwhile(project: Any, hands: Any) -> None:
    project.commit({"ROADMAP.md": "- [ ] One\n- [ ] Two\n"})
    hands.do(
        "One", meanwhile(project, hands, {"a.txt": "a\n"}, theirs={"ROADMAP.md": "Nothing.\n"})
    )
    async with project.team(worker=hands) as team:
        report = await team.run(until="idle", timeout=60)
        states = {task.title: task.state for task in await team.board.tasks.find()}
    assert report.endings == {"completed": 1}
    assert states == {"One": TaskState.COMPLETED, "Two": TaskState.CANCELLED}
    assert (project.shows("a.txt"), project.shows("ROADMAP.md")) == ("a", "Nothing.")


async def test_what_the_checks_leave_in_the_tree_is_not_in_the_way_of_the_merge(
    project: Any, hands: Any
) -> None:
    project.use("checks", tests="echo seen > report.txt; mkdir -p out; echo x > out/log")
    hands.do("Fix", meanwhile(project, hands, {"a.txt": "a\n"}, theirs={"b.txt": "b\n"}))
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
    assert report.endings == {"completed": 1}
    assert (project.shows("a.txt"), project.shows("b.txt"), project.merges) == ("a", "b", 1)
    assert project.shows("report.txt") is None
