"""A service that cannot be used costs only the work that needs it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from neveridle.board import AttemptState, EffectState, NewTask, Source, TaskState
from neveridle.board.breaker import BreakerState
from neveridle.board.effect import Safety
from neveridle.errors import ServiceUnavailable
from neveridle.graph.sources.tracker import Ticket
from neveridle.settings.services import GitHubSettings
from neveridle.tools.effects import Performer, Verb, service_tool
from neveridle.tools.services import ServiceHttp, ServiceKit


class Service:
    """What it answers, one after the other and then 200s; and what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.asked: list[str] = []
        self.url = ""


@pytest.fixture
def service() -> Generator[Service]:
    one = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            one.asked.append(f"{self.command} {self.path}")
            status, headers = one.answers.pop(0) if one.answers else (200, {})
            data = json.dumps({"status": status}).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    one.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield one
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
async def connect(service: Service) -> AsyncGenerator[Callable[[Any], ServiceHttp]]:
    """Makes a client of the service on an open team's board."""
    made: list[ServiceHttp] = []

    def make(team: Any) -> ServiceHttp:
        settings = GitHubSettings(url=service.url, attempts=1)
        kit = ServiceKit(team.board.breakers, team.board.clock, {"GITHUB_TOKEN": "t"})
        made.append(ServiceHttp(kit.guard(settings), service.url, headers={}))
        return made[-1]

    yield make
    for one in made:
        await one.aclose()


LIMITED = (429, {"Retry-After": "600"})


def calling(http: ServiceHttp, then: Any) -> Any:
    """What an agent does that asks the service first."""

    async def act(assignment: Any) -> Any:
        await http.request("GET", f"/{assignment.task.id}")
        return await then(assignment)

    return act


async def anything(hands: Any, assignment: Any) -> Any:
    name = f"{assignment.task.id}.txt"
    return await hands.leave({name: "done\n"})(assignment)


async def test_a_limited_service_is_learnt_to_be_needed_and_other_work_goes_on(
    project: Any, hands: Any, service: Service, connect: Any
) -> None:
    await project.script()
    service.answers = [LIMITED]
    async with project.team(worker=hands) as team:
        http = connect(team)
        hands.do("Needs it", calling(http, partial(anything, hands)))
        task = await team.dispatch("sam", "Needs it", priority="high")
        other = await team.dispatch("sam", "Other")
        first = await team.run(until="idle", ticks=2)
        learnt = await team.board.tasks.get(task.id)
        (held,) = await team.board.readiness.blocked({"sam": {"python"}})
        (event,) = await team.board.events.find(kind="task.needs_service")

        assert first.endings == {"released": 1, "completed": 1}
        assert (learnt.state, learnt.services, learnt.failures) == (
            TaskState.PENDING, ("github",), 0,
        )  # fmt: skip
        assert (await team.board.tasks.get(other.id)).state is TaskState.COMPLETED
        assert "needs github, which cannot be used: github answered 429" in held.reasons[0].why
        assert (event.task_id, event.data["service"]) == (task.id, "github")
        assert len(service.asked) == 1

        await team.board.clock.advance(601)
        second = await team.run(until="idle", timeout=60)
        attempts = await team.board.attempts.of(task.id)
        tasks = await team.board.tasks.find()
    assert second.endings == {"completed": 1}
    assert [(one.state, one.number) for one in attempts] == [
        (AttemptState.RELEASED, 1),
        (AttemptState.COMPLETED, 1),
    ]
    assert len(tasks) == 2  # no peer was asked


async def test_a_run_waits_for_the_reset_and_wakes_who_rests(
    project: Any, hands: Any, service: Service, connect: Any
) -> None:
    # Long enough for a busy machine to rest before it is over: who never rested is not woken.
    service.answers = [(429, {"Retry-After": "2.5"})]
    async with project.team(worker=hands) as team:
        hands.do("*", calling(connect(team), partial(anything, hands)))
        await team.dispatch("sam", "Needs it")
        report = await team.run(until="idle", timeout=60)
        due = await team.board.events.find(kind="service.due")
    assert report.endings == {"released": 1, "completed": 1}
    assert len(service.asked) == 2
    assert len(due) == 1


