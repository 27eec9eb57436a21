"""A project to record, and a model that works on it: real HTTP, real git, a real board."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest

from neveridle.settings import Settings, load_settings
from neveridle.tools.standin.http import Answer, HttpStandin, StandinRequest

CONFIG = """[team]
name = "shelf"
repository = "repo"

[model]
default = "openai:gpt-4o-mini"
base_url = "{url}"
temperature = 0.2

[checks]
tests = "true"

[improvement]
enabled = false

[memory]
enabled = false

[escalation.webhook]
"""


class Writer(HttpStandin):
    """An OpenAI-compatible model that writes a note, looks at the log, and is done."""

    def handle(self, request: StandinRequest) -> Answer:
        asked = request.json
        names = [one["function"]["name"] for one in asked.get("tools", [])]
        step = sum(one["role"] == "assistant" for one in asked["messages"])
        number = self.count(asked["messages"])
        if "Learning" in names:
            call = ("Learning", {"type": "success", "context": "Notes", "observation": "One file.",
                                 "lesson": "Put notes in notes/.", "tags": ["notes"]})  # fmt: skip
        elif step == 0:
            call = ("write_file", {"path": f"notes/{number}.md", "content": f"# Note {number}\n"})
        elif step == 1:
            call = ("run", {"command": "git log -1 --format=%H && ls"})
        else:
            call = ("TaskOutcome", {"status": "completed", "summary": "A note is there.",
                                    "files_changed": [f"notes/{number}.md"]})  # fmt: skip
        function = {"name": call[0], "arguments": json.dumps(call[1])}
        made = {"id": f"call_{request.number}", "type": "function", "function": function}
        message = {"role": "assistant", "content": "", "tool_calls": [made]}
        choice = {"index": 0, "finish_reason": "tool_calls", "message": message}
        return Answer(200, {
            "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini-2024-07-18",
            "choices": [choice],
            "usage": {"prompt_tokens": 900, "completion_tokens": 40, "total_tokens": 940},
        })  # fmt: skip

    @staticmethod
    def count(messages: list[dict[str, Any]]) -> str:
        """The first number in what it is to do."""
        said = " ".join(str(one["content"]) for one in messages if one["role"] == "user")
        return next((word for word in ("one", "two", "three") if f"note {word}" in said), "none")


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Generator[Writer]:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-the-test-1")
    with Writer() as one:
        yield one


@pytest.fixture
def project(tmp_path: Path, writer: Writer) -> Callable[..., Settings]:
    """Makes a project with a repository, a soul and settings; ``more`` is put at their end."""

    def made(more: str = "", files: dict[str, str | bytes] | None = None) -> Settings:
        root = tmp_path / "project"
        repo = root / "repo"
        everything: dict[str, str | bytes] = {"README.md": "# Shelf\n", **(files or {})}
        for name, content in everything.items():
            path = repo / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        who = ["-c", "user.name=shelf", "-c", "user.email=shelf@example.invalid"]
        for arguments in (
            ["init", "-q", "-b", "trunk"],
            ["add", "-A"],
            [*who, "commit", "-q", "-m", "First"],
        ):
            subprocess.run(["git", *arguments], cwd=repo, check=True)
        (root / "agents").mkdir()
        for name in ("ada", "sam"):
            soul = f"---\nrole: dev\n---\nYou are {name.title()}.\n"
            (root / "agents" / f"{name}.md").write_text(soul, encoding="utf-8")
        config = CONFIG.format(url=writer.url).replace("[escalation.webhook]\n", "")
        (root / "neveridle.toml").write_text(config + more, encoding="utf-8")
        return load_settings(root / "neveridle.toml")

    return made
