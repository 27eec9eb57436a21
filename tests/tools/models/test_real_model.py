"""A real language model behind a real API: recorded once, replayed offline."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from neveridle.errors import RecordingMismatch
from neveridle.evals.local_server import LocalServer, missing, start_local_server
from neveridle.settings import ModelSettings
from neveridle.tools.models import Models
from neveridle.tools.recording import Recording, Scope

pytestmark = [
    pytest.mark.real_model,
    pytest.mark.skipif(bool(missing()), reason=missing() or "there is a local model"),
]
SCOPE = Scope("dispatch:1", 1, "work", "sam")
LOOK = {
    "name": "look",
    "description": "Read a file.",
    "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
}


@pytest.fixture(scope="module")
def server() -> Generator[LocalServer]:
    with start_local_server() as running:
        yield running


def test_a_call_is_recorded_and_replayed_offline(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings = ModelSettings(
        default=server.model,
        base_url=server.base_url,
        temperature=0.0,
        max_output_tokens=24,
        record="run.jsonl",
    )
    prompt = "Which planet do we live on?"
    live = Models(settings, {}, root=tmp_path).for_scope(SCOPE)
    recorded = live.bind_tools([LOOK], tool_choice="any").invoke(prompt)

    # An address where nobody is: a replay asks nobody.
    offline = ModelSettings(
        default="replay:run.jsonl",
        base_url="http://127.0.0.1:1/v1",
        temperature=0.0,
        max_output_tokens=24,
    )
    model = Models(offline, {}, root=tmp_path).for_scope(SCOPE)
    replayed = model.bind_tools([LOOK], tool_choice="any").invoke(prompt)

    assert recorded.content
    assert replayed.content == recorded.content
    assert replayed.tool_calls == recorded.tool_calls
    assert replayed.usage_metadata == recorded.usage_metadata
    assert recorded.usage_metadata is not None
    assert 0 < recorded.usage_metadata["output_tokens"] <= 24
    provenance = Recording.load(tmp_path / "run.jsonl").provenance
    assert (provenance.kind, provenance.model) == ("live", server.model)

    with pytest.raises(RecordingMismatch) as raised:
        model.bind_tools([LOOK], tool_choice="any").invoke(f"{prompt} Think.")
    assert f"-    {prompt}\n+    {prompt} Think.\n" in str(raised.value)


@pytest.mark.skipif(os.name == "nt", reason="asks for a process in the POSIX way")
def test_the_server_is_gone_when_the_block_ends() -> None:
    with start_local_server() as running:
        os.kill(running.pid, 0)

    with pytest.raises(ProcessLookupError):
        os.kill(running.pid, 0)