async def test_rejected_credentials_are_one_alert_for_all_the_tasks_that_need_them(
    project: Any, hands: Any, service: Service, connect: Any
) -> None:
    service.answers = [(401, {})]
    async with project.team(worker=hands) as team:
        hands.do("*", calling(connect(team), partial(anything, hands)))
        for number in range(5):
            await team.dispatch("sam", f"Needs it {number}")
        await team.board.tasks.add(
            NewTask(source=Source.BACKLOG, title="Declared", services=("github",))
        )
        first = await team.run(until="idle", timeout=60)
        said = [one.content for one in await team.board.messages.latest("dev")]
        states = {one.state for one in await team.board.tasks.find()}

        assert first.endings == {"released": 5}
        assert (first.stopped, first.problems, states) == ({}, [], {TaskState.PENDING})
        assert len(said) == 1
        assert "@human github is held" in said[0]
        assert len(service.asked) == 1

        await team.board.breakers.reset("github")
        second = await team.run(until="idle", timeout=60)
    assert second.endings == {"completed": 6}


async def test_a_permission_that_is_missing_is_for_a_person_and_closes_nothing(
    project: Any, hands: Any, service: Service, connect: Any
) -> None:
    service.answers = [(403, {})]
    async with project.team(worker=hands) as team:
        hands.do("Needs it", calling(connect(team), partial(anything, hands)))
        task = await team.dispatch("sam", "Needs it")
        report = await team.run(until="idle", timeout=60)
        blocked = await team.board.tasks.get(task.id)
        breaker = await team.board.breakers.get("github")
    assert report.endings == {"blocked": 1}
    assert (blocked.state, blocked.blocked_owner) == (TaskState.BLOCKED, "human")
    assert "the right to do this" in blocked.blocked_action
    assert breaker.state is BreakerState.CLOSED


async def test_a_service_without_an_open_breaker_is_a_hiccup(project: Any, hands: Any) -> None:
    await project.script()
    hands.do("Fix", hands.fail(ServiceUnavailable("It was open.", service="github")))
    async with project.team(worker=hands) as team:
        task = await team.dispatch("sam", "Fix")
        report = await team.run(until="idle", ticks=1)
        waiting = await team.board.tasks.get(task.id)
    assert report.endings == {"parked": 1}
    assert (waiting.state, waiting.waiting_on, waiting.services) == (
        TaskState.WAITING, "retry", (),
    )  # fmt: skip


async def test_a_conversation_goes_on_with_the_call_that_the_service_refused(
    project: Any, service: Service, connect: Any
) -> None:
    await project.script()
    service.answers = [LIMITED]
    key = "dispatch:comment"
    comment = project.call("comment", text="I am at it.")
    project.says(key, comment, project.write("a.txt", "a\n"), project.done())
    clients: list[ServiceHttp] = []

    async def call(asked: Any) -> Any:
        answer = await clients[0].request("POST", "/comments", body={"text": asked.request})
        return answer.json()

    verb = Verb(
        service="github", name="comment", safety=Safety.AT_LEAST_ONCE, identity="content", call=call
    )

    def tools(performer: Performer) -> Any:
        async def comment(text: str) -> str:
            """Comment on a ticket.

            Args:
                text: What to say.
            """
            return str((await performer.once(verb, "A-1", text)).result)

        return [service_tool(comment)]

    async with project.team() as team:
        clients.append(connect(team))
        team.verbs.add(verb)
        team.tool_makers.append(tools)
        task = await team.dispatch("sam", "Comment")
        first = await team.run(until="idle", ticks=1)
        learnt = (await team.board.tasks.get(task.id)).services
        await team.board.clock.advance(601)
        second = await team.run(until="idle")
        (effect,) = await team.board.effects.find()
    assert (first.endings, second.endings) == ({"released": 1}, {"completed": 1})
    assert (first.model_calls, second.model_calls) == (1, 2)
    assert learnt == ("github",)
    assert (effect.state, effect.calls, len(service.asked)) == (EffectState.DONE, 1, 2)


