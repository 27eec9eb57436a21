"""Writes to services by agents at work: once, through lost answers, takeovers and people."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from neveridle.board import Board, EffectState, Source, TaskState
from neveridle.errors import EffectUnsettled, ServiceError
from neveridle.tools.effects import Performer, service_tool
from neveridle.tools.standin import Fault, StandinClient, StandinServer, StandinStore

KEY = "dispatch:comment-on-it"


@pytest.fixture
def standin(tmp_path: Path) -> Generator[StandinServer]:
    with StandinServer(tmp_path / "standin.db") as server:
        yield server


@pytest.fixture
def store(standin: StandinServer) -> StandinStore:
    return standin.store


@pytest.fixture
async def client(standin: StandinServer) -> AsyncGenerator[StandinClient]:
    async with StandinClient(standin.url) as opened:
        yield opened


@pytest.fixture
def comments(client: StandinClient) -> Any:
    """Makes a tool by which an agent comments on a ticket."""

    def make(performer: Performer) -> Any:
        async def comment(ticket: str, text: str) -> str:
            """Comment on a ticket.

            Args:
                ticket: The ticket.
                text: What to say.
            """
            done = await performer.once(client.mark, ticket, text)
            return f"Comment {done.result['id']}" + ("" if done.fresh else ", made before")

        return [service_tool(comment)]

    return make


async def test_a_tool_whose_answer_was_lost_is_found_to_have_written(
    project: Any, client: StandinClient, store: StandinStore, comments: Any
) -> None:
    await project.script()
    comment = project.call("comment", ticket="A-1", text="I am at it.")
    project.says(KEY, comment, project.write("a.txt", "a\n"), comment, project.done())
    store.plan(Fault("drop_after"))
    async with project.team() as team:
        team.verbs.add(*client.verbs)
        team.tool_makers.append(comments)
        await team.dispatch("sam", "Comment on it")
        first = await team.run(until="idle", ticks=1)
        assert first.endings == {"parked": 1}
        await team.board.clock.advance(5)
        second = await team.run(until="idle")
        (effect,) = await team.board.effects.find()

    assert second.endings == {"completed": 1}
    assert second.attempts[0].path[-5:] == ("claim", "work", "verify", "deliver", "reflect")
    assert len(store.objects()) == 1
    assert (effect.how, effect.calls, effect.fence) == ("found", 1, 2)


async def test_a_refusal_is_told_to_the_model(
    project: Any, client: StandinClient, store: StandinStore, comments: Any, api: Any
) -> None:
    api.use(project)
    store.plan(Fault("refuse", status=422))
    write = api.tool("write_file", path="a.txt", content="a\n")
    api.says("Fix", api.tool("comment", ticket="A-1", text="x"), write, api.outcome())
    async with project.team() as team:
        team.verbs.add(*client.verbs)
        team.tool_makers.append(comments)
        await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", timeout=60)

    assert report.endings == {"completed": 1}
    (said,) = [m for m in api.asked[1]["messages"] if m["role"] == "tool"]
    assert "standin answered 422" in said["content"]


async def left_open(board: Board, verb: Any, store: StandinStore) -> None:
    """Somebody dies after a call whose answer it never got."""
    store.plan(Fault("drop_after"))
    run = await board.runs.start("sam", role="backend", skills=[])
    claim = await board.attempts.claim(
        agent="sam", run=run, skills=["python"], source=Source.DISPATCH, lease=60
    )
    assert claim is not None
    with pytest.raises(EffectUnsettled):
        await board.effects.once(claim.attempt, verb, "A-1", "hello")
    await board.clock.advance(3600)
    await board.sweep()


async def test_what_a_dead_process_left_open_is_settled_before_work_goes_on(
    project: Any, client: StandinClient, store: StandinStore, hands: Any
) -> None:
    await project.script()
    seen: list[Any] = []

    async def act(assignment: Any) -> Any:
        (effect,) = await team.board.effects.find()
        seen.append((effect.state, effect.how, store.requests("create")))
        done = await assignment.effects.once(client.mark, "A-1", "hello")
        seen.append(done.fresh)
        return await hands.leave({"a.txt": "a\n"})(assignment)

    hands.do("*", act)
    async with project.team(worker=hands) as team:
        team.verbs.add(*client.verbs)
        await team.dispatch("sam", "Comment")
        await left_open(team.board, client.mark, store)
        report = await team.run(until="idle")

    assert report.endings == {"completed": 1}
    assert seen == [(EffectState.DONE, "found", 1), False]


async def test_a_service_that_does_not_answer_is_waited_for(
    project: Any, client: StandinClient, store: StandinStore, hands: Any
) -> None:
    await project.script()
    async with project.team(worker=hands) as team:
        team.verbs.add(*client.verbs)
        task = await team.dispatch("sam", "Comment")
        await left_open(team.board, client.mark, store)
        store.plan(Fault("drop_before", on="find"))
        first = await team.run(until="idle", ticks=1)
        waiting = await team.board.tasks.get(task.id)
        await team.board.clock.advance(5)
        second = await team.run(until="idle")

    assert first.attempts[0].path[-2:] == ("claim", "recover")
    assert (waiting.state, waiting.waiting_on) == (TaskState.WAITING, "retry")
    assert second.endings == {"completed": 1}
    assert len(store.objects()) == 1


async def test_a_verb_that_nobody_knows_is_for_a_person(
    project: Any, client: StandinClient, store: StandinStore, hands: Any
) -> None:
    await project.script()
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Comment")
        await left_open(team.board, client.mark, store)
        first = await team.run(until="idle")
        blocked = await team.board.tasks.get(task.id)
        assert first.endings == {"blocked": 1}
        assert hands.seen == []
        assert (blocked.state, blocked.blocked_owner) == (TaskState.BLOCKED, "human")
        assert "nobody in this team knows how to standin.mark" in blocked.blocked_action
        assert "`neveridle effects settle 1 --as done`" in blocked.blocked_action
        assert "`neveridle tasks retry 1`" in blocked.blocked_action

        await team.board.effects.settle_by_hand(1, "done")
        await team.board.tasks.retry(task.id)
        second = await team.run(until="idle")

    assert second.endings == {"completed": 1}
    assert len(store.objects()) == 1


async def test_rejected_credentials_of_a_service_stop_no_agent(
    project: Any, client: StandinClient, store: StandinStore, hands: Any
) -> None:
    async def act(assignment: Any) -> Any:
        store.plan(Fault("refuse", status=401))
        return await assignment.effects.once(client.mark, "A-1", "hello")

    hands.do("Comment", act)
    async with project.team(worker=hands) as team:
        team.verbs.add(*client.verbs)
        await team.dispatch("sam", "Comment")
        await team.dispatch("sam", "Other")
        report = await team.run(until="idle", timeout=60)
        blocked = await team.board.tasks.get(1)

    assert report.endings == {"blocked": 1, "completed": 1}
    assert report.stopped == {}
    assert "credentials of standin" in blocked.blocked_action


async def test_a_worker_that_goes_on_after_a_lost_answer_is_not_done_before_it_is_known(
    project: Any, client: StandinClient, store: StandinStore, hands: Any
) -> None:
    async def act(assignment: Any) -> Any:
        store.plan(Fault("drop_after"))
        with pytest.raises(ServiceError):
            await assignment.effects.once(client.create, "A-1", "hello")
        return await hands.leave({"a.txt": "a\n"})(assignment)

    hands.do("*", act)
    async with project.team(worker=hands) as team:
        team.verbs.add(replace(client.create), client.mark)
        await team.dispatch("sam", "Comment")
        report = await team.run(until="idle", timeout=60)
        (effect,) = await team.board.effects.find()

    assert report.endings == {"completed": 1}
    assert (effect.state, effect.how) == (EffectState.DONE, "exists")
