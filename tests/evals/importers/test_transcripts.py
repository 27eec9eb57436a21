"""Plain transcripts become a recording that the worker goes through."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from neveridle.evals.importers.conversation import Call, read_conversation
from neveridle.evals.importers.owned import OWN
from neveridle.tools.recording import Recording, ReplayChatModel, Scope
from neveridle.tools.repository import repository_tools

KEY = "dispatch:count-the-files-please"


def called(*calls: tuple[str, Any], content: Any = None) -> dict[str, Any]:
    made = [
        {"id": f"call-{at}", "type": "function", "function": {"name": name, "arguments": args}}
        for at, (name, args) in enumerate(calls)
    ]
    return {"role": "assistant", "content": content, "tool_calls": made}


def result(at: int, text: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": f"call-{at}", "content": text}


TALK: list[dict[str, Any]] = [
    {"role": "system", "content": "You count."},
    {"role": "user", "content": [{"type": "text", "text": "Count the files, please."}]},
    called(("list_files", "{}"), ("weigh", '{"what": "files"}'), content="I look."),
    result(1, "3 kg"),
    result(0, "a\nb"),
    {"role": "assistant", "content": "In this folder?"},
    {"role": "user", "content": "Yes."},
    {"role": "assistant", "content": "There are two."},
]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (json.dumps(TALK), 1),
        (json.dumps({"messages": TALK}, indent=2), 1),
        (json.dumps([TALK, {"messages": TALK}], indent=1), 2),
        (f"{json.dumps(TALK)}\n\n{json.dumps({'messages': TALK, 'model': 'm'})}\n", 2),
        ("\n".join(map(json.dumps, TALK)), 1),
    ],
    ids=["messages", "object", "list", "lines", "messages-by-line"],
)
def test_a_transcript_becomes_a_recording_that_the_worker_goes_through(
    tmp_path: Path, invoke: Callable[..., Any], text: str, count: int
) -> None:
    (tmp_path / "talk.json").write_text(text)
    into = tmp_path / "made" / "here"
    ended = invoke("transcript", tmp_path / "talk.json", "--into", into, "--json")
    assert (ended.code, ended.facts["passed"]) == (0, True)
    first, *more = ended.facts["conversations"]
    assert len(more) == count - 1
    assert (first["key"], first["steps"], first["replayed"]) == (KEY, 3, True)
    assert first["tools"] == {"list_files": 1, "weigh": 1, "respond": 1}
    assert first["foreign"] == {"weigh": 1, "respond": 1}
    assert {one["key"] for one in more} == (
        {"dispatch:2-count-the-files-please"} if more else set()
    )
    recording = Recording.load(Path(ended.facts["recording"]))
    assert recording.calls == 3 * count
    model = ReplayChatModel(recording=recording, scope=Scope(KEY, 1, "work"))
    answer = model.invoke([HumanMessage("Count the files, please.")])
    assert answer.text == "I look."
    assert [(call["name"], call["args"]) for call in answer.tool_calls] == [
        ("list_files", {}), ("weigh", {"what": "files"}),
    ]  # fmt: skip
    last = model.invoke([HumanMessage("x"), AIMessage("1"), AIMessage("2")])
    assert last.tool_calls[0]["args"] == {"status": "completed", "summary": "There are two."}


def test_a_conversation_that_cannot_be_read_is_said_and_the_others_are_made(
    tmp_path: Path, invoke: Callable[..., Any]
) -> None:
    lines = [TALK, [called(("list_files", "{"))], [TALK[0]], 7]
    text = "\n".join([*map(json.dumps, lines), '{"messages": ['])
    (tmp_path / "talk.jsonl").write_text(text)
    ended = invoke("transcript", tmp_path / "talk.jsonl", "--into", tmp_path / "into", "--json")
    assert (ended.code, ended.facts["passed"]) == (1, False)
    said = [one["error"] for one in ended.facts["conversations"]]
    assert said[0] == ""
    for part, error in zip(
        ("arguments that are no JSON", "no answer of an assistant", "no messages", "is no JSON"),
        said[1:],
        strict=True,
    ):
        assert part in error
    assert Recording.load(tmp_path / "into" / "recording.jsonl").calls == 3


def test_what_cannot_be_made_is_refused_and_nothing_is_overwritten(
    tmp_path: Path, invoke: Callable[..., Any]
) -> None:
    talk, into = tmp_path / "talk.json", tmp_path / "into"

    def code_of(text: str) -> tuple[int, str]:
        talk.write_text(text)
        ended = invoke("transcript", talk, "--into", into, "--json")
        return ended.code, ended.facts["error"]["code"]

    assert code_of(json.dumps(TALK)[:-20]) == (2, "recording-invalid")
    assert code_of("[]") == (2, "recording-invalid")
    assert code_of('{"choices": []}') == (2, "recording-invalid")
    assert not into.exists()
    into.mkdir()
    (into / "mine.txt").write_text("mine")
    assert code_of(json.dumps(TALK)) == (2, "stage-taken")
    assert [path.name for path in into.iterdir()] == ["mine.txt"]
    talk.unlink()
    ended = invoke("transcript", talk, "--into", into, "--json")
    assert ended.facts["error"]["code"] == "recording-invalid"


@pytest.mark.whole_in_chaos
def test_the_recorded_task_that_was_made_is_played_by_the_team(
    tmp_path: Path, invoke: Callable[..., Any]
) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").write_text("one\n")
    edit = {"path": "a.txt", "old": "one", "new": "two"}
    talk = [
        {"role": "system", "content": 'Say "\x7f\x00" \\ and \ud800.'},
        {"role": "user", "content": "Change it.\nPlease \u2028 now!"},
        called(("edit_file", json.dumps(edit))),
        result(0, "whatever"),
        *[message for _ in range(30) for message in (called(("fly", "{}")), result(0, "away"))],
        {"role": "assistant", "content": "It is changed."},
    ]
    (tmp_path / "talk.json").write_text(json.dumps(talk))
    into = tmp_path / "into"
    made = invoke(
        "transcript", tmp_path / "talk.json", "--into", into, "--repository", tmp_path / "files"
    )
    assert made.code == 0
    assert "fly (30)" in made.out
    played = invoke("run", into, "--folder", tmp_path / "stage", "--json")
    assert (played.code, played.facts["results"][0]["status"]) == (0, "passed")
    diff = subprocess.run(  # the branch that was delivered
        ["git", "-C", str(next((tmp_path / "stage").rglob("project"))), "log", "--all", "-p"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "-one\n+two\n" in diff


def test_messages_are_read_as_they_are_written_by_many() -> None:
    talk = read_conversation(
        [
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": "A"},
            {"role": "user", "content": "B"},
            {"role": "assistant", "content": "", "function_call": {"name": "old", "arguments": ""}},
            {"role": "function", "name": "old", "content": "1"},
            called(("f", '{"n": 1}'), ("f", {"n": 2})) | {"refusal": None},
            {"role": "tool", "tool_call_id": "call-1", "content": [{"type": "text", "text": "2"}]},
            {"role": "assistant", "content": None},
        ],
        "here",
    )
    assert (talk.system, talk.opening) == ("Be brief.", "A\n\nB")
    assert talk.calls == [Call("old", {}, "1"), Call("f", {"n": 2}, "2")]  # one had a result
    assert (talk.turns[-1].text, talk.turns[-1].reply) == ("", None)


def test_tools_that_every_agent_has_are_known_by_name(tmp_path: Path) -> None:
    copy: Any = SimpleNamespace(tree=tmp_path)
    known = {tool.name for tool in repository_tools(copy, copy, timeout=1.0)}
    assert known < set(OWN)
