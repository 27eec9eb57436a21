"""Two hosts on one board: folders of their own, and one repository, or a clone of it each."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import NewTask, Source, TaskState

Make = Callable[[str], Any]


@pytest.fixture
def hosts(make_project: Make, postgres_url: str) -> tuple[Any, Any]:
    """Two project folders with homes of their own, one board, and one repository."""
    one, other = make_project("host one"), make_project("host two")
    shutil.rmtree(other.repo)
    other.use("team", repository=str(one.repo))
    other.repo = one.repo
    for host in (one, other):
        host.use("team", board=postgres_url)
    return one, other


@pytest.fixture
def apart(make_project: Make, postgres_url: str, tmp_path: Path) -> tuple[Any, Any]:
    """The same with a repository each, cloned from one bare remote."""
    one, other = make_project("host one"), make_project("host two")
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(one.repo), str(remote)], check=True)
    for host in (one, other):
        shutil.rmtree(host.repo)
        subprocess.run(["git", "clone", "-q", str(remote), str(host.repo)], check=True)
        host.use("team", board=postgres_url)
    return one, other


async def begins(host: Any, hands: Any, reaches: Any) -> None:
    """Work on a task until it has begun, and give it up."""
    begun = asyncio.Event()

    async def never_ends(assignment: Any) -> Any:
        (assignment.tree / "half.txt").write_text("half\n")
        begun.set()
        await asyncio.sleep(3600)

    hands.do("Work", never_ends)
    async with host.team(worker=hands) as team:
        await team.dispatch("sam", "Work")
        run = asyncio.create_task(team.run(until="forever"))
        await reaches(begun, run)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)


async def test_what_one_host_began_another_begins_anew(
    hosts: tuple[Any, Any], hands: Any, reaches: Any
) -> None:
    one, other = hosts
    await begins(one, hands, reaches)
    hands.do("Work", hands.leave({"whole.txt": "whole\n"}))
    async with other.team(worker=hands) as team:
        report = await team.run(until="idle", timeout=60)
        attempts = await team.board.attempts.of(1)

    assert report.endings == {"completed": 1}
    assert [one.number for one in attempts] == [1, 1]  # nobody is to blame
    assert (one.shows("whole.txt"), one.shows("half.txt")) == ("whole", None)
    assert (one.merges, one.branches, other.clones) == (1, [], [])
    assert one.clones == ["1-1"]
    async with one.team(worker=hands):
        pass
    assert one.clones == []  # cleared away when its host comes back


async def test_finished_work_that_was_not_delivered_is_done_again(
    hosts: tuple[Any, Any], hands: Any, reaches: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = hosts
    there = asyncio.Event()

    async def held(*_: Any, **__: Any) -> None:
        there.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patch:
        patch.setattr("neveridle.graph.nodes.verify.run_checks", held)
        async with one.team(worker=hands) as team:
            await team.dispatch("sam", "Work")
            run = asyncio.create_task(team.run(until="forever"))
            await reaches(there, run)
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
    async with other.team(worker=hands) as team:
        report = await team.run(until="idle", timeout=60)
    assert report.endings == {"failed": 1, "completed": 1}
    assert one.merges == 1


async def test_a_handoff_crosses_hosts_through_the_repository(
    hosts: tuple[Any, Any], hands: Any
) -> None:
    one, other = hosts
    for host in hosts:
        host.soul("leo")
    hand_over(hands)
    async with one.team(worker=hands) as first, other.team(worker=hands) as second:
        await first.dispatch("sam", "Work")
        await first.run(until="idle", ticks=1, agents=["sam"])
        report = await second.run(until="idle", timeout=60, agents=["leo"])
    assert report.endings == {"completed": 1}
    assert (one.shows("first.txt"), one.shows("second.txt")) == ("1", "2")
    assert one.branches == []


async def test_a_handoff_to_a_clone_that_lacks_it_is_not_begun_without_it(
    apart: tuple[Any, Any], hands: Any
) -> None:
    one, other = apart
    for host in apart:
        host.soul("leo")
    hand_over(hands)
    async with one.team(worker=hands) as first, other.team(worker=hands) as second:
        await first.dispatch("sam", "Work")
        await first.run(until="idle", ticks=1, agents=["sam"])
        report = await second.run(until="idle", timeout=60, agents=["leo"])
        task = await second.board.tasks.get(2)
        assert report.endings == {"blocked": 1}
        assert (task.state, task.blocked_owner) == (TaskState.BLOCKED, "human")
        assert "is not in" in task.blocked_action
        (branch,) = one.branches
        other.git("fetch", "-q", str(one.repo), f"{branch}:{branch}")
        await second.board.tasks.retry(2)
        report = await second.run(until="idle", timeout=60, agents=["leo"])
    assert report.endings == {"completed": 1}
    assert (other.shows("first.txt"), other.shows("second.txt")) == ("1", "2")


async def test_each_task_is_done_once_on_one_of_the_hosts(
    apart: tuple[Any, Any], hands: Any
) -> None:
    one, other = apart
    async with one.team(worker=hands) as first, other.team(worker=hands) as second:
        tasks = [NewTask(source=Source.BACKLOG, title=f"Task {n}") for n in range(6)]
        await first.board.tasks.add_all(tasks)
        await asyncio.gather(
            first.run(until="idle", timeout=60), second.run(until="idle", timeout=60)
        )
        done = await first.board.events.find(kind="task.completed")
    assert sorted(event.task_id or 0 for event in done) == [1, 2, 3, 4, 5, 6]
    assert one.merges + other.merges == 6
    for number in range(1, 7):
        assert [host.shows(f"{number}.txt") for host in apart].count("done") == 1


def hand_over(hands: Any) -> None:
    """Sam begins, and hands over to leo."""
    document = {"to": "leo", "action": "Go on", "changes": True}
    hands.do("Work", hands.leave({"first.txt": "1\n"}, status="handed_off", handoff=document))
    hands.do("Continue: Go on", hands.leave({"second.txt": "2\n"}))
