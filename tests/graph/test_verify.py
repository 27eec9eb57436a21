"""Done is evidence, not a claim."""

from __future__ import annotations

from typing import Any

from neveridle.board import AttemptState, TaskState


async def test_work_that_fails_its_checks_is_refused_and_repaired(
    team: Any, hands: Any, project: Any
) -> None:
    hands.do(
        "Fix",
        hands.leave({"a.txt": "BROKEN\n", "kept.txt": "half of it\n"}),
        hands.leave({"a.txt": "whole\n"}),
    )
    task = await team.dispatch("sam", "Fix")

    report = await team.run(until="idle", timeout=60)

    assert [line.ending for line in report.attempts] == ["failed", "completed"]
    assert report.attempts[0].path[-4:] == ("work", "verify", "recover", "reflect")
    refused, repaired = await team.board.attempts.of(task.id)
    assert (refused.error_code, refused.number, repaired.number) == ("work-refused", 1, 2)
    assert "The check tests (`sh check.sh`) ended with 1:\n./a.txt" in refused.error
    assert refused.evidence is not None
    assert refused.evidence["checks"]["tests"]["exit_code"] == 1
    assert refused.evidence["passed"] is False
    second = hands.seen[1]
    assert second.failed == refused
    assert (project.shows("a.txt"), project.shows("kept.txt")) == ("whole", "half of it")
    assert len(await team.board.events.find(kind="verify.refused")) == 1
    assert (project.merges, project.clones) == (1, [])


async def test_the_same_with_the_model_and_its_prompt(project: Any) -> None:
    key = "dispatch:fix"
    project.says(key, project.write("a.txt", "BROKEN\n"), project.done())
    project.says(
        key,
        project.call("read_file", path="a.txt"),
        project.write("a.txt", "whole\n"),
        project.done(),
        attempt=2,
    )
    async with project.team() as team:
        await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
    assert report.endings == {"failed": 1, "completed": 1}
    assert report.model_calls == 5
    assert (report.input_tokens, report.output_tokens) == (50, 10)


async def test_a_claim_without_a_change_is_refused(team: Any, hands: Any) -> None:
    hands.do("Fix", hands.leave())
    task = await team.dispatch("sam", "Fix")
    report = await team.run(until="idle", timeout=60)
    assert [line.ending for line in report.attempts] == ["failed"] * 3
    for attempt in await team.board.attempts.of(task.id):
        assert attempt.error == "A change was asked for, and no file was changed."


async def test_ticking_the_roadmap_is_no_change(project: Any, hands: Any) -> None:
    project.commit({"ROADMAP.md": "- [ ] Plan\n- [ ] Another\n"})
    project.use("limits", attempts=1)
    hands.do("Plan", hands.leave({"ROADMAP.md": "- [x] Plan\n- [x] Another\n"}))
    hands.do("Another", hands.leave())
    async with project.team(worker=hands) as team:
        report = await team.run(until="idle", timeout=60)
        tasks = await team.board.tasks.find()
    assert report.endings == {"failed": 2}
    assert {task.state for task in tasks} == {TaskState.BLOCKED}
    assert project.shows("ROADMAP.md") == "- [ ] Plan\n- [ ] Another"


async def test_three_failures_block_the_task_for_a_person_who_is_told(
    team: Any, hands: Any
) -> None:
    hands.do("Fix", hands.leave({"a.txt": "BROKEN\n"}))
    task = await team.dispatch("sam", "Fix")

    report = await team.run(until="idle", timeout=60)

    assert report.endings == {"failed": 3}
    blocked = await team.board.tasks.get(task.id)
    assert (blocked.state, blocked.blocked_owner, blocked.failures) == (
        TaskState.BLOCKED,
        "human",
        3,
    )
    assert f"neveridle tasks retry {task.id}" in blocked.blocked_action
    said = await team.board.messages.latest("dev")
    assert said[-1].content.startswith(f"@human Task {task.id} failed 3 times: Fix. [inbox 1]")

    hands.do("Fix", hands.leave({"a.txt": "whole\n"}))
    await team.board.tasks.retry(task.id)
    assert (await team.run(until="idle", timeout=60)).endings == {"completed": 1}


