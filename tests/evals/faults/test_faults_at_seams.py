"""Faults at the seams: services without sockets, and models, in simulated time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import TypeAdapter

from neveridle.board.simulation import run_simulated
from neveridle.errors import ModelMistake, NeveridleError, RateLimited, ServiceError
from neveridle.evals.faults.diary import Diary
from neveridle.evals.faults.model_faults import ModelFaults
from neveridle.evals.faults.plan import Fault
from neveridle.evals.faults.service_faults import FaultyTransport, ServiceFaults
from neveridle.evals.faults.standins import TOKEN, LinearState
from neveridle.tools.linear import documents
from neveridle.tools.models import classify_model_error
from neveridle.tools.recording import Scope
from neveridle.tools.standin.transport import StandinTransport

NOW = 1_767_603_600.0
START = {
    "team": "AGT",
    "issues": [
        {"title": "Write a", "labels": ["ada"], "comments": [{"body": "soon?"}]},
        {"title": "Read b", "state": "Backlog", "blocks": ["AGT-1"]},
    ],
}
FAULT: TypeAdapter[Any] = TypeAdapter(Fault)


class Killed(NeveridleError):
    """In place of a real kill."""


def killed(said: str) -> NoReturn:
    raise Killed(said)


@pytest.fixture
def linear(tmp_path: Path) -> LinearState:
    start = tmp_path / "linear.json"
    start.write_text(json.dumps(START), encoding="utf-8")
    return LinearState(start, tmp_path / "kept.json", lambda: NOW)


@pytest.fixture
def ask(linear: LinearState, tmp_path: Path) -> Callable[..., Any]:
    """Asks the stand-in, with a fault; the answer or the error, and the seconds it took."""
    diary = Diary(tmp_path / "diary")

    def asked(**fault: Any) -> tuple[Any, float]:
        made = FAULT.validate_python({"kind": "service", "service": "linear", **fault})
        kill = made.kind == "kill"
        faults = ServiceFaults(
            faults=[] if kill else [("f", made)], kills=[("k", made)] if kill else [],
            diary=diary, elapsed=lambda: 0.0, now=lambda: NOW, kill=killed, armed=lambda: True,
        )  # fmt: skip
        body = {
            "query": documents.COMMENT.document, "operationName": documents.COMMENT.name,
            "variables": {"input": {"id": "c1", "issueId": "AGT-1", "body": "done"}},
        }  # fmt: skip

        async def main() -> tuple[Any, float]:
            transport = FaultyTransport(StandinTransport(linear.standin), "linear", faults)
            async with httpx.AsyncClient(transport=transport, timeout=30) as client:
                headers = {"Authorization": TOKEN}
                try:
                    found: Any = await client.post("https://x.example/", json=body, headers=headers)
                except (httpx.HTTPError, Killed) as error:
                    found = error
                return found, asyncio.get_running_loop().time()

        return run_simulated(main)

    return asked


def comments(linear: LinearState) -> list[str]:
    return [one["body"] for one in linear.state()["issues"][0]["comments"]]


def test_without_a_fault_it_answers_and_no_socket_is_open(
    ask: Callable[..., Any], linear: LinearState
) -> None:
    answer, seconds = ask(on="Other", answer="5xx")
    assert (answer.status_code, seconds) == (200, 0.0)
    assert answer.headers["date"] == "Mon, 05 Jan 2026 09:00:00 GMT"
    assert comments(linear) == ["soon?", "done"]
    assert not linear.standin.listens
    assert linear.standin.url.startswith("http://127.0.0.1:")
    assert linear.standin.listens
    linear.standin.close()


@pytest.mark.parametrize(
    ("fault", "kind", "seconds", "done"),
    [
        ({"answer": "429", "retry_after": 7}, 429, 0, False),
        ({"answer": "5xx"}, 502, 0, False),
        ({"answer": "5xx", "status": 503, "done": True}, 503, 0, True),
        ({"answer": "4xx", "status": 409}, 409, 0, False),
        ({"answer": "malformed"}, 200, 0, True),
        ({"answer": "slow", "seconds": 20}, 200, 20, True),
        ({"answer": "slow", "seconds": 99}, httpx.ReadTimeout, 30, True),
        ({"answer": "timeout"}, httpx.ReadTimeout, 30, False),
        ({"answer": "dropped"}, httpx.RemoteProtocolError, 0, True),
        ({"answer": "refused"}, httpx.ConnectError, 0, False),
        ({"kind": "kill"}, Killed, 0, False),
        ({"kind": "kill", "when": "after"}, Killed, 0, True),
    ],
)
def test_a_service_answers_as_planned(
    ask: Callable[..., Any], linear: LinearState, fault: dict[str, Any], kind: Any, seconds: float,
    done: bool,
) -> None:  # fmt: skip
    place = {"request": "NeveridleComm*"} if fault.get("kind") else {"on": "NeveridleComm*"}
    answer, took = ask(**fault, **place)
    if isinstance(kind, int):
        assert answer.status_code == kind
        assert answer.headers.get("retry-after") == ("7" if "retry_after" in fault else None)
        if fault["answer"] == "malformed":
            with pytest.raises(ValueError, match="Expecting"):
                answer.json()
    else:
        assert type(answer) is kind
    assert took == seconds
    assert ("done" in comments(linear)) is done


def test_a_stand_in_goes_on_where_a_killed_process_left_it(
    ask: Callable[..., Any], linear: LinearState, tmp_path: Path
) -> None:
    ask(on="Other", answer="5xx")
    linear.standin.store.change("AGT-1", state="Done")
    linear.save()
    again = LinearState(tmp_path / "linear.json", tmp_path / "kept.json", lambda: NOW)
    assert again.state() == linear.state()
    assert again.standin.store.add("New") == "AGT-3"
    assert [one["name"] for one in again.requests()] == ["NeveridleComment"]
    assert again.find("read") == "AGT-2"


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., Any]:
    """Calls a model at its second step, with a fault; what came of it, and the seconds."""
    diary = Diary(tmp_path / "models")

    def called(**fault: Any) -> tuple[Any, float]:
        made = FAULT.validate_python({"kind": "model", **fault})
        kill = made.kind == "kill"
        faults = ModelFaults(
            faults=[] if kill else [("f", made)], kills=[("k", made)] if kill else [],
            diary=diary, elapsed=lambda: 0.0, title=lambda key: "Write a", kill=killed,
            armed=lambda: True,
        )  # fmt: skip

        async def main() -> tuple[Any, float]:
            inner = FakeListChatModel(responses=["right"])
            model = faults.wrap(inner, Scope("dispatch:1", 1, "work", "ada"))
            try:
                found: Any = await model.ainvoke([HumanMessage("a"), AIMessage("b")])
            except Killed as error:
                found = error
            except Exception as error:  # noqa: BLE001 - classified as the product does
                found = classify_model_error(error)
            return found, asyncio.get_running_loop().time()

        return run_simulated(main)

    return called


@pytest.mark.parametrize(
    "fault",
    [
        {"answer": "empty", "step": 3},
        {"answer": "empty", "task": "Read *"},
        {"answer": "empty", "agent": "bob"},
        {"answer": "empty", "purpose": "learn"},
        {"answer": "empty", "attempt": 2},
        {"kind": "kill", "node": "work step 1"},
    ],
)
def test_what_does_not_fit_a_call_leaves_it_alone(
    call: Callable[..., Any], fault: dict[str, Any]
) -> None:
    assert call(**fault)[0].text == "right"


@pytest.mark.parametrize(
    ("fault", "kind", "seconds"),
    [
        ({"answer": "429", "retry_after": 7}, RateLimited, 0),
        ({"answer": "5xx"}, ServiceError, 0),
        ({"answer": "timeout", "seconds": 9}, ServiceError, 9),
        ({"answer": "exceeds-context"}, ModelMistake, 0),
        ({"kind": "kill", "node": "work step 2"}, Killed, 0),
    ],
)
def test_a_provider_fails_as_planned(
    call: Callable[..., Any], fault: dict[str, Any], kind: type[BaseException], seconds: float
) -> None:
    found, took = call(task="write *", **fault)
    assert type(found) is kind
    assert took == seconds
    assert getattr(found, "wait", None) == (7 if fault.get("retry_after") else None)


def test_a_model_answers_as_planned(call: Callable[..., Any]) -> None:
    assert call(answer="refuses", text="No.", task="dispatch:1")[0].text == "No."
    assert call(answer="empty", times=2)[0].text == ""
    looped = call(answer="loops", tool="read_file", args={"path": "a"}, times=3)[0]
    assert looped.tool_calls[0]["args"] == {"path": "a"}
    broken = call(answer="broken-tool-call", times=4)[0]
    assert broken.invalid_tool_calls[0]["name"] == "read_file"
    assert not broken.tool_calls
    unknown = call(answer="broken-tool-call", broken="unknown-tool", times=5)[0]
    assert unknown.tool_calls[0]["name"] == "read_file_of_nobody"
    found, took = call(answer="slow", seconds=12, times=6)
    assert (found.text, took) == ("right", 12)
