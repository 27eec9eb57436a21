"""Effects that nobody waits for, and the mirror ticket by ticket, on either database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from neveridle.board import Board, Claim, EffectState, NewTask, Safety, Source, Task, TaskState
from neveridle.board.effect_rows import CALLS
from neveridle.board.syncs import MirrorEntry
from neveridle.board.verb import AlreadyThere
from neveridle.errors import EffectRefused, EffectUnsettled, LeaseLost, RateLimited, ServiceError
from neveridle.tools.effects import Verb, Verbs

Take = Callable[..., Awaitable[Claim]]
Add = Callable[..., Awaitable[Task]]


class Service:
    """What was called, and what it is to answer; then it does as it is told."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.calls: list[Any] = []
        self.gate: asyncio.Event | None = None
        self.begun = asyncio.Event()

    async def call(self, asked: Any) -> Any:
        self.calls.append(asked.request)
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        answer = self.answers.pop(0) if self.answers else "ok"
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def find(self, asked: Any) -> Any:
        return None

    def verb(self, safety: Safety = Safety.NATURAL, name: str = "set") -> Verb:
        more: Any = {"find": self.find, "settles": 1.0} if safety is Safety.MARKER else {}
        return Verb(service="s", name=name, safety=safety, identity="content", call=self.call,
                    **more)  # fmt: skip


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
async def left(board: Board, service: Service, add: Add, take: Take) -> Any:
    """An effect that an attempt could not do and left; the attempt."""
    await add("work")
    attempt = (await take()).attempt
    service.answers = [RateLimited("Not now.", wait=5)]
    verb = service.verb()
    with pytest.raises(RateLimited):
        await board.effects.once(attempt, verb, "A-1", "done")
    assert await board.deferred.leave(attempt, verb, "A-1") == 1
    return attempt


async def test_what_was_left_is_done_once_when_its_task_is_over(
    board: Board, service: Service, left: Any
) -> None:
    verbs = Verbs(service.verb())
    assert await board.effects.reconcile(left, verbs) == []  # nobody waits for it
    await board.attempts.complete(left)
    service.answers = [RateLimited("Not now.", wait=5)]
    assert await board.deferred.perform(verbs) == 0
    (waiting,) = await board.deferred.waiting()
    assert (waiting.calls, waiting.called_at) == (0, None)  # certainly nothing was done
    assert await board.deferred.perform(verbs) == 1
    assert await board.deferred.perform(verbs) == 0
    (effect,) = await board.effects.find()
    assert (effect.state, effect.result, effect.how) == (EffectState.DONE, "ok", "called")
    assert service.calls == ["done"] * 3


async def test_two_processes_do_it_once(board: Board, service: Service, left: Any) -> None:
    service.gate = asyncio.Event()
    service.begun.clear()
    verbs = Verbs(service.verb())
    first = asyncio.create_task(board.deferred.perform(verbs))
    await service.begun.wait()
    assert await board.deferred.perform(verbs) == 0
    service.gate.set()
    assert await first == 1
    assert len(service.calls) == 2


async def test_a_later_state_waits_for_the_one_that_is_just_being_set(
    board: Board, service: Service, left: Any
) -> None:
    service.gate = asyncio.Event()
    service.begun.clear()
    verb = service.verb()
    first = asyncio.create_task(board.deferred.perform(Verbs(verb)))
    await service.begun.wait()
    later = asyncio.create_task(board.effects.once(left, verb, "A-1", "again"))
    while not later.done() and len(service.calls) == 2:
        await board.clock.advance(0.1)
        await asyncio.sleep(0.01)
        service.gate.set()
    await first
    await later
    assert service.calls[1:] == ["done", "again"]


async def test_a_later_state_takes_the_place_of_one_that_waits(
    board: Board, service: Service, left: Any
) -> None:
    await board.effects.once(left, service.verb(), "A-1", "again")
    assert await board.deferred.waiting() == []
    states = [one.state for one in await board.effects.find()]
    assert states == [EffectState.SUPERSEDED, EffectState.DONE]


async def test_a_refusal_settles_it_and_a_lost_answer_does_not(
    board: Board, service: Service, add: Add
) -> None:
    task = await add("work")
    sets, makes = service.verb(), service.verb(Safety.CLIENT_KEY, "make")
    verbs = Verbs(sets, makes)
    service.answers = [EffectRefused("No."), ServiceError("Lost."), AlreadyThere("there")]
    one = await board.deferred.later(task.id, sets, "A-1", "x")
    other = await board.deferred.later(task.id, makes, "A-1", "y")
    again = await board.deferred.later(task.id, makes, "A-1", "y")
    assert again.id == other.id
    assert await board.deferred.perform(verbs) == 1
    assert (await board.effects.get(other.id)).called_at is not None
    assert await board.deferred.perform(verbs) == 1
    assert (await board.effects.get(one.id)).state is EffectState.REFUSED
    done = await board.effects.get(other.id)
    assert (done.state, done.how, done.result) == (EffectState.DONE, "exists", "there")