async def test_an_outcome_that_says_failed_is_tried_again(team: Any, hands: Any) -> None:
    hands.do(
        "Fix",
        hands.leave({"notes.txt": "so far\n"}, status="failed", summary="I ran out of ideas."),
        hands.leave({"a.txt": "whole\n"}),
    )
    await team.dispatch("sam", "Fix")
    report = await team.run(until="idle", timeout=60)
    assert report.endings == {"failed": 1, "completed": 1}
    assert report.attempts[0].path[-3:] == ("work", "recover", "reflect")
    assert hands.seen[1].failed.error == "I ran out of ideas."


async def test_a_task_that_needs_no_change_is_done_by_its_summary(
    team: Any, hands: Any, project: Any
) -> None:
    head = project.git("rev-parse", "main")
    hands.do("Look", hands.leave(summary="It is fine."))
    task = await team.dispatch("sam", "Look", needs_change=False)
    report = await team.run(until="idle", timeout=60)
    assert report.endings == {"completed": 1}
    (attempt,) = await team.board.attempts.of(task.id)
    assert (attempt.outcome or {})["summary"] == "It is fine."
    assert (project.git("rev-parse", "main"), project.branches, project.clones) == (head, [], [])


async def test_acceptance_checks_of_the_task_count_too(team: Any, hands: Any) -> None:
    hands.do("Fix", hands.leave({"a.txt": "1\n"}), hands.leave({"b.txt": "2\n"}))
    task = await team.dispatch("sam", "Fix", acceptance=("test -e b.txt",))
    report = await team.run(until="idle", timeout=60)
    assert [line.ending for line in report.attempts] == ["failed", "completed"]
    refused, good = await team.board.attempts.of(task.id)
    assert "The check acceptance 1 (`test -e b.txt`) ended with 1" in refused.error
    assert list(good.evidence["checks"]) == ["tests", "acceptance 1"]


CONFIG = '[checks]\ntests = "sh check.sh"\n'


async def test_an_agent_cannot_change_what_it_is_judged_by(project: Any, hands: Any) -> None:
    """The configuration is part of the repository, and the agent rewrites it."""
    project.commit({"neveridle.toml": CONFIG})
    project.use("team", repository=".", home="../home", souls="../agents")
    inner = type(project)(project.repo)
    inner.settings = project.settings
    inner.settings["team"]["repository"] = "."
    hands.do(
        "Fix",
        hands.leave({"neveridle.toml": '[checks]\ntests = "true"\n', "a.txt": "BROKEN\n"}),
    )
    async with inner.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
        attempts = await team.board.attempts.of(task.id)
    assert report.endings == {"failed": 3}
    assert {one.error_code for one in attempts} == {"work-refused"}
    for one in attempts:
        assert (one.evidence or {})["checks"]["tests"]["command"] == "sh check.sh"


async def test_the_base_commit_counts_not_what_lies_uncommitted_beside_it(
    project: Any, hands: Any
) -> None:
    project.commit({"neveridle.toml": CONFIG})
    inner = type(project)(project.repo)
    inner.settings = project.settings
    inner.use("team", repository=".", home="../home", souls="../agents")
    inner.settings["checks"] = {"tests": "true"}
    hands.do("Fix", hands.leave({"a.txt": "BROKEN\n"}))
    async with inner.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)
    assert report.endings == {"failed": 3}


async def test_changed_tests_are_reported(team: Any, hands: Any) -> None:
    hands.do("Fix", hands.leave({"tests/test_a.py": "", "src/a.py": "", "b_test.go": ""}))
    task = await team.dispatch("sam", "Fix")
    await team.run(until="idle", timeout=60)
    (attempt,) = await team.board.attempts.of(task.id)
    assert attempt.state is AttemptState.COMPLETED
    assert (attempt.evidence or {})["changed_tests"] == ["b_test.go", "tests/test_a.py"]


