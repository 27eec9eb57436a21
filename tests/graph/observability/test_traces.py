"""One trace leads from a tick to model call, tool call and service request; nothing else shows."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from neveridle.errors import ServiceError
from neveridle.tools.standin.github import GitHubStandin

CLIENT = 3
ERROR = 2
TOKEN = "ghp_of_the_test_0123456789abcdef"
PLAN = "Conquer the market with purple umbrellas"
WORDS = "We shall say that umbrellas are purple"
SECRET = "correct-horse-battery-staple-77"


@pytest.fixture
def github(project: Any, monkeypatch: pytest.MonkeyPatch) -> Generator[GitHubStandin]:
    """GitHub, with one issue."""
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    with GitHubStandin(token=TOKEN) as standin:
        standin.state.open_issue("An issue")
        project.use("services", github={"url": standin.url, "repository": "octo/demo"})
        yield standin


async def worked(project: Any, title: str = "Fix", **how: Any) -> Any:
    """What comes of a run with one task."""
    async with project.team(**how) as team:
        await team.dispatch("sam", title, description=f"{PLAN}, key {SECRET}.", needs_change=False)
        return await team.run(until="idle")


async def test_one_trace_leads_from_a_tick_to_model_tool_and_service(
    project: Any, api: Any, collector: Any, sending: Callable[..., Any], github: GitHubStandin
) -> None:
    api.use(project)
    api.says("Fix", api.tool("github_comment", number=1, text=WORDS), api.outcome())
    delivery = sending()

    report = await worked(project)
    delivery.close()

    assert report.endings == {"completed": 1}
    tick = collector.named("tick")
    assert tick.parent == b""
    assert {one.trace for one in collector.spans} == {tick.trace}
    assert {one["service.name"] for one in collector.resources} == {"neveridle"}
    assert {one["neveridle.team"] for one in collector.resources} == {"test"}
    assert collector.tree(tick) == {
        "claim": {},
        "work": {
            "invoke_agent sam": {
                "chat scripted": {},
                "execute_tool github_comment": {
                    one.method: dict[str, Any]() for one in github.requests
                },
            }
        },
        "verify": {},
        "deliver": {},
        "reflect": {},
    }
    facts = {"gen_ai.agent.name": "sam", "neveridle.task": 1, "neveridle.attempt": 1}
    facts |= {"neveridle.fence": 1, "neveridle.rung": "dispatch"}
    assert facts.items() <= tick.facts.items()
    assert tick.facts["neveridle.ending"] == "completed"
    assert tick.ended >= max(one.ended for one in collector.spans)
    chats = [one for one in collector.spans if one.name == "chat scripted"]
    assert len(chats) == 2
    for chat in chats:
        assert chat.kind == CLIENT
        assert chat.facts == {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "scripted",
            "gen_ai.response.model": "scripted",
            "gen_ai.response.finish_reasons": ["tool_calls"],
            "gen_ai.usage.input_tokens": 5,
            "gen_ai.usage.output_tokens": 2,
            "neveridle.purpose": "work",
        }
    tool = collector.named("execute_tool github_comment")
    assert tool.facts == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "github_comment",
        "gen_ai.tool.call.id": "call-1",
        "gen_ai.tool.type": "function",
    }
    asked = [one for one in collector.spans if one.name == "POST"]
    assert asked[0].kind == CLIENT
    assert asked[0].facts == {
        "http.request.method": "POST",
        "http.response.status_code": 201,
        "neveridle.service": "github",
        "server.address": "127.0.0.1",
        "server.port": int(github.url.rpartition(":")[2]),
    }


async def test_nothing_of_prompts_arguments_answers_and_secrets_is_sent(
    project: Any,
    api: Any,
    collector: Any,
    sending: Callable[..., Any],
    github: GitHubStandin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTHER_TOKEN", SECRET)
    api.use(project)
    api.says(
        "Fix",
        api.tool("github_comment", number=1, text=f"{WORDS} {SECRET}"),
        api.tool("read_file", path=f"{WORDS}.txt"),
        api.tool(WORDS, key=SECRET),
        api.outcome(summary=WORDS),
    )
    delivery = sending()

    report = await worked(project)
    delivery.close()

    assert report.endings == {"completed": 1}
    everything = b"".join(body for _, body, _ in collector.bodies)
    assert b"execute_tool read_file" in everything
    told = (PLAN, WORDS, SECRET, TOKEN, "umbrellas", "octo", "a-key-of-the-test-1", "Fix", ".txt")
    for one in told:
        assert one.encode() not in everything, one
    assert not any(span.events for span in collector.spans)


async def test_a_tool_that_the_model_made_up_is_told_apart_from_real_ones(
    project: Any, api: Any, collector: Any, sending: Callable[..., Any]
) -> None:
    api.use(project)
    api.says("Fix", api.tool("Please read: " + WORDS), api.outcome())
    delivery = sending()

    async with project.team() as team:
        await team.dispatch("sam", "Fix")
        await team.run(until="idle")
        events = await team.board.events.find(kind="tool.call")
    delivery.close()

    assert [(one.data["tool"], one.data["ok"]) for one in events] == [("unknown", False)]
    assert collector.named("execute_tool unknown").status == ERROR


async def test_ticks_without_work_make_no_span(
    project: Any, collector: Any, sending: Callable[..., Any], hands: Any
) -> None:
    delivery = sending()
    async with project.team(worker=hands) as team:
        for _ in range(5):
            report = await team.run(until="idle", ticks=3)
            assert report.endings == {}
    delivery.close()

    assert collector.spans == []


async def test_a_model_call_that_fails_says_how_and_not_why(
    project: Any, api: Any, collector: Any, sending: Callable[..., Any]
) -> None:
    api.use(project)
    api.says("Fix", 400)
    delivery = sending()

    report = await worked(project)
    delivery.close()

    assert "completed" not in report.endings
    chats = [one for one in collector.spans if one.name == "chat scripted"]
    assert chats
    for one in chats:
        assert one.status == ERROR
        assert one.facts["error.type"].split(".")[0] in ("openai", "langchain_openai")
    assert b"status 400" not in b"".join(body for _, body, _ in collector.bodies)


async def test_every_request_of_one_model_call_has_a_span_of_its_own(
    project: Any, api: Any, collector: Any, sending: Callable[..., Any]
) -> None:
    api.use(project)
    api.says("Fix", 503, api.outcome())
    delivery = sending()

    report = await worked(project)
    delivery.close()

    assert report.endings == {"completed": 1}
    chats = [one for one in collector.spans if one.name == "chat scripted"]
    assert [(one.status == ERROR, "error.type" in one.facts) for one in chats] == [
        (True, True),
        (False, False),
    ]


async def test_a_resumed_attempt_links_to_the_one_before_it(
    project: Any, collector: Any, sending: Callable[..., Any], hands: Any
) -> None:
    """Also where the two were worked on by teams that know nothing of each other."""
    await project.script()
    hands.do(
        "Fix", hands.fail(ServiceError("Away.", service="x", wait=60.0)), hands.leave({"a": "b"})
    )
    delivery = sending()
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        first = await team.run(until="idle", ticks=1)
    async with project.team(worker=hands) as team:
        await team.board.clock.advance(100_000)
        await team.keeper.sweep()
        second = await team.run(until="idle", ticks=1)
    delivery.close()

    assert [next(iter(one.endings)) for one in (first, second)] == ["parked", "completed"]
    before, after = [one for one in collector.spans if one.name == "tick"]
    assert before.trace != after.trace
    assert before.links == []
    assert after.links == [(before.trace, before.id)]
    assert (before.facts["neveridle.ending"], after.facts["neveridle.resumes"]) == ("parked", 1)
    assert before.facts["neveridle.run"] != after.facts["neveridle.run"]


async def test_an_attempt_that_is_cancelled_ends_its_trace(
    project: Any,
    collector: Any,
    sending: Callable[..., Any],
    hands: Any,
    reaches: Callable[..., Any],
) -> None:
    import asyncio

    begun = asyncio.Event()

    async def hang(assignment: Any) -> Any:
        begun.set()
        await asyncio.Event().wait()

    hands.do("Fix", hang)
    delivery = sending()
    async with project.team(worker=hands) as team:
        await team.dispatch("sam", "Fix")
        run = asyncio.create_task(team.run(until="idle"))
        await reaches(begun, run)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
    delivery.close()

    tick = collector.named("tick")
    assert tick.facts["neveridle.ending"] == "released"
    assert tick.status != ERROR
    assert collector.tree(tick) == {"claim": {}, "work": {"invoke_agent sam": {}}}


async def test_measurements_arrive(
    project: Any, api: Any, collector: Any, sending: Callable[..., Any], github: GitHubStandin
) -> None:
    api.use(project)
    api.says("Fix", api.tool("github_comment", number=1, text=WORDS), api.outcome())
    delivery = sending(traces=False)

    await worked(project)
    delivery.close()

    assert collector.spans == []
    points = collector.points
    tokens = {
        labels["gen_ai.token.type"]: (point.count, point.sum, labels["gen_ai.response.model"])
        for labels, point in points["gen_ai.client.token.usage"]
    }
    assert tokens == {"input": (2, 10, "scripted"), "output": (2, 4, "scripted")}
    ((labels, point),) = points["gen_ai.client.operation.duration"]
    assert point.count == 2
    assert list(point.explicit_bounds)[:3] == [0.01, 0.02, 0.04]
    assert labels == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "scripted",
        "gen_ai.response.model": "scripted",
    }
    ((labels, point),) = points["neveridle.tasks"]
    assert (labels, point.as_int) == (
        {"neveridle.ending": "completed", "neveridle.rung": "dispatch"},
        1,
    )
    ((_, point),) = points["neveridle.attempts.active"]
    assert point.as_int == 0
    requests = sum(point.count for _, point in points["http.client.request.duration"])
    assert requests == len(github.requests)
