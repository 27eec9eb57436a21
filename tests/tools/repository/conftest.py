from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool

from neveridle.settings import SandboxSettings
from neveridle.tools.repository import repository_tools
from neveridle.tools.sandbox import make_sandbox

SECRET = "hidden outside"


class Copy:
    """A working copy without git: all that the tools need."""

    base = "base"

    def __init__(self, tree: Path) -> None:
        self.tree = tree

    async def diff(self, since: str, *, limit: int = 60_000) -> str:
        return f"difference from {since}"


class Tools:
    """The tools as a model calls them: by name, answered with content and status."""

    def __init__(self, tools: list[BaseTool]) -> None:
        self.tools = {tool.name: tool for tool in tools}

    async def __call__(self, name: str, /, **args: object) -> tuple[str, str]:
        call = {"name": name, "args": args, "id": "call-1", "type": "tool_call"}
        message: ToolMessage = await self.tools[name].ainvoke(call)
        return message.status, message.text

    async def ok(self, name: str, /, **args: object) -> str:
        status, content = await self(name, **args)
        assert status == "success", content
        return content

    async def refused(self, name: str, /, **args: object) -> str:
        status, content = await self(name, **args)
        assert status == "error", content
        return content


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree with, beside it, what must not be reached."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text(SECRET)
    folder = tmp_path / "a tree with späces"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "app.py").write_bytes(b"import os\n\nprint('hello')\nprint('bye')\n")
    (folder / "crlf.txt").write_bytes(b"one\r\ntwo\r\nthree\r\n")
    return folder


@pytest.fixture
async def tools(tree: Path) -> Tools:
    sandbox, _ = await make_sandbox(SandboxSettings.model_validate({}))
    return Tools(repository_tools(Copy(tree), sandbox, timeout=20))
