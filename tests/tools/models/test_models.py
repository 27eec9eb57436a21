"""Which model a scope gets, and what is said when it gets none."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from neveridle.errors import (
    ExtraMissing,
    ModelNotConfigured,
    RecordingInvalid,
    RecordingMismatch,
)
from neveridle.settings import AgentSettings, ModelSettings
from neveridle.tools.models import Models
from neveridle.tools.recording import Recording, RecordingWriter, Scope

SCOPE = Scope("dispatch:1", 1, "work", "sam")
LOOK: dict[str, Any] = {
    "name": "look",
    "description": "Look.",
    "parameters": {"type": "object", "properties": {}},
}


def models(root: Path, agents: dict[str, str] | None = None, **settings: Any) -> Models:
    tables = {name: AgentSettings(model=model) for name, model in (agents or {}).items()}
    return Models(ModelSettings(**settings), tables, root=root)


@pytest.fixture
def authored(tmp_path: Path) -> Path:
    path = tmp_path / "my recordings" / "demo.jsonl"
    path.parent.mkdir()
    provenance = {"kind": "authored", "model": "by hand"}
    lines = [
        {"format": "neveridle-recording", "version": 1, "provenance": provenance},
        {"task": "dispatch:1", "step": 1, "content": "hello"},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def test_the_agents_model_then_the_purposes_then_the_default(tmp_path: Path) -> None:
    made = models(
        tmp_path, {"sam": "openai:sams", "leo": ""}, default="openai:d", learn="ollama:l:8b "
    )

    assert made.name_for("work", "sam") == "openai:sams"
    assert made.name_for("learn", "sam") == "openai:sams"
    assert made.name_for("work", "leo") == "openai:d"
    assert made.name_for("learn", "leo") == "ollama:l:8b"
    assert made.name_for("work", "") == "openai:d"
    assert made.name_for("base_url", "") == "openai:d"


def test_no_model_says_what_to_set(tmp_path: Path) -> None:
    made = models(tmp_path)
    for ask in (made.check, lambda: made.for_scope(SCOPE)):
        with pytest.raises(ModelNotConfigured) as raised:
            ask()
        for word in (
            "`default` in [model]",
            "NEVERIDLE_MODEL__DEFAULT",
            "neveridle demo",
            "openai:",
        ):
            assert word in raised.value.remedy


@pytest.mark.parametrize("name", ["gpt-5", "openai:", ":x", "nobody:x", "azure"])
def test_a_name_that_is_not_understood(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelNotConfigured) as raised:
        models(tmp_path, default=name).check()

    assert repr(name) in raised.value.message or name in raised.value.message
    assert "provider:model" in raised.value.remedy or "anthropic:" in raised.value.remedy


@pytest.mark.parametrize(
    ("name", "package", "install"),
    [
        ("anthropic:claude", "langchain_anthropic", 'pip install "neveridle[anthropic]"'),
        ("ollama:qwen3", "langchain_ollama", 'pip install "neveridle[ollama]"'),
        ("groq:llama", "langchain_groq", "pip install langchain-groq"),
    ],
)
def test_a_missing_package_names_the_extra(
    name: str, package: str, install: str, tmp_path: Path
) -> None:
    if importlib.util.find_spec(package):
        pytest.skip(f"{package} is installed")

    with pytest.raises(ExtraMissing) as raised:
        models(tmp_path, default=name).check()

    assert name in raised.value.message
    assert install in raised.value.remedy


def test_a_missing_key_names_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)

    for base_url in ("", "https://example.com/v1"):
        with pytest.raises(ModelNotConfigured, match="OPENAI_API_KEY"):
            models(tmp_path, default="openai:x", base_url=base_url).check()
    # A server on this machine asks for none.
    models(tmp_path, default="openai:x", base_url="http://127.0.0.1:9/v1").check()
    models(tmp_path, default="openai:x", base_url="http://localhost:9/v1").check()


def test_check_looks_at_the_models_of_all_agents(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-the-test-1")

    models(tmp_path, {"sam": "openai:x"}).check()  # nobody needs a default
    models(tmp_path, {"sam": "openai:x"}).check(["sam"])
    with pytest.raises(ModelNotConfigured, match="'leo'"):
        models(tmp_path, {"sam": "openai:x"}).check(["sam", "leo"])
    with pytest.raises(ModelNotConfigured, match="no-colon"):
        models(tmp_path, {"sam": "openai:x"}, default="openai:y", learn="no-colon").check(["leo"])
    with pytest.raises(ModelNotConfigured, match="'leo'"):
        models(tmp_path, {"sam": "openai:x", "leo": ""}).check()
    with pytest.raises(RecordingInvalid, match="no such recording"):
        models(tmp_path, default="replay:nowhere.jsonl").check()
    with pytest.raises(RecordingInvalid, match="names no recording"):
        models(tmp_path, default="replay:").check()


def test_check_looks_at_the_recording_to_write(
    tmp_path: Path, authored: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-the-test-1")
    made = models(tmp_path, default="openai:x", record=str(authored))

    with pytest.raises(RecordingInvalid, match="authored"):
        made.check()
    models(tmp_path, default="openai:x", record="new/r.jsonl").check()
    assert not (tmp_path / "new").exists()


def test_replay_is_relative_to_the_root_and_loaded_once(tmp_path: Path, authored: Path) -> None:
    made = models(tmp_path, default="replay:my recordings/demo.jsonl", temperature=0.3)

    one, two = made.for_scope(SCOPE), made.for_scope(SCOPE)

    assert one.invoke("hi").content == "hello"
    assert vars(one)["recording"] is vars(two)["recording"]


def test_live_clients_are_made_once_and_told_the_settings(tmp_path: Path, provider: Any) -> None:
    made = models(
        tmp_path,
        {"leo": "openai:tiny-1"},
        default="openai:tiny-1",
        base_url=provider.base_url,
        temperature=0.25,
        max_output_tokens=33,
        timeout=12.5,
    )

    client = made.for_scope(SCOPE)

    assert client is made.for_scope(Scope("dispatch:2", 1, "learn", "leo"))
    assert client.invoke("hi").content == "Hello"
    (asked,) = provider.asked
    assert asked["model"] == "tiny-1"
    assert asked["temperature"] == 0.25
    assert 33 in (asked.get("max_tokens"), asked.get("max_completion_tokens"))
    assert vars(client)["request_timeout"] == 12.5
    assert vars(client)["max_retries"] <= 1


async def test_a_providers_tool_call_is_recorded_and_replayed(
    tmp_path: Path, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a": 1}'}}
    bad = {"id": "c2", "type": "function", "function": {"name": "look", "arguments": '{"a": '}}
    message = {"role": "assistant", "content": None, "tool_calls": [good, bad]}
    provider.answer = {
        **provider.answer,
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}],
    }
    settings: dict[str, Any] = {
        "default": "openai:tiny-1",
        "base_url": provider.base_url,
        "temperature": 0.0,
    }
    live = models(tmp_path, record="recorded/run.jsonl", **settings).for_scope(SCOPE)
    ask = [{"role": "user", "content": "look around"}]

    recorded = await live.bind_tools([LOOK], tool_choice="any").ainvoke(ask)
    calls = len(provider.asked)
    monkeypatch.delenv("OPENAI_API_KEY")
    made = models(tmp_path, default="replay:recorded/run.jsonl", temperature=0.0)
    replayed = await made.for_scope(SCOPE).bind_tools([LOOK], tool_choice="any").ainvoke(ask)

    assert provider.asked[0]["tool_choice"] == "required"  # in the provider's own words
    assert provider.asked[0]["tools"][0]["function"]["name"] == "look"
    assert len(provider.asked) == calls
    for part in ("content", "tool_calls", "invalid_tool_calls", "usage_metadata"):
        assert getattr(replayed, part) == getattr(recorded, part), part
    assert isinstance(replayed, AIMessage)
    assert [call["args"] for call in replayed.tool_calls] == [{"a": 1}]
    assert replayed.response_metadata["finish_reason"] == "tool_calls"
    recording = Recording.load(tmp_path / "recorded" / "run.jsonl")
    assert (recording.provenance.kind, recording.provenance.model) == ("live", "openai:tiny-1")
    assert "a-key-of-the-test-1" not in recording.path.read_text()

    other = models(tmp_path, default="replay:recorded/run.jsonl", temperature=0.9)
    with pytest.raises(RecordingMismatch, match="temperature"):
        await other.for_scope(SCOPE).bind_tools([LOOK], tool_choice="any").ainvoke(ask)


def test_the_workspace_counts_as_the_same_in_every_run(tmp_path: Path, provider: Any) -> None:
    live = models(tmp_path, default="openai:tiny-1", base_url=provider.base_url, record="r.jsonl")
    one, two = tmp_path / "clones" / "1", tmp_path / "clones" / "2"

    live.for_scope(SCOPE, workspace=one).invoke(f"work in {one}")

    made = models(tmp_path, default="replay:r.jsonl")
    assert made.for_scope(SCOPE, workspace=two).invoke(f"work in {two}").content == "Hello"
    with pytest.raises(RecordingMismatch):
        made.for_scope(SCOPE, workspace=two).invoke(f"work in {one}")


def test_each_event_loop_gets_connections_of_its_own(tmp_path: Path, provider: Any) -> None:
    provider.keep_alive = True

    async def hear(made: Models) -> object:
        said = await made.for_scope(SCOPE).ainvoke("hi")
        await made.aclose()
        return said.content

    settings: dict[str, Any] = {"default": "openai:tiny-1", "base_url": provider.base_url}
    for _ in range(2):
        made = models(tmp_path, record="r.jsonl", **settings)
        assert [asyncio.run(hear(made)) for _ in range(2)] == ["Hello", "Hello"]
    assert Recording.load(tmp_path / "r.jsonl").calls == 4


def test_a_writer_can_go_on_after_check(tmp_path: Path, provider: Any) -> None:
    RecordingWriter(tmp_path / "r.jsonl", model="earlier").close()
    made = models(tmp_path, default="openai:tiny-1", base_url=provider.base_url, record="r.jsonl")

    made.check()
    made.for_scope(SCOPE).invoke("hi")

    recording = Recording.load(tmp_path / "r.jsonl")
    assert (recording.calls, recording.provenance.model) == (1, "earlier")


def test_importing_the_package_imports_no_langchain() -> None:
    code = (
        "import sys, neveridle.tools.models, neveridle.tools.recording; "
        "raise SystemExit(any(m.split('.')[0].startswith('lang') for m in sys.modules))"
    )

    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0
