"""A minimal recorded task, to begin one's own from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from neveridle.errors import StageTaken

FILES: Final = {
    "task.toml": """\
# neveridle eval run . plays it; docs/evals_format.md explains the format.
#:schema ./recorded-task.schema.json
schema = 2
title = "Greet by name"
description = "One agent, one task: the greeting takes a name."
provenance = "authored"

[start]
repository = "repository"
folder = "greeter"

[[tasks]]
source = "dispatch"
agent = "kim"
title = "Greet by name"
description = "greet(name) returns 'Hello, <name>!'."

[expect]
completed = 1
path = ["kim dispatch completed: Greet by name"]
states = { "Greet by name" = "completed" }
files = { "greeter.py" = { contains = "Hello, {name}!" } }
files_changed = ["greeter.py"]
merged = 1
idle_model_calls = 0
checks_before = { tests = false }
checks_after = { tests = true }

[expect.measures]
model_calls = 3
""",
    "neveridle.toml": """\
[team]
name = "greeters"
repository = "greeter"
branch = "main"

[model]
default = "replay:recording.jsonl"

[checks]
tests = "python -m unittest discover -s tests -t ."

[delivery]
mode = "merge"
unsandboxed_merge = true # the recording is known

[memory]
enabled = false

[improvement]
enabled = false
""",
    "agents/kim.md": """\
---
role: developer
skills: [python]
---

# KIM

You write small, tested Python.
""",
    "repository/greeter.py": '''\
"""Greetings."""


def greet() -> str:
    """Say hello."""
    return "Hello!"
''',
    "repository/tests/__init__.py": "",
    "repository/tests/test_greeter.py": """\
import unittest

from greeter import greet


class GreeterTest(unittest.TestCase):
    def test_greets_by_name(self):
        self.assertEqual(greet("Ada"), "Hello, Ada!")
""",
    "recording.jsonl": """\
{"format": "neveridle-recording", "version": 1, "provenance": {"kind": "authored", "model": "authored"}}
{"task": "dispatch:greet-by-name", "step": 1, "content": "I look first.", "tool_calls": [{"name": "read_file", "args": {"path": "greeter.py"}}]}
{"task": "dispatch:greet-by-name", "step": 2, "content": "The greeting takes a name.", "tool_calls": [{"name": "edit_file", "args": {"path": "greeter.py", "old": "def greet() -> str:\\n    \\"\\"\\"Say hello.\\"\\"\\"\\n    return \\"Hello!\\"", "new": "def greet(name: str) -> str:\\n    \\"\\"\\"Say hello to somebody.\\"\\"\\"\\n    return f\\"Hello, {name}!\\""}}]}
{"task": "dispatch:greet-by-name", "step": 3, "content": "", "tool_calls": [{"name": "TaskOutcome", "args": {"status": "completed", "summary": "greet takes a name.", "files_changed": ["greeter.py"]}}]}
""",  # noqa: E501 - a recording has a line for each answer
}
"""By path, what stands in it."""


def new_task(folder: Path) -> list[Path]:
    """Write a recorded task that passes.

    Args:
        folder: where; it does not exist, or is empty.

    Returns:
        The files.

    Raises:
        StageTaken: there is something, or it cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            msg = f"{folder} exists, and is not empty."
            raise StageTaken(msg, remedy="Name a folder that does not exist yet.")
        from neveridle.evals.json_schema import schema_text

        texts = {**FILES, "recorded-task.schema.json": schema_text("task")}
        for name, text in texts.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        msg = f"{folder} cannot be written: {error.strerror}."
        raise StageTaken(msg, remedy="Name another folder.") from error
    return [folder / name for name in texts]