async def test_who_hands_over_hands_over_the_needs(project: Any, hands: Any) -> None:
    project.soul("leo")
    handoff = {"to": "leo", "action": "finish it"}
    half = hands.leave({"half.txt": "x\n"}, status="handed_off", handoff=handoff)
    async with project.team(worker=hands) as team:
        hands.do("Needs it", half)
        task = await team.dispatch("sam", "Needs it", services=("GitHub ",))
        await team.run(until="idle", timeout=60)
        (following,) = [one for one in await team.board.tasks.find() if one.continues == task.id]
    assert (task.services, following.services) == (("github",), ("github",))


class Down:
    """A tracker whose breaker is open."""

    name = "far"

    def __init__(self) -> None:
        self.http: ServiceHttp | None = None
        self.tried = 0

    async def changed(self, token: str) -> str | None:
        """Ask it."""
        if self.http is None:
            return None
        self.tried += 1
        await self.http.request("GET", "/state")
        return str(self.tried)

    async def tickets(self) -> list[Ticket]:
        """One ticket."""
        return [Ticket(ref="F-1", title="Of the tracker")]

    async def create(self, ticket: Ticket) -> str:
        """Never asked for here."""
        raise NotImplementedError

    async def set_state(self, task: Any, state: str) -> None:
        """Nothing."""

    async def comment(self, task: Any, text: str) -> None:
        """Nothing."""


async def test_a_tracker_that_is_away_is_passed_over_and_its_mirror_is_worked_on(
    project: Any, hands: Any, service: Service, connect: Any
) -> None:
    tracker = Down()
    service.answers = [LIMITED]
    async with project.team(worker=hands, tracker=tracker) as team:
        await team.board.tasks.add(
            NewTask(source=Source.BACKLOG, title="Mirrored", ref="far:F-0", ticket="F-0")
        )
        tracker.http = connect(team)
        team.sources.stale = True
        report = await team.run(until="idle", timeout=60)
        team.sources.stale = True
        await team.sources.refresh()
    assert report.endings == {"completed": 1}
    assert report.problems == []
    assert (tracker.tried > 1, len(service.asked)) == (True, 1)


async def test_an_agent_whose_provider_is_away_takes_no_task_and_the_others_go_on(
    project: Any, api: Any
) -> None:
    project.soul("leo")
    api.use(project)
    project.use("model", attempts=1)
    project.settings["agents"] = {"leo": {"model": "replay:recording.jsonl"}}
    for number in (1, 2):
        api.says(f"Fix {number}", 429)
        project.says(f"backlog:fix-{number}", project.write(f"{number}", "x\n"), project.done())
    api.says("For sam", 429)
    await project.script()
    async with project.team() as team:
        await team.dispatch("sam", "For sam")
        first = await team.run(until="idle", ticks=1, agents=["sam"])
        breaker = await team.board.breakers.get("openai")
        for number in (1, 2):
            await team.board.tasks.add(NewTask(source=Source.BACKLOG, title=f"Fix {number}"))
        state = await team.graph.ainvoke({"agent": "sam"})
        running = asyncio.create_task(team.run(until="idle"))
        while (await team.board.tasks.counts())[TaskState.COMPLETED] < 2:  # noqa: ASYNC110 - a board
            await asyncio.sleep(0.01)
        task = await team.board.tasks.get(1)

        assert first.endings == {"released": 1}
        assert breaker.state is BreakerState.OPEN
        assert state["path"] == ["heartbeat", "rest"]
        assert (task.state, task.services, len(api.asked)) == (TaskState.PENDING, (), 1)

        api.says("For sam", api.tool("write_file", path="s.txt", content="s\n"), api.outcome())
        await team.board.clock.advance(21)
        second = await running
    assert second.endings == {"completed": 3}
    assert {line.agent for line in second.attempts[:2]} == {"leo"}


async def test_another_process_hears_of_a_provider_before_it_takes_a_task(
    project: Any, api: Any
) -> None:
    api.use(project)
    async with project.team() as team:
        await team.dispatch("sam", "Fix")
        permit = await team.board.breakers.admit("openai", _policy())
        await team.board.breakers.failed(permit, _policy(), "limited", wait=600, health=False)
        state = await team.graph.ainvoke({"agent": "sam"})
        attempts = await team.board.attempts.of(1)
    assert state["path"][-2:] == ["claim", "rest"]
    assert (attempts, api.asked) == ([], [])


def _policy() -> Any:
    from neveridle.board.breaker import BreakerPolicy

    return BreakerPolicy()
