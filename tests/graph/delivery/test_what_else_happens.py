"""Pull requests that are closed, conflict, are pushed to by others, or wait for a person."""

from __future__ import annotations

import hashlib
import hmac
import json
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from neveridle.board import TaskState
from neveridle.graph.delivery.forge import comment_fact, review_fact
from neveridle.graph.delivery.waking import wake_delivery
from neveridle.graph.serving import webhook_app
from neveridle.tools.github.models import Review, ReviewComment
from neveridle.tools.standin.github_state import GitHubState
from neveridle.tools.standin.http_fault import HttpFault


@pytest.fixture
async def scripted(project: Any, hub: Any) -> None:
    """A board whose time a test moves."""
    del hub
    await project.script()


LONG = 100_000.0


def push(project: Any, branch: str, files: dict[str, str], folder: Path) -> str:
    """Somebody else pushes a commit to a branch of the remote; the commit."""
    origin = project.git("remote", "get-url", "origin")
    git = ["git", "-c", "user.name=B", "-c", "user.email=b@example.org"]
    subprocess.run([*git, "clone", "-q", "-b", branch, origin, str(folder)], check=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    subprocess.run([*git, "-C", str(folder), "add", "-A"], check=True)
    subprocess.run([*git, "-C", str(folder), "commit", "-qm", "theirs"], check=True)
    subprocess.run([*git, "-C", str(folder), "push", "-q", "origin", branch], check=True)
    said = subprocess.run(
        [*git, "-C", str(folder), "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    )
    return said.stdout.strip()


def _not(state: GitHubState, number: int) -> bool:
    """What a repository says whose rules want branches up to date."""
    return False


@pytest.mark.usefixtures("scripted")
async def test_a_pull_request_that_a_person_closes_ends_the_task(
    project: Any, hands: Any, hub: Any
) -> None:
    async with project.team(worker=hands) as team:
        task = await hub.opened(team)
        hub.standin.state.change(1, state="closed")
        await hub.step(team)
        over = await team.board.tasks.get(task.id)
        said = await team.board.events.find(kind="task.cancelled", task=task.id)
        assert over.state is TaskState.CANCELLED
        assert "pull request #1 was closed without being merged" in said[0].data["reason"]
        assert hub.head(f"neveridle/{task.id}-fix")
        assert project.clones == []
        # Reopened, it is taken up where it was.
        hub.standin.state.change(1, state="open")
        hub.checks(1)
        hub.review(1, "APPROVE")
        await team.board.tasks.retry(task.id)
        await hub.step(team)
        done = await team.board.tasks.get(task.id)
    assert done.state is TaskState.COMPLETED
    assert hub.asked("POST /repos/octo/demo/pulls") == 1


@pytest.mark.usefixtures("scripted")
async def test_without_permission_it_waits_for_a_person_who_merges(
    project: Any, hands: Any, hub: Any
) -> None:
    project.use("delivery", pull_request_merge=False)
    async with project.team(worker=hands) as team:
        task = await hub.opened(team)
        hub.checks(1)
        hub.review(1, "APPROVE")
        assert (await hub.step(team)).endings == {"parked": 1}
        assert hub.asked("PUT /repos/octo/demo/pulls/1/merge") == 0
        waits = await team.board.events.find(kind="pull_request.waits", task=task.id)
        assert waits[-1].data["why"] == "no agent may merge it"
        with hub.standin.lock:
            hub.standin.state.merge(1)
        assert (await hub.step(team)).endings == {"completed": 1}
        merged = await team.board.events.find(kind="pull_request.merged", task=task.id)
    assert [event.data["number"] for event in merged] == [1]
    assert len(hands.seen) == 1


@pytest.mark.usefixtures("scripted")
async def test_only_the_named_agents_may_merge(project: Any, hands: Any, hub: Any) -> None:
    project.use("delivery", pull_request_merge=False)
    project.settings["services"]["github"]["mergers"] = ["sam"]
    async with project.team(worker=hands) as team:
        await hub.opened(team)
        hub.checks(1)
        hub.review(1, "APPROVE")
        assert (await hub.step(team)).endings == {"completed": 1}


@pytest.mark.usefixtures("scripted")
async def test_the_target_branch_is_taken_in_without_an_agent_where_nothing_conflicts(
    project: Any, hands: Any, hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(GitHubState, "mergeable", _not)
    async with project.team(worker=hands) as team:
        task = await hub.opened(team)
        hub.checks(1)
        hub.review(1, "APPROVE")
        theirs = push(project, "main", {"theirs.txt": "t\n"}, tmp_path / "b")
        assert (await hub.step(team)).endings == {"parked": 1}
        branch = f"neveridle/{task.id}-fix"
        assert hub.git("rev-parse", f"{branch}^2") == theirs
        monkeypatch.undo()
        monkeypatch.setenv("GITHUB_TOKEN", "ghp_of_the_test_0123456789abcdef")
        hub.checks(1)
        # The approval was of the same work.
        assert (await hub.step(team)).endings == {"completed": 1}
    assert len(hands.seen) == 1
    assert (hub.shows("theirs.txt"), hub.shows(f"{task.id}.txt")) == ("t", "done")


@pytest.mark.usefixtures("scripted")
async def test_what_does_not_pass_with_the_target_branch_goes_to_an_agent(
    project: Any, hands: Any, hub: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hands.do("Fix", hands.leave({"a.txt": "a\n"}), hands.leave({"theirs.txt": "fine\n"}))
    async with project.team(worker=hands) as team:
        task = await hub.opened(team)
        branch = f"neveridle/{task.id}-fix"
        before = hub.head(branch)
        theirs = push(project, "main", {"theirs.txt": "BROKEN\n"}, tmp_path / "b")
        monkeypatch.setattr(GitHubState, "mergeable", _not)
        assert (await hub.step(team)).endings == {"parked": 1}
        assert hub.head(branch) == before
        assert (await hub.step(team, after=1)).endings == {"parked": 1}
        assert "Merged with main, the work does not pass." in hands.seen[1].feedback
        assert hands.seen[1].attempt.base == theirs
        assert (hub.shows("theirs.txt", branch), hub.shows("a.txt", branch)) == ("fine", "a")


@pytest.mark.usefixtures("scripted")
async def test_with_a_pull_request_open_a_person_is_asked_and_no_other_agent(
    project: Any, hands: Any, hub: Any
) -> None:
    """Another agent's task would have a branch, and so a pull request, of its own."""
    project.soul("leo")
    project.use("limits", attempts=1)
    hands.do("Fix", hands.leave({"a.txt": "a\n"}), hands.leave({"a.txt": "BROKEN\n"}))
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        await team.run(until="idle", ticks=1, agents=["sam"])
        hub.checks(1, "failure")
        for _ in range(2):
            await team.board.clock.advance(LONG)
            await team.keeper.sweep()
            await team.run(until="idle", ticks=1, agents=["sam"])
        over = await team.board.tasks.get(task.id)
        assert (over.state, over.blocked_owner) == (TaskState.BLOCKED, "human")
        assert len(await team.board.tasks.find()) == 1


@pytest.mark.usefixtures("scripted")
async def test_who_is_handed_a_round_goes_on_with_the_same_pull_request(
    project: Any, hands: Any, hub: Any
) -> None:
    project.soul("leo")
    to_leo = {"status": "handed_off", "handoff": {"to": "leo", "action": "Repair it"}}
    hands.do("Fix", hands.leave({"a.txt": "a\n"}), hands.leave({"b.txt": "b\n"}, **to_leo))
    hands.do("Continue: Repair it", hands.leave({"c.txt": "c\n"}))
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")

        async def step(agent: str) -> Any:
            await team.board.clock.advance(LONG)
            await team.keeper.sweep()
            return (await team.run(until="idle", ticks=1, agents=[agent])).endings

        assert await step("sam") == {"parked": 1}
        branch = f"neveridle/{task.id}-fix"
        hub.checks(1, "failure")
        assert await step("sam") == {"parked": 1}
        assert await step("sam") == {"handed_off": 1}
        assert await step("leo") == {"parked": 1}
        assert "Its checks failed" in hands.seen[2].feedback
        assert [hub.shows(f"{name}.txt", branch) for name in "abc"] == ["a", "b", "c"]
        hub.checks(1)
        hub.review(1, "APPROVE")
        assert await step("leo") == {"completed": 1}
        states = {one.state for one in await team.board.tasks.find()}
    assert states == {TaskState.COMPLETED}
    assert (len(hub.standin.state.pulls), len(hub.standin.state.comments)) == (1, 1)
    assert hub.git("for-each-ref", "--format=%(refname:short)").split() == ["main", branch]


@pytest.mark.usefixtures("scripted")
async def test_a_conflict_is_left_in_the_clone_for_an_agent_and_becomes_a_merge_commit(
    project: Any, hands: Any, hub: Any, tmp_path: Path
) -> None:
    trees: list[str] = []

    async def lazy(assignment: Any) -> Any:
        trees.append((assignment.tree / "calc.py").read_text())
        return await hands.leave({"more.txt": "m\n"})(assignment)

    hands.do(
        "Fix", hands.leave({"calc.py": "mine\n"}), lazy, hands.leave({"calc.py": "both\n"}),
    )  # fmt: skip
    async with project.team(worker=hands) as team:
        task = await hub.opened(team)
        before = hub.head(f"neveridle/{task.id}-fix")
        theirs = push(project, "main", {"calc.py": "theirs\n"}, tmp_path / "b")
        assert (await hub.step(team)).endings == {"parked": 1}
        refused = await hub.step(team, after=1)
        assert refused.endings == {"failed": 1}
        assert "<<<<<<<" in trees[0]
        assert "mine\n=======\ntheirs\n" in trees[0]
        assert "conflicts with main, in: calc.py" in hands.seen[1].feedback
        failed = (await team.board.attempts.of(task.id))[-1]
        assert failed.error.startswith("Marks of a conflict are left in calc.py")
        assert (await hub.step(team)).endings == {"parked": 1}
        assert hands.seen[2].failed is not None
        assert [one.attempt.base for one in hands.seen[1:]] == [theirs, theirs]
        assert "conflicts with main" in hands.seen[2].feedback
        hub.checks(1)
        hub.review(1, "APPROVE")
        assert (await hub.step(team)).endings == {"completed": 1}
    assert hub.shows("calc.py") == "both"
    tip = hub.git("rev-parse", "main^2")
    parents = hub.git("rev-list", "--parents", "-n", "3", tip)
    assert theirs in parents
    assert before in parents
    assert len(hub.standin.state.comments) == 1


@pytest.mark.usefixtures("scripted")
async def test_what_a_person_pushed_to_the_branch_is_checked_and_kept(
    project: Any, hands: Any, hub: Any, tmp_path: Path
) -> None:
    pushed: list[str] = []

    async def meanwhile(assignment: Any) -> Any:
        pushed.append(push(project, branch, {"also.txt": "t\n"}, tmp_path / "c"))
        return await hands.leave({"a.txt": "b\n"})(assignment)

    hands.do("Fix", hands.leave({"a.txt": "a\n"}), meanwhile)
    async with project.team(worker=hands) as team:
        task = await hub.opened(team)
        branch = f"neveridle/{task.id}-fix"
        theirs = push(project, branch, {"theirs.txt": "t\n"}, tmp_path / "b")
        assert (await hub.step(team)).endings == {"parked": 1}
        assert hub.head(branch) == theirs
        attempt = (await team.board.attempts.of(task.id))[-1]
        assert attempt.commit == theirs
        hub.checks(1, "failure")
        await hub.step(team)
        # Pushed while the agent works: the two are merged, and nothing is forced.
        assert (await hub.step(team, after=1)).endings == {"parked": 1}
        assert hub.git("rev-parse", f"{branch}^2") == pushed[0]
        assert len(hub.standin.state.comments) == 1
        assert (hub.shows("theirs.txt", branch), hub.shows("also.txt", branch)) == ("t", "t")
        assert hub.shows("a.txt", branch) == "b"
        # Taken away by force: nobody puts it back against their will.
        hub.git("update-ref", f"refs/heads/{branch}", "main")
        project.git("commit", "-q", "--allow-empty", "-m", "rewritten")
        project.git("push", "-q", "-f", "origin", f"HEAD:{branch}")
        tip = hub.head(branch)
        assert (await hub.step(team)).endings == {"blocked": 1}
        blocked = await team.board.tasks.get(task.id)
        assert "somebody took our commits off its branch" in blocked.blocked_action
        assert hub.head(branch) == tip


@pytest.mark.usefixtures("scripted")
async def test_after_its_rounds_a_person_is_asked_and_a_retry_begins_them_anew(
    project: Any, hands: Any, hub: Any
) -> None:
    project.use("delivery", rounds=1)
    hands.do("Fix", *(hands.leave({"a.txt": f"{n}\n"}) for n in range(4)))
    async with project.team(worker=hands) as team:
        task = await hub.opened(team)
        hub.checks(1, "failure")
        await hub.step(team)
        await hub.step(team, after=1)
        hub.checks(1, "failure")
        assert (await hub.step(team)).endings == {"blocked": 1}
        blocked = await team.board.tasks.get(task.id)
        assert blocked.blocked_owner == "human"
        assert "After 1 rounds the checks ci fail still." in blocked.blocked_action
        assert blocked.failures == 0
        await team.board.tasks.retry(task.id)
        assert (await hub.step(team)).endings == {"parked": 1}
        await hub.step(team, after=1)
    assert len(hands.seen) == 3


@pytest.mark.usefixtures("scripted")
async def test_a_service_that_fails_while_it_is_looked_at_costs_no_attempt(
    project: Any, hands: Any, hub: Any
) -> None:
    project.settings["services"]["github"] |= {"attempts": 1, "breaker_threshold": 100}
    async with project.team(worker=hands) as team:
        task = await hub.opened(team)
        for _ in range(9):
            hub.standin.faults.append(HttpFault("status", on="GET */pulls/1", status=500))
            assert (await hub.step(team)).endings == {"parked": 1}
        hub.checks(1)
        hub.review(1, "APPROVE")
        assert (await hub.step(team)).endings == {"completed": 1}
        attempts = await team.board.attempts.of(task.id)
    assert {one.number for one in attempts} == {1}


@pytest.mark.usefixtures("scripted")
async def test_looks_do_not_use_up_the_patience_with_a_service(
    project: Any, hands: Any, hub: Any
) -> None:
    """What a lost answer did is found out at the claim, where each wait for that is counted."""
    project.settings["services"]["github"] |= {"attempts": 1, "breaker_threshold": 100}
    async with project.team(worker=hands) as team:
        await hub.opened(team)
        for _ in range(8):
            await hub.step(team)
        hub.checks(1)
        hub.review(1, "APPROVE")
        hub.standin.faults += [HttpFault("cut", on="PUT */pulls/1/merge") for _ in range(2)]
        assert (await hub.step(team)).endings == {"parked": 1}
        assert (await hub.step(team)).endings == {"parked": 1}
        assert hub.standin.faults == []
        assert (await hub.step(team)).endings == {"completed": 1}
    assert len(hands.seen) == 1


@pytest.mark.usefixtures("scripted")
async def test_what_github_refuses_is_for_a_person_and_not_for_an_agent(
    project: Any, hands: Any, hub: Any
) -> None:
    hub.standin.faults.append(HttpFault("status", on="POST */pulls", status=422))
    hub.standin.faults.append(HttpFault("status", on="POST */comments", status=422))
    hands.do("Fix", hands.leave({"a.txt": "a\n"}), hands.leave({"a.txt": "b\n"}))
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        assert (await team.run(until="idle", ticks=1)).endings == {"blocked": 1}
        blocked = await team.board.tasks.get(task.id)
        assert "takes pull requests" in blocked.blocked_action
        assert blocked.failures == 0
        await team.board.tasks.retry(task.id)
        assert (await hub.step(team)).endings == {"parked": 1}
        hub.checks(1, "failure")
        assert (await hub.step(team)).endings == {"parked": 1}
        assert (await hub.step(team, after=1)).endings == {"parked": 1}
        problems = [problem["code"] for problem in team.problems]
    assert hub.standin.faults == []
    assert problems[-1] == "effect-refused"
    assert (len(hands.seen), len(hub.standin.state.pulls)) == (2, 1)


@pytest.mark.usefixtures("scripted")
async def test_looking_costs_nothing_where_nothing_changed(
    project: Any, hands: Any, hub: Any
) -> None:
    async with project.team(worker=hands) as team:
        await hub.opened(team)
        hub.checks(1, None)
        await hub.step(team)
        before = hub.standin.remaining
        for _ in range(5):
            await hub.step(team)
        assert hub.standin.remaining == before
        assert len(hands.seen) == 1
        # Nor is it looked at before it is time, by anybody.
        hub.standin.forget()
        await team.keeper.sweep()
        await team.run(until="idle", ticks=1)
    assert hub.standin.requests == ()


@pytest.mark.usefixtures("scripted")
async def test_new_work_begins_with_what_was_merged_there(
    project: Any, hands: Any, hub: Any, tmp_path: Path
) -> None:
    local = project.git("rev-parse", "main")
    theirs = push(project, "main", {"theirs.txt": "t\n"}, tmp_path / "b")
    async with project.team(worker=hands) as team:
        task = await hub.opened(team)
        (attempt,) = await team.board.attempts.of(task.id)
    assert attempt.base == theirs
    assert project.git("rev-parse", "main") == local


@pytest.mark.parametrize(
    ("association", "trusted"),
    [("OWNER", True), ("MEMBER", True), ("COLLABORATOR", True), ("CONTRIBUTOR", False),
     ("FIRST_TIME_CONTRIBUTOR", False), ("NONE", False), ("", False)],
)  # fmt: skip
def test_only_the_repository_s_people_are_listened_to(association: str, trusted: bool) -> None:
    said = {
        "id": 5, "user": {"login": "ada"}, "body": "b", "state": "APPROVED", "commit_id": "c",
        "author_association": association, "path": "a.py", "line": 3,
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    assert review_fact(Review.model_validate(said)).trusted is trusted
    comment = comment_fact(ReviewComment.model_validate(said), ours=False)
    assert (comment.trusted, comment.where) == (trusted, "a.py:3")


@pytest.mark.usefixtures("scripted")
async def test_a_webhook_is_heard_if_it_is_signed(project: Any, hands: Any, hub: Any) -> None:
    secret = "whsec_of_the_test"
    async with project.team(worker=hands) as team:
        task = await hub.opened(team)
        head = hub.head(f"neveridle/{task.id}-fix")
        app = webhook_app(team.board, team.settings, {"GITHUB_WEBHOOK_SECRET": secret})
        said = {
            "sha": head,
            "context": "ci",
            "state": "success",
            "action": "",
            "updated_at": "2026-01-01T00:00:00Z",
            "repository": {"full_name": "octo/demo"},
        }
        body = json.dumps(said).encode()
        digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            for signature, status, state in (
                ("0" * 64, 401, TaskState.WAITING), (digest, 202, TaskState.PENDING),
            ):  # fmt: skip
                headers = {"X-Hub-Signature-256": f"sha256={signature}", "X-GitHub-Event": "status"}
                answer = await client.post("/webhooks/github", content=body, headers=headers)
                assert answer.status_code == status
                assert (await team.board.tasks.get(task.id)).state is state


@pytest.mark.usefixtures("scripted")
@pytest.mark.parametrize("by", ["number", "commit"])
async def test_a_webhook_has_it_looked_at_at_once(
    project: Any, hands: Any, hub: Any, by: str
) -> None:
    async with project.team(worker=hands) as team:
        task = await hub.opened(team)
        hub.checks(1)
        hub.review(1, "APPROVE")
        head = hub.head(f"neveridle/{task.id}-fix")
        assert await wake_delivery(team.board, number=2) == []
        assert await wake_delivery(team.board, commit="0" * 40) == []
        assert await wake_delivery(team.board) == []
        said: dict[str, Any] = {"number": 1} if by == "number" else {"commit": head}
        assert await wake_delivery(team.board, **said) == [task.id]
        report = await team.run(until="idle", ticks=1)
    assert report.endings == {"completed": 1}