async def test_it_is_tried_so_often_and_then_a_person_is_told(
    board: Board, service: Service, add: Add
) -> None:
    task = await add("work")
    service.answers = [ServiceError("Lost.")] * 20
    await board.deferred.later(task.id, service.verb(), "A-1", "x")
    for _ in range(CALLS + 3):
        await board.deferred.perform(Verbs(service.verb()))
    assert len(service.calls) == CALLS
    said = [one.content for one in await board.messages.latest("dev")]
    assert sum("s.set on A-1" in one for one in said) == 1
    (effect,) = await board.effects.find(open_only=True)  # it stays to be looked at
    assert effect.calls == CALLS


async def test_a_broken_service_does_not_hold_up_another(
    board: Board, service: Service, add: Add
) -> None:
    task = await add("work")
    well = Service()
    other = Verb(service="t", name="set", safety=Safety.NATURAL, identity="content", call=well.call)
    for number in range(3):
        await board.deferred.later(task.id, service.verb(), f"A-{number}", "x")
    await board.deferred.later(task.id, other, "B-1", "x")
    service.answers = [RateLimited("Not now.")] * 3
    assert await board.deferred.perform(Verbs(service.verb(), other)) == 1
    assert (len(service.calls), len(well.calls)) == (1, 1)


def entry(ref: str, *, open: bool = True, **said: Any) -> MirrorEntry:
    ticket = {
        "ref": ref,
        "read_at": said.pop("read_at", 0.0),
        "started": said.pop("started", False),
    }
    new = NewTask(source=Source.BACKLOG, title="Page", ref=ref, ticket=ref, **said)
    return MirrorEntry(ref=ref, open=open, data={"ticket": ticket}, task=new, over=False)


async def test_what_a_ticket_says_is_taken_over_until_somebody_begins(
    board: Board, add: Add, take: Take
) -> None:
    await board.syncs.mirror("backlog", [entry("A-1", services=("s",), skills=("css",))])
    await board.syncs.mirror("backlog", [entry("A-1", skills=("python",), assignee="leo")])
    (task,) = await board.tasks.find()
    assert (task.skills, task.services, task.assignee) == (("python",), (), "leo")
    won = await take("leo", skills=["python"])
    await board.syncs.mirror("backlog", [entry("A-1", assignee="sam")])
    assert (await board.tasks.get(won.task.id)).assignee == "leo"


async def test_a_lost_ticket_ends_the_attempt_and_comes_back_when_it_is_free(
    board: Board, take: Take
) -> None:
    await board.syncs.mirror("backlog", [entry("A-1", services=("s",))])
    won = await take()
    await board.tickets.needs_not(won.task.id, "s")
    assert (await board.tasks.get(won.task.id)).services == ()
    await board.tickets.note("A-1", {"taken_by": "ada", "open": False})
    assert (await board.tickets.entries(["A-1", "A-2"]))["A-1"]["taken_by"] == "ada"
    await board.tickets.lose(won.attempt, kind="ticket.taken", reason="taken", data={"by": "ada"})
    assert (await board.tasks.get(won.task.id)).state is TaskState.CANCELLED
    with pytest.raises(LeaseLost):
        await board.tickets.lose(won.attempt, kind="ticket.taken", reason="taken", data={})
    await board.syncs.mirror("backlog", [entry("A-1", services=("s",))])
    back = await board.tasks.get(won.task.id)
    assert (back.state, back.services) == (TaskState.PENDING, ("s",))


@pytest.mark.parametrize("how", ["early", "late", "started", "never said"])
async def test_only_what_was_read_after_our_word_arrived_was_opened_again(
    board: Board, service: Service, take: Take, how: str
) -> None:
    await board.syncs.mirror("backlog", [entry("A-1")])
    won = await take()
    verb = service.verb(name="set_state")
    if how != "never said":
        state = "review" if how == "started" else "done"
        await board.effects.once(won.attempt, verb, "A-1", {"state": state})
    await board.attempts.complete(won.attempt)
    read = await board.clock.now() + (4 if how == "early" else 6)
    await board.syncs.mirror("backlog", [entry("A-1", read_at=read, started=how == "started")])
    tasks = await board.tasks.find()
    assert len(tasks) == (2 if how == "late" else 1)
    if how == "late":
        assert sorted(str(one.ref) for one in tasks) == ["A-1", "A-1~"]


async def test_a_nudge_is_seen_by_all(board: Board) -> None:
    assert await board.syncs.nudged_at("backlog") is None
    await board.syncs.nudge("backlog")
    first = await board.syncs.nudged_at("backlog")
    await board.clock.advance(3)
    await board.syncs.nudge("backlog")
    assert first is not None
    assert await board.syncs.nudged_at("backlog") == first + 3


async def test_an_unsettled_effect_can_be_left_too(
    board: Board, service: Service, add: Add, take: Take
) -> None:
    await add("work")
    attempt = (await take()).attempt
    service.answers = [ServiceError("Lost.")]
    with pytest.raises(EffectUnsettled):
        await board.effects.once(attempt, service.verb(), "A-1", "done")
    await board.deferred.leave(attempt, service.verb(), "A-1")
    await board.attempts.complete(attempt)
    assert await board.deferred.perform(Verbs(service.verb())) == 1