async def test_what_git_ignores_proves_nothing(project: Any, hands: Any) -> None:
    """A check sees what the repository will hold, not what an agent left beside it."""
    project.commit({".gitignore": "out/\n", "README.md": "read me\n"})
    project.use("limits", attempts=1)
    hands.do("Fix", hands.leave({"a.txt": "whole\n", "out/passed": "yes\n"}))
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix", acceptance=("test -e out/passed",))
        report = await team.run(until="idle", timeout=60)
        attempts = await team.board.attempts.of(task.id)
    assert report.endings == {"failed": 1}
    assert attempts[0].error_code == "work-refused"


async def test_an_agent_changes_neither_settings_nor_souls(project: Any, hands: Any) -> None:
    """Or it would choose what confines and judges it, from the next start on."""
    inner = type(project)(project.repo)
    inner.settings = project.settings
    inner.use("team", repository=".", home="../home", souls="agents")
    inner.use("limits", attempts=1)
    inner.soul("sam")
    project.commit({"neveridle.toml": CONFIG})
    for title, path in (("Settings", "neveridle.toml"), ("Soul", "agents/sam.md")):
        hands.do(title, hands.leave({path: "changed\n", "a.txt": "whole\n"}))
    async with inner.team(worker=hands) as team:
        for title in ("Settings", "Soul"):
            await team.dispatch("sam", title)
        report = await team.run(until="idle", timeout=60)
        errors = [(await team.board.attempts.of(task))[-1].error for task in (1, 2)]
    assert report.endings == {"failed": 2}
    assert ["neveridle.toml" in errors[0], "agents/sam.md" in errors[1]] == [True, True]
    assert project.merges == 0


async def test_a_check_is_as_good_as_what_it_was_before(project: Any, hands: Any) -> None:
    """Work may change the files that define its checks, and then passes the old ones too."""
    project.commit({"Makefile": "test:\n\tsh check.sh\n"})
    project.use("limits", attempts=1)
    project.use("checks", tests="make test")
    disarmed = "test:\n\ttrue\n"
    extended = "test:\n\tsh check.sh\n\nother:\n\ttrue\n"
    hands.do("Cheat", hands.leave({"Makefile": disarmed, "a.txt": "BROKEN\n"}))
    hands.do("Extend", hands.leave({"Makefile": extended}))
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Cheat")
        await team.dispatch("sam", "Extend")
        report = await team.run(until="idle", timeout=60)
        cheat, extend = [(await team.board.attempts.of(task))[-1] for task in (1, 2)]
    assert report.endings == {"failed": 1, "completed": 1}
    assert "With Makefile as it was before" in cheat.error
    assert extend.evidence["changed_definitions"] == ["Makefile"]
    assert project.shows("Makefile") == extended.rstrip("\n")


async def test_who_was_killed_amid_the_old_checks_does_not_hide_what_changed(
    project: Any, hands: Any
) -> None:
    """The clone then holds the old files beside the work; only what was committed is the work."""
    project.commit({"Makefile": "test:\n\tsh check.sh\n"})
    project.use("limits", attempts=1)
    project.use("checks", tests="make test")
    await project.script()
    hands.do("Cheat", hands.leave({"Makefile": "test:\n\ttrue\n", "a.txt": "BROKEN\n"}))
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Cheat")
        async for step in team.graph.astream({"agent": "sam"}, stream_mode="updates"):
            if "work" in step:
                break
        tree = project.home / "work" / "1-1" / "tree"
        (tree / "Makefile").write_text("test:\n\tsh check.sh\n", "utf-8")
        (tree / "report.txt").write_text("of a check\n", "utf-8")
        await team.board.clock.advance(1000)
        assert len(await team.board.sweep()) == 1

        report = await team.run(until="idle", timeout=3600)

        _, cheat = await team.board.attempts.of(1)
    assert report.endings == {"failed": 1}
    assert report.attempts[0].path[-3:] == ("verify", "recover", "reflect")
    assert "With Makefile as it was before" in cheat.error
    assert cheat.evidence["changed"] == ["Makefile", "a.txt"]
