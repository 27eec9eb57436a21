"""A toy domain with tools like a benchmark's, and recorded runs in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from neveridle.cli.app import run

BASE = """
import a_client_that_is_not_installed
"""

TOOL = """
class Tool:
    @staticmethod
    def invoke(*args, **kwargs):
        raise NotImplementedError

    @staticmethod
    def get_info():
        raise NotImplementedError
"""

TOOLS = """
import json
import threading
import time

from kiosk.envs.tool import Tool


def said(name, **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


class Look(Tool):
    @staticmethod
    def invoke(data, item):
        if item not in data["stock"]:
            return "Error: no such item"
        return json.dumps(data["stock"][item])

    @staticmethod
    def get_info():
        return said("look", item={"type": "string"})


class Sell(Tool):
    @staticmethod
    def invoke(data, item, count):
        time.sleep(0.05 if count == 2 else 0)  # the first of two calls at once is the slower
        data["stock"][item]["left"] -= count
        data["sales"].append([item, count])
        return f"{data['stock'][item]['left']} left"

    @staticmethod
    def get_info():
        return said("sell", item={"type": "string"}, count={"type": "integer"})


class Odd(Tool):
    @staticmethod
    def invoke(data, how, config=None):
        if how == "hang":
            threading.Event().wait(60)
        if how == "exit":
            raise SystemExit(3)
        if how == "raise":
            raise ValueError("it does not work")
        if how == "object":
            data["odd"] = object()
        if how == "cycle":
            data["odd"] = data
        if how == "nothing":
            return None
        if how == "table":
            return {"config": config}
        return "odd"

    @staticmethod
    def get_info():
        return said("odd", how={"type": "string"})


class Transfer(Tool):
    @staticmethod
    def invoke(data, summary):
        if summary == "write":
            data["sales"].append("a transfer")
        return "Transfer successful"

    @staticmethod
    def get_info():
        return said("transfer_to_human_agents", summary={"type": "string"})


ALL_TOOLS = [Look, Sell, Odd, Transfer]
"""

STOCK = {"pen": {"left": 9, "price": 2}, "cup": {"left": 4, "price": 7}}


@dataclass
class Talk:
    """A recorded run while it is written.

    Attributes:
        want: the right actions.
        outputs: what had to be said.
    """

    want: list[tuple[str, dict[str, Any]]] = field(default_factory=list[Any])
    outputs: list[str] = field(default_factory=list[str])
    messages: list[dict[str, Any]] = field(default_factory=list[Any])
    calls: int = 0

    def __post_init__(self) -> None:
        self.messages = [
            {"role": "system", "content": "You sell things."},
            {"role": "user", "content": "Good morning!"},
        ]

    def call(self, name: str, result: str | None, **args: Any) -> Talk:
        """The assistant calls a tool; every second call has the same id."""
        self.calls += 1
        return self.raw([(f"call-{self.calls % 2}", name, json.dumps(args), result)])

    def raw(self, calls: list[tuple[str, str, str, str | None]]) -> Talk:
        """The assistant calls tools at once: id, name, arguments, result."""
        made = [
            {"id": id, "type": "function", "function": {"name": name, "arguments": args}}
            for id, name, args, _ in calls
        ]
        self.messages.append({"role": "assistant", "content": None, "tool_calls": made})
        for id, name, _, result in calls:
            if result is not None:
                said = {"role": "tool", "tool_call_id": id, "name": name, "content": result}
                self.messages.append(said)
        return self

    def say(self, text: str | None, answer: str | None) -> Talk:
        """The assistant speaks, and the user answers."""
        self.messages.append({"role": "assistant", "content": text})
        if answer is not None:
            self.messages.append({"role": "user", "content": answer})
        return self

    def stop(self, text: str = "Anything else?") -> Talk:
        """The assistant speaks, and the user ends the conversation."""
        return self.say(text, "No, thank you. ###STOP###")

    def run(self, reward: float, task: int = 0, trial: int = 0, **more: Any) -> dict[str, Any]:
        """As tau-bench writes it."""
        actions = [{"name": name, "kwargs": args} for name, args in self.want]
        info = {
            "task": {"user_id": "u", "actions": actions, "instruction": "", "outputs": self.outputs}
        }
        return {"task_id": task, "trial": trial, "reward": reward, "info": info,
                "traj": self.messages, **more}  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def facts(self) -> Any:
        """What it printed as JSON."""
        return json.loads(self.out)


@pytest.fixture
def invoke(capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run ``neveridle eval …``."""

    def invoked(*arguments: str | Path) -> Ended:
        code = run(["eval", *map(str, arguments)])
        said = capfd.readouterr()
        return Ended(code, said.out, said.err)

    return invoked


@pytest.fixture
def talk() -> type[Talk]:
    """Writes recorded runs."""
    return Talk


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """The folder of the toy domain's tools: its package's top cannot be imported, its tools can."""
    kiosk = tmp_path / "kiosk"
    tools = kiosk / "envs" / "shop" / "tools"
    tools.mkdir(parents=True)
    (kiosk / "__init__.py").write_text(BASE)
    (kiosk / "envs" / "__init__.py").write_text(BASE)
    (kiosk / "envs" / "tool.py").write_text(TOOL)
    (kiosk / "envs" / "shop" / "__init__.py").write_text(BASE)
    (tools / "__init__.py").write_text(TOOLS)
    return tools


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """The folder of its database."""
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "shop_stock.json").write_text(json.dumps(STOCK))
    (folder / "shop_sales.json").write_text("[]")
    return folder


@pytest.fixture
def play(
    tmp_path: Path, shop: Path, tables: Path, invoke: Callable[..., Ended]
) -> Callable[..., Ended]:
    """Go through recorded runs of the toy domain; ``--json`` is given."""

    def played(runs: Any, *more: str) -> Ended:
        path = tmp_path / "runs.json"
        path.write_text(runs if isinstance(runs, str) else json.dumps(runs))
        given = ("--tools", shop, "--data", tables, "--json", *more)
        return invoke("tau-bench", path, *given)

    return played
